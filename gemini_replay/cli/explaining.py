"""The command explain: the pages of the documentation, which ship with the package."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ..errors import UsageError, did_you_mean

_ERRORS = "errors"


def explain(chosen: argparse.Namespace) -> int:
    """Print a page, or the section about one error; without a topic, what there is."""
    pages = {path.stem: path for path in sorted(_folder().glob("*.md"))}
    errors = _sections(pages[_ERRORS].read_text(encoding="utf-8"))
    topic: str | None = chosen.topic
    if topic is None:
        print("Pages:", *(f"  {name:20} {_title(path)}" for name, path in pages.items()), sep="\n")
        print("Errors:", *(f"  {name}" for name in errors), sep="\n")
    elif topic in pages or topic in errors:
        found = [errors[topic]] if topic in errors else []
        if topic in pages:
            found.append(pages[topic].read_text(encoding="utf-8").rstrip())
        print("\n\n".join(found))
    else:
        known = [*pages, *errors]
        raise UsageError(
            f"There is no page {topic!r}.",
            suggestion=did_you_mean(topic, known),
            hint="Run `gemini-replay explain` for a list.",
        )
    return 0


def _folder() -> Path:
    """Where the pages are: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    shipped = package / "docs"
    return shipped if shipped.is_dir() else package.parent / "docs"


def _sections(page: str) -> dict[str, str]:
    """The sections of a page by their headings."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:]
    return {name: f"{name}\n\n{text.strip()}" for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.readline().lstrip("# ").strip()
