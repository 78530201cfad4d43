"""``gemini-replay fuzz``: a survey of one parser, for people in the terminal and for CI."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from ..counting import counted
from ..errors import UsageError, did_you_mean
from . import adapters
from .budget import seconds
from .classes import PROFILES, known_profile
from .command import Command
from .corpus import write_corpus
from .junit import junit
from .kept_tests import kept_test
from .loading import load
from .progress import Progress
from .report import explain, tried_fresh
from .responses import URL
from .results import Result, Survey, known_bugs

ADAPTERS: dict[str, Callable[..., Any]] = {
    "text": adapters.text,
    "lines": adapters.lines,
    "byte-lines": adapters.byte_lines,
    "callback": adapters.callback,
    "httpx": adapters.httpx_response,
    "httpx2": adapters.httpx2_response,
    "requests": adapters.requests_response,
    "aiohttp": adapters.aiohttp_response,
    "push": adapters.push,
}

RESPONSES = ("httpx", "httpx2", "requests", "aiohttp")

_ARRAY_TYPE = "application/json; charset=UTF-8"


def fuzz(chosen: argparse.Namespace) -> int:
    """Survey the parser and print what was found; 1 if a bug was found that the baseline does not have, else 0."""
    if chosen.write_corpus:
        return write_corpus(_profiles(chosen), chosen.classes, chosen.write_corpus)
    _check_outputs(chosen)
    known = _baseline(chosen)
    with _parser(chosen) as parse:
        survey = _survey(parse, _profiles(chosen), known, chosen)
        explained = {bug.name: _explained(bug, parse, survey, chosen) for bug in survey.new_bugs}
    print(survey)
    for text in explained.values():
        print(f"\n{'─' * 78}\n{text}")
    print(f"\n{_summary(survey, known)}")
    if chosen.json:
        _write_json(chosen.json, survey.to_json())
    if chosen.junit:
        _write(chosen.junit, junit(survey, explained))
    if chosen.save:
        for bug in survey.bugs:
            if bug.chunks:
                print(f"saved: {save_case(bug, survey.parser, chosen.save)}")
    if chosen.update_baseline:
        # Bugs in classes that this run did not try stay known.
        tried = _tried(survey)
        kept = {key for key in known if key.rpartition(": ")[0] not in tried}
        keys = sorted(kept | {bug.key for bug in survey.bugs})
        _write_json(chosen.baseline, {"parser": survey.parser, "known": keys})
        print(f"{chosen.baseline}: {counted(len(keys), 'known bug')}")
        return 0
    return 1 if survey.new_bugs else 0


def _check_outputs(chosen: argparse.Namespace) -> None:
    """Before the search: what it cannot use, and what cannot be written after it."""
    if chosen.max_examples is not None and chosen.max_examples < 1:
        raise UsageError(
            f"--max-examples {chosen.max_examples} is not a number above 0.",
            hint="Leave it out for 40, or use --profile smoke, which draws none.",
        )
    for option, path in (("--json", chosen.json), ("--junit", chosen.junit), ("--baseline", chosen.baseline)):
        if path is not None and path.is_dir():
            raise UsageError(f"{option} {path} is a folder.", hint="Name a file in it.")
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{option} {path}: there is no folder {path.parent}.", hint="Make it, or name another.")
    if chosen.save is not None and chosen.save.exists() and not chosen.save.is_dir():
        raise UsageError(f"--save {chosen.save} is a file.", hint="Name a folder.")


def save_case(bug: Result, parser: str, folder: Path) -> Path:
    """Write a bug's chunks as a cassette that replays them, named after the bug."""
    from .._version import __version__
    from ..cassette.files import CassetteFile
    from ..cassette.model import Chunk, Interaction, Request, Response

    array = bug.profiles == ("json-array",)
    comment = f"# {parser}: {bug.kind}: {bug.description}"
    interaction = Interaction(
        Request(
            "POST",
            URL.removesuffix("?alt=sse") if array else URL,
            (("content-type", "application/json"),),
            b'{"contents": [{"parts": [{"text": "fuzz"}]}]}',
        ),
        Response(200, (("content-type", _ARRAY_TYPE if array else "text/event-stream"),)),
        tuple(Chunk(0.0, chunk) for chunk in bug.chunks),
        comments=(" ".join(comment.split()),),
    )
    path = folder / f"{bug.name}.jsonl"
    CassetteFile([interaction], recorder=f"gemini-replay {__version__}").save(path)
    return path


