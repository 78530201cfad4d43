"""Writes docs/fuzz-classes.md: what a user notices if a parser gets a case class wrong, and where there is a choice.

python tools/fuzz_classes.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from gemini_replay.fuzz.classes import CHECKS, CLASSES, PROFILES, CaseClass
from gemini_replay.fuzz.meanings import meaning
from gemini_replay.fuzz.policies import ANY, outcomes

PAGE = Path(__file__).parents[1] / "docs" / "fuzz-classes.md"

START = """# The classes of the fuzz kit

""" + (
    "For each class: what is in its streams, what a user of a program notices if its parser gets it wrong, and, "
    "where standard and practice leave a choice, which outcomes a project can demand. Without a "
    "[policy](fuzzing.md#a-projects-policy), each of these outcomes is right as long as it does not depend on how "
    "the stream is cut. `any` can be demanded of each class: then it is not tried. The profile `smoke` has the "
    "classes of `gemini`, except those of something large.\n\n"
    "Made by `python tools/fuzz_classes.py`.\n"
)


def page() -> str:
    """The whole page."""
    parts = [START, "## Checks\n\n" + _table([(name, text, "") for name, text in CHECKS.items()])]
    shown: set[str] = set()
    for profile in PROFILES:
        cases = [one for one in CLASSES if profile in one.profiles and one.name not in shown]
        shown |= {one.name for one in cases}
        if cases:
            parts.append(f"## {profile}\n\n" + _table([(one.name, one.description, _choice(one)) for one in cases]))
    return "\n".join(parts)


def _table(rows: list[tuple[str, str, str]]) -> str:
    lines = ["| class | its streams | what a user notices | may be demanded |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {text} | {meaning(name)} | {choice} |" for name, text, choice in rows]
    return "\n".join(lines) + "\n"


def _choice(case: CaseClass) -> str:
    return ", ".join(f"`{one}`" for one in outcomes(case) if one != ANY)


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
