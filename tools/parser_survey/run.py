"""Surveys the stream parsers of third parties at their current versions, and writes docs/parser-survey.{json,md}.

    python tools/parser_survey/run.py [--only NAME …] [--missing] [--keep-versions]

One environment for each package is made below the user's cache. Each parser runs in it behind the line protocol, and
goes through every case class of the fuzz kit. Each bug is then confirmed: its literal chunks are fed once more to a
fresh process, and what came is written down; what does not come again is no bug, and listed apart.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import sys
import time
from pathlib import Path
from typing import Any

import advice
import environments
import pages
import python_parsers

from gemini_replay import __version__, fuzz
from gemini_replay.fuzz.classes import CHECKS, GROWTH, IN_ARRAY, classes_of
from gemini_replay.fuzz.command import Command
from gemini_replay.fuzz.growth import growth
from gemini_replay.fuzz.literals import short
from gemini_replay.fuzz.process import CommandError, CommandOutput, CommandTimeoutError
from gemini_replay.fuzz.results import Result
from gemini_replay.fuzz.target import FuzzTarget
from gemini_replay.fuzz.verdicts import same

DOCS = Path(__file__).parents[2] / "docs"
SSE = ("gemini", "gateway", "sse", "hostile")
HUGE = "event-of-20-mb"
SEED = 0
EXAMPLES = 20
LONGEST = 2000
"""The most characters of a text in the JSON. Of a case of 20 MB, it has the beginning and the length."""


def clipped(value: Any) -> Any:
    """The value with long texts shortened."""
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: clipped(one) for name, one in value.items()}
    return [clipped(one) for one in value] if isinstance(value, list) else value


def main() -> int:
    """Run the survey; the exit status."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--only", nargs="+", metavar="NAME", help="these parsers; the others stay as they are")
    arguments.add_argument("--missing", action="store_true", help="those that are not in the JSON yet")
    arguments.add_argument(
        "--again",
        nargs="+",
        metavar="CLASS",
        help="of parsers whose versions have not changed, only these classes, and those that the JSON does not have",
    )
    arguments.add_argument("--keep-versions", action="store_true", help="use the environments as they are")
    arguments.add_argument("--environments", type=Path, default=environments.default_folder(), metavar="DIR")
    arguments.add_argument("--max-examples", type=int, default=EXAMPLES, metavar="N", help="for each class")
    arguments.add_argument("--pages-only", action="store_true", help="write the page anew from the JSON")
    chosen = arguments.parse_args()
    unknown = set(chosen.only or ()) - {parser.name for parser in environments.PARSERS}
    if unknown:
        arguments.error(f"no parser {', '.join(sorted(unknown))}; there are {', '.join(python_parsers.PARSERS)}, …")
    target = DOCS / "parser-survey.json"
    found = json.loads(target.read_text(encoding="utf-8"))["parsers"] if target.exists() else {}
    made = environments.Environments(chosen.environments, update=not chosen.keep_versions)
    for parser in () if chosen.pages_only else environments.PARSERS:
        wanted = parser.name in (chosen.only or [one.name for one in environments.PARSERS])
        if wanted and not (chosen.missing and parser.name in found):
            found[parser.name] = renewed(made, parser, chosen.max_examples, found.get(parser.name), chosen.again)
            write(found)
    write(found)
    for name, one in found.items():
        for bug in one["unconfirmed"]:
            print(f"not confirmed: {name}: {bug['name']}: {bug['kind']}", file=sys.stderr)
    return 0


def write(found: dict[str, Any]) -> None:
    """Write the JSON, and the page made from it."""
    found = {one.name: clipped(found[one.name]) for one in environments.PARSERS if one.name in found}
    for one in found.values():
        for bug in one["bugs"]:
            bug["advice"] = advice.heading_of(bug, one["bugs"])
    content = {"advice": advice.ADVICE, "parsers": found}
    text = json.dumps(content, ensure_ascii=False, indent=1)
    (DOCS / "parser-survey.json").write_text(text + "\n", encoding="utf-8")
    (DOCS / "parser-survey.md").write_text(pages.page(content), encoding="utf-8")


def renewed(
    made: environments.Environments,
    parser: environments.Parser,
    max_examples: int,
    was: dict[str, Any] | None,
    again: list[str] | None,
) -> dict[str, Any]:
    """One parser anew; or only some of its classes, if the rest was found with the same versions."""
    if was is None or again is None or was["versions"] != made.versions(parser):
        return survey(made, parser, max_examples)
    present = [*_checks(parser), *(one.name for one in classes_of(profiles_of(parser)))]
    names = [name for name in present if name in again or name not in was["verdicts"]]
    if not names:
        return was
    now = survey(made, parser, max_examples, names)

    def merged(key: str) -> list[Any]:
        both = [one for one in was[key] if one["name"] in present and one["name"] not in names] + now[key]
        return sorted(both, key=lambda one: present.index(one["name"]))

    verdicts = {**was["verdicts"], **now["verdicts"]}
    behaviour = {**{name: said for name, said in was["behaviour"].items() if name not in names}, **now["behaviour"]}
    return {
        **was,
        "about": now["about"],
        "surveyed": now["surveyed"],
        "verdicts": {name: verdicts[name] for name in present},
        "bugs": merged("bugs"),
        "unconfirmed": merged("unconfirmed"),
        "behaviour": {name: behaviour[name] for name in present if name in behaviour},
    }


