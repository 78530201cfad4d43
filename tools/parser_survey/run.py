"""Surveys the stream parsers of third parties at their current versions, and writes docs/parser-survey.{json,md}.

    python tools/parser_survey/run.py [--only NAME …] [--missing] [--keep-versions]

One environment for each package is made below the user's cache. Each parser runs in it through the line protocol, and
goes through every case class of the fuzz kit. Each bug is then confirmed: its literal chunks are fed once more to a
fresh process, and what came is written down; what does not come again is no bug, and listed apart.

What was found about a parser is kept beside its environment. So a survey that was cut off goes on with --missing, and
several processes may share the work, each with --only. A run without --only writes the documents, once every parser
has been tried with the same settings.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

import advice
import environments
import pages
from surveying import SEED, classes_for, survey

from gemini_replay.fuzz.search import MAX_EXAMPLES

DOCS = Path(__file__).parents[2] / "docs"
LONGEST = 2000
"""The most characters of a text in the JSON, but for literals of chunks: of more, the beginning and the length."""


def clipped(value: Any) -> Any:
    """The value with long texts shortened."""
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: one if name == "chunks_python" else clipped(one) for name, one in value.items()}
    return [clipped(one) for one in value] if isinstance(value, list) else value


def main() -> int:
    """Run the survey; the exit status."""
    names = [parser.name for parser in environments.PARSERS]
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--only", nargs="+", metavar="NAME", choices=names, help="these parsers")
    arguments.add_argument("--missing", action="store_true", help="those that were not tried with these settings yet")
    arguments.add_argument("--keep-versions", action="store_true", help="use the environments as they are")
    arguments.add_argument("--install-only", action="store_true", help="bring the environments up to date, no more")
    arguments.add_argument("--environments", type=Path, default=environments.default_folder(), metavar="DIR")
    arguments.add_argument("--max-examples", type=int, default=MAX_EXAMPLES, metavar="N", help="for each class")
    arguments.add_argument("--pages-only", action="store_true", help="write the page anew from the JSON")
    chosen = arguments.parse_args()
    if chosen.pages_only:
        write(json.loads((DOCS / "parser-survey.json").read_text(encoding="utf-8"))["parsers"])
        return 0
    made = environments.Environments(chosen.environments, update=not chosen.keep_versions)
    kept = Kept(made, chosen.max_examples)
    for parser in environments.PARSERS:
        if parser.name not in (chosen.only or names):
            continue
        made.command(parser)
        if not chosen.install_only and not (chosen.missing and kept.found(parser)):
            kept.keep(parser, survey(made, parser, chosen.max_examples))
    if chosen.install_only or chosen.only:
        return 0
    found = {parser.name: kept.found(parser) for parser in environments.PARSERS}
    if missing := [name for name, one in found.items() if one is None]:
        print(f"not written, since these were not tried yet: {', '.join(missing)}", file=sys.stderr)
        return 0
    write(found)
    for name, one in found.items():
        for bug in one["unconfirmed"]:
            print(f"not confirmed: {name}: {bug['name']}: {bug['kind']}", file=sys.stderr)
    return 0


class Kept:
    """What was found about each parser, one file for each.

    Args:
        made: the environments; the files lie beside them.
        max_examples: what was found with another number does not count.
    """

    def __init__(self, made: environments.Environments, max_examples: int) -> None:
        self._made = made
        self._max_examples = max_examples

    def found(self, parser: environments.Parser) -> Any:
        """What was found with these settings, the present versions and the present classes; None if nothing was."""
        path = self._path(parser)
        if not path.exists():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        settings = {"max_examples": self._max_examples, "seed": SEED, "versions": self._made.versions(parser)}
        same = all(found[name] == value for name, value in settings.items())
        return found if same and list(found["verdicts"]) == classes_for(parser) else None

    def keep(self, parser: environments.Parser, found: dict[str, Any]) -> None:
        """Keep what was found just now."""
        path = self._path(parser)
        path.parent.mkdir(parents=True, exist_ok=True)
        now = {**found, "surveyed": datetime.date.today().isoformat()}
        path.write_text(json.dumps(clipped(now), ensure_ascii=False), encoding="utf-8")

    def _path(self, parser: environments.Parser) -> Path:
        return self._made.folder / "found" / f"{parser.name.replace('/', ' ')}.json"


def write(found: dict[str, Any]) -> None:
    """Write the JSON, and the page made from it."""
    for one in found.values():
        for bug in one["bugs"]:
            bug["advice"] = advice.heading_of(bug, one["bugs"])
            if sum(map(len, bug["chunks"])) > LONGEST:
                bug["chunks"] = []  # their literal is shorter
    content = {"advice": advice.ADVICE, "parsers": found}
    text = json.dumps(content, ensure_ascii=False, indent=1)
    (DOCS / "parser-survey.json").write_text(text + "\n", encoding="utf-8")
    (DOCS / "parser-survey.md").write_text(pages.page(content), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
