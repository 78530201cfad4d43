"""The command explain: the pages of the documentation, which ship with the package."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import UsageError, did_you_mean

_PAGES = ("errors", "check")
"""The pages with a section for each error or finding. Their other sections have headings of several words."""


def explain(chosen: argparse.Namespace) -> int:
    """Print a page, or the section about one error or finding; without a topic, what there is."""
    pages = _pages()
    sections = _sections_of(pages)
    topic: str | None = chosen.topic
    if topic is None:
        print("Pages:", *(f"  {name:20} {_title(path)}" for name, path in pages.items()), sep="\n")
        print("Errors and findings:", *(f"  {name}" for name in sections), sep="\n")
    elif topic in pages or topic in sections:
        found = [sections[topic]] if topic in sections else []
        if topic in pages:
            found.append(pages[topic].read_text(encoding="utf-8").rstrip())
        print("\n\n".join(found))
    else:
        known = [*pages, *sections]
        raise UsageError(
            f"There is no page {topic!r}.",
            suggestion=did_you_mean(topic, known),
            hint="Run `gemini-replay explain` for a list.",
        )
    return 0


def topics() -> list[str]:
    """The names of all pages, errors and findings."""
    pages = _pages()
    return [*pages, *_sections_of(pages)]


def _pages() -> dict[str, Path]:
    return {path.stem: path for path in sorted(_folder().glob("*.md"))}


def _sections_of(pages: Mapping[str, Path]) -> dict[str, str]:
    """The section of each error and finding, by its name."""
    found: dict[str, str] = {}
    for page in _PAGES:
        found |= _sections(pages[page].read_text(encoding="utf-8"))
    return found


def _folder() -> Path:
    """Where the pages are: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    shipped = package / "docs"
    return shipped if shipped.is_dir() else package.parent / "docs"


def _sections(page: str) -> dict[str, str]:
    """The sections of a page whose headings are one word, by their headings."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:]
    sections = zip(parts[::2], parts[1::2], strict=True)
    return {name: f"{name}\n\n{text.strip()}" for name, text in sections if " " not in name}


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.readline().lstrip("# ").strip()