def profiles_of(parser: environments.Parser) -> tuple[str, ...]:
    """The profiles that a parser is tried with."""
    return ("json-array",) if parser.framing == "json-array" else SSE


def _checks(parser: environments.Parser) -> list[str]:
    return [check + IN_ARRAY if parser.framing == "json-array" else check for check in CHECKS]


def survey(
    made: environments.Environments,
    parser: environments.Parser,
    max_examples: int,
    classes: list[str] | None = None,
) -> dict[str, Any]:
    """One parser: its versions, and what each class, or each of some classes, showed."""
    began = time.monotonic()

    def progress(done: int, total: int, what: str) -> None:
        seconds = time.monotonic() - began
        print(f"{parser.name}: {done} of {total} after {seconds:.0f} s: {what}", file=sys.stderr)

    profiles = profiles_of(parser)
    classes = classes or [*_checks(parser), *(one.name for one in classes_of(profiles))]
    left_out: list[str] = []
    with Command(made.command(parser)) as command:
        command.check()
        if HUGE in classes and fuzz.survey(command, profiles=profiles, classes=[GROWTH]).bugs:
            left_out.append(HUGE)  # it would take minutes, and the growth is known already
            classes.remove(HUGE)
        result = fuzz.survey(
            command,
            profiles=profiles,
            classes=classes,
            max_examples=max_examples,
            seed=SEED,
            progress=progress,
            name=parser.name,
        )
    about = parser.about or (python_parsers.PARSERS[parser.name].__doc__ or "").strip()
    bugs = [(bug.to_json(), confirm(made, parser, bug)) for bug in result.bugs]
    sure = [{**bug, "came": came} for bug, (confirmed, came) in bugs if confirmed]
    doubtful = [{**bug, "came": came} for bug, (confirmed, came) in bugs if not confirmed]
    return {
        "about": about,
        "versions": made.versions(parser),
        "framing": parser.framing,
        "surveyed": datetime.date.today().isoformat(),
        "kit": __version__,
        "seed": SEED,
        "max_examples": max_examples,
        "profiles": list(result.profiles),
        "verdicts": {
            **{one.name: one.verdict for one in result.results},
            **{one["name"]: "unconfirmed" for one in doubtful},
            **dict.fromkeys(left_out, "not tried"),
        },
        "bugs": sure,
        "unconfirmed": doubtful,
        "behaviour": {one.name: one.behaviour for one in result.results if one.verdict == "behaviour"},
        "growth": result.to_json()["growth"],
        "promptness": result.to_json()["promptness"],
    }


def confirm(made: environments.Environments, parser: environments.Parser, bug: Result) -> tuple[bool, str]:
    """Feed a bug's literal chunks to a fresh process: whether the same comes as in the search, and what came."""
    with Command(made.command(parser)) as command:
        if bug.kind == "grows":
            with FuzzTarget(command) as target:
                for _ in range(3):  # the machine may have been busy
                    figures = [one for one in growth(target, array=parser.framing == "json-array") if one.bad]
                    if figures:
                        break
            return bool(figures), "; ".join(map(str, figures))
        try:
            whole = command.ask([b"".join(bug.chunks)])
            for earlier in bug.after:
                with contextlib.suppress(CommandError):
                    command.ask(earlier)
            answer = command.ask(bug.chunks)
        except CommandTimeoutError as error:
            return bug.kind == "stalls", str(error)
        except CommandError as error:
            return bug.kind == "raises", f"{type(error).__name__}: {error}"
    if bug.name == "promptness":
        last = len(bug.chunks) - 1  # had been asked for before the last event that was due
        late = [taken for taken in (answer.pulled or [])[: len(bug.expected)] if taken > last]
        return bool(late), f"{len(late)} of {len(bug.expected)} events only with the chunk behind"
    came = _said(answer)
    if bug.whole_raises:
        came += f"; in one chunk: {_said(whole)}"
    # A bug that needs a cut is one in what the same bytes give in one chunk and in several.
    right = (whole.events, whole.error) if bug.needs_cut else (bug.expected, None)
    wrong = not same(answer.events, right[0]) or (answer.error is None) != (right[1] is None)
    return wrong and same(answer.events, bug.got) and bug.kind != "stalls", came


def _said(answer: CommandOutput) -> str:
    return short(answer.events) + (f", then {answer.error}" if answer.error else "")


if __name__ == "__main__":
    sys.exit(main())