@contextmanager
def _parser(chosen: argparse.Namespace) -> Iterator[Callable[[Any], Any]]:
    if (chosen.target is None) == (chosen.command is None):
        raise UsageError(
            "No parser is given." if chosen.target is None else f"Both {chosen.target!r} and --command are given.",
            hint="Either MODULE:CALLABLE, such as my_package.streams:parse, or --command 'node adapter.mjs'.",
        )
    if chosen.update_baseline and chosen.baseline is None:
        raise UsageError("--update-baseline needs a file.", hint="Name it: --baseline known.json --update-baseline.")
    if chosen.command is None:
        if chosen.time_limit is not None:
            raise UsageError("--time-limit applies to --command only.", hint="Leave it out, or use --max-time.")
        adapt = _adapter(chosen.adapter)
        if chosen.profile == ["json-array"] and (chosen.adapter or "").partition(".")[0] in RESPONSES:
            adapt = functools.partial(adapt, content_type=_ARRAY_TYPE)
        yield adapt(load(chosen.target))
        return
    if chosen.adapter:
        raise UsageError("--adapter does not apply to --command.", hint="Leave it out.")
    limit = {} if chosen.time_limit is None else {"time_limit": chosen.time_limit}
    with Command(chosen.command, **limit) as command:
        if not chosen.quiet:
            print(f"gemini-replay: waiting up to {command.start_limit:g} s for the first answer", file=sys.stderr)
        command.check()
        yield command


def _adapter(kind: str | None) -> Callable[..., Any]:
    if kind is None:
        return lambda parse: parse
    name, _, reads = kind.partition(".")
    if name in RESPONSES and reads:
        return functools.partial(ADAPTERS[name], reads=reads)
    if kind not in ADAPTERS:
        raise UsageError(
            f"Unknown adapter {kind!r}.",
            suggestion=did_you_mean(kind, ADAPTERS),
            hint=f"Choose from {', '.join(ADAPTERS)}.",
        )
    return ADAPTERS[kind]


def _profiles(chosen: argparse.Namespace) -> tuple[str, ...]:
    given = chosen.profile or ["gemini"]
    return PROFILES if "all" in given else tuple(known_profile(one) for one in dict.fromkeys(given))


def _survey(parse: Any, profiles: tuple[str, ...], known: list[str], chosen: argparse.Namespace) -> Survey:
    from .database import open_databases
    from .parser_check import survey

    return survey(
        parse,
        profiles=profiles,
        classes=chosen.classes,
        max_examples=chosen.max_examples,
        seed=chosen.seed,
        baseline=known,
        progress=None if chosen.quiet else Progress(sys.stderr),
        database=open_databases(chosen.database or ()),
        max_time=None if chosen.max_time is None else seconds(chosen.max_time),
    )


def _explained(bug: Result, parse: Any, survey: Survey, chosen: argparse.Namespace) -> str:
    profile = next((one for one in bug.profiles if one in survey.profiles), survey.profiles[0])
    given = {"max_examples": chosen.max_examples, "seed": chosen.seed, "classes": chosen.classes}
    search = [f"{key}={value!r}" for key, value in given.items() if value is not None]
    bug, kept = tried_fresh(bug, kept_test(bug, parse, profile), parse, profile, (), search)
    return explain(bug, survey.parser, profile, kept)


def _summary(survey: Survey, known: list[str]) -> str:
    new, old = len(survey.new_bugs), len(survey.bugs) - len(survey.new_bugs)
    tried = _tried(survey)
    said = f"{counted(len(tried), 'class', 'classes')}, {counted(new, 'new bug')}"
    keys = {bug.key for bug in survey.bugs}
    gone = [key for key in known if key.rpartition(": ")[0] in tried and key not in keys]
    if known:
        said += f", {old} known"
    if gone:
        said += f"; no longer found: {', '.join(gone)} (remove from the baseline with --update-baseline)"
    for why, left in groupby((one for one in survey.results if one.name not in tried), lambda one: one.left_out):
        said += f"; not tried, since {why}: {', '.join(one.name for one in left)}"
    return said


def _tried(survey: Survey) -> set[str]:
    return {one.name for one in survey.results if one.verdict != "not tried"}


def _baseline(chosen: argparse.Namespace) -> list[str]:
    """The keys of the known bugs: of a baseline, or of a survey that ``--json`` wrote."""
    path: Path | None = chosen.baseline
    if path is None or (chosen.update_baseline and not path.exists()):
        return []
    try:
        return sorted(known_bugs(json.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        raise UsageError(
            f"There is no baseline {path}.", hint="Write it with: --baseline FILE --update-baseline"
        ) from None
    except UsageError:
        raise UsageError(f"{path} is not a baseline.", hint=_REWRITE) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"The baseline {path} cannot be read: {error}", hint=_REWRITE) from None


_REWRITE = "Delete it, and write it again with: --baseline FILE --update-baseline"


def _write_json(path: Path, content: Any) -> None:
    _write(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="Name another file.") from None
