"""Surveys one parser: every class of the fuzz kit, and each bug once more in a fresh process."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

import plainly
import python_parsers
from environments import Environments, Parser

from gemini_replay import __version__, fuzz
from gemini_replay.fuzz.budget import Budget
from gemini_replay.fuzz.classes import CHECKS, GROWTH, IN_ARRAY, ISOLATION, LOST_CONNECTION, classes_of
from gemini_replay.fuzz.command import Command
from gemini_replay.fuzz.cuts import every, split
from gemini_replay.fuzz.growth import growth
from gemini_replay.fuzz.isolation import isolation
from gemini_replay.fuzz.literals import short
from gemini_replay.fuzz.parser_check import surveyed
from gemini_replay.fuzz.process import CommandError, CommandOutput, CommandTimeoutError
from gemini_replay.fuzz.results import Result, Survey
from gemini_replay.fuzz.search import Search
from gemini_replay.fuzz.target import FuzzTarget
from gemini_replay.fuzz.verdicts import Examiner, same

SSE = ("gemini", "gateway", "sse", "hostile")
HUGE = "event-of-20-mb"
SLOW = 5.0
"""Seconds of processor time for an event of 5 MB."""
DEEP = "deep-nesting"
"""What is nested too deeply for decoders; a client's types may drop it, and then nothing can be said."""
SEED = 0


def profiles_of(parser: Parser) -> tuple[str, ...]:
    """The profiles that a parser is tried with."""
    return ("json-array",) if parser.framing == "json-array" else SSE


def classes_for(parser: Parser) -> list[str]:
    """The checks and classes that a parser is tried with; a whole client has the checks of the parser in it."""
    in_process = [check for check in CHECKS if check != LOST_CONNECTION]  # its source can fail only there
    checks = [] if parser.client else [check + IN_ARRAY * _is_array(parser) for check in in_process]
    return [*checks, *(one.name for one in classes_of(profiles_of(parser)))]


def survey(made: Environments, parser: Parser, max_examples: int) -> dict[str, Any]:
    """One parser: its versions, and what each class showed."""
    began = time.monotonic()

    def progress(done: int, total: int, what: str) -> None:
        seconds = time.monotonic() - began
        print(f"{parser.name}: {done} of {total} after {seconds:.0f} s: {what}", file=sys.stderr)

    classes = classes_for(parser)
    left_out: list[str] = []
    with Command(made.command(parser)) as command:
        command.check()
        if parser.leak:
            left_out.append(ISOLATION)
        if parser.client:
            left_out += [one for one in (HUGE, DEEP) if one in classes]
        elif HUGE in classes and _grows(command):
            left_out.append(HUGE)  # it would take minutes, and growth is known already
        names = [one for one in classes if one not in left_out]
        if parser.client:
            result = _client(command, parser, names, max_examples, progress)
        else:
            result = fuzz.survey(
                command,
                profiles=profiles_of(parser),
                classes=names,
                max_examples=max_examples,
                seed=SEED,
                progress=progress,
                name=parser.name,
            )
    said = confirmed(made, parser, result)
    bugs = [(_as_json(bug), one) for bug, one in zip(result.bugs, said, strict=True)]
    doubtful = [{**bug, "came": came} for bug, (sure, came) in bugs if not sure]
    verdicts = {one.name: one.verdict for one in result.results}
    verdicts |= {one["name"]: "unconfirmed" for one in doubtful} | dict.fromkeys(left_out, "not tried")
    return {
        "about": parser.about or about(parser),
        "group": parser.group,
        "versions": made.versions(parser),
        "framing": parser.framing,
        "client": parser.client,
        "leak": parser.leak,
        "kit": __version__,
        "seed": SEED,
        "max_examples": max_examples,
        "seconds": round(time.monotonic() - began),
        "profiles": list(result.profiles),
        "verdicts": {name: verdicts[name] for name in classes},
        "bugs": [{**bug, "came": came} for bug, (sure, came) in bugs if sure],
        "unconfirmed": doubtful,
        "behaviour": {one.name: one.behaviour for one in result.results if one.verdict == "behaviour"},
        "growth": result.to_json()["growth"],
        "promptness": _promptness(made, parser) if parser.client else result.to_json()["promptness"],
    }


def about(parser: Parser) -> str:
    """How a parser of Python is called: the docstring of its adapter."""
    if parser.client:
        import clients  # it needs more than the parsers do

        return (clients.CLIENTS[parser.name].__doc__ or "").strip()
    return (python_parsers.PARSERS[parser.name].__doc__ or "").strip()


def _client(command: Command, parser: Parser, names: list[str], max_examples: int, progress: Any) -> Survey:
    """A whole client, whose values are compared with what it gives for the same events plainly sent."""
    plain = plainly.Plainly(command, array=_is_array(parser))
    cases = [plain.case(one) for one in classes_of(profiles_of(parser), names)]
    results: list[Result] = []
    with FuzzTarget(command, parser.name) as target:
        search = Search(Examiner(target), max_examples, SEED, quick=True)  # each run takes milliseconds
        for nth, case in enumerate(cases):
            progress(nth, len(cases), case.name)
            results.append(surveyed(search, case, Budget()))
    return Survey(parser.name, profiles_of(parser), tuple(results))


def _promptness(made: Environments, parser: Parser) -> dict[str, Any]:
    with Command(made.command(parser, times=True)) as command:
        late = plainly.late(command, array=_is_array(parser))
    return {} if late is None else {parser.framing: {"lazy": True, "late": late}}


def confirmed(made: Environments, parser: Parser, result: Survey) -> list[tuple[bool, str]]:
    """For each bug, whether the same comes as in the search if a fresh process gets its literal chunks; what came.

    What does not come in the process that all bugs share is tried in one of its own.
    """
    with Command(made.command(parser)) as shared:
        said = [_confirmed(shared, parser, bug) for bug in result.bugs]
    for nth, bug in enumerate(result.bugs):
        if not said[nth][0]:
            with Command(made.command(parser)) as own:
                said[nth] = _confirmed(own, parser, bug)
    return said


def _as_json(bug: Result) -> dict[str, Any]:
    """A bug with its chunks as a literal, also if the body is empty."""
    found = bug.to_json()
    return found if bug.kind == "grows" else {**found, "chunks_python": found["chunks_python"] or "[]"}


def _confirmed(command: Command, parser: Parser, bug: Result) -> tuple[bool, str]:
    if bug.kind == "grows":
        figures = _growing(command, parser)
        return bool(figures), "; ".join(map(str, figures))
    if bug.kind == "leaks" and not bug.after:
        with FuzzTarget(command) as target:
            leak = isolation(target, array=_is_array(parser)).leak
        return leak is not None, f"{leak.how}: {short(leak.got)}" if leak else ""
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
    if bug.name.removesuffix(IN_ARRAY) == "promptness":
        last = len(bug.chunks) - 1  # had been asked for before the last event that was due
        late = [taken for taken in (answer.pulled or [])[: len(bug.expected)] if taken > last]
        return bool(late), f"{len(late)} of {len(bug.expected)} events only with the next chunk"
    came = _said(answer)
    if bug.whole_raises:
        came += f"; in one chunk: {_said(whole)}"
    # A bug that needs a cut is one in what the same bytes give in one chunk and in several.
    right = (whole.events, whole.error) if bug.needs_cut else (bug.expected, None)
    wrong = not same(answer.events, right[0]) or (answer.error is None) != (right[1] is None)
    must_raise = bug.document is not None and bug.document.must_raise and answer.error is None
    if must_raise:
        came += ", and no error"
    return (wrong or must_raise) and same(answer.events, bug.got) and bug.kind != "stalls", came


def _growing(command: Command, parser: Parser) -> list[Any]:
    with FuzzTarget(command) as target:
        for _ in range(3):  # the machine may have been busy
            measured = growth(target, array=_is_array(parser), profiles=profiles_of(parser))  # type: ignore[arg-type]
            if figures := [one for one in measured if one.bad]:
                return figures
    return []


def _grows(command: Command) -> bool:
    """Whether the time for large events grows so fast that one of 20 MB would take minutes."""
    if fuzz.survey(command, profiles=SSE, classes=[GROWTH]).bugs:
        return True
    (large,) = classes_of(SSE, ["event-of-5000-kb"])
    (document,) = large.documents()
    began = command.clock()
    try:
        command.ask(split(document.body, every(1 << 16, len(document.body))))
    except CommandError:
        return True
    return command.clock() - began > SLOW


def _is_array(parser: Parser) -> bool:
    return parser.framing == "json-array"


def _said(answer: CommandOutput) -> str:
    return short(answer.events) + (f", then {answer.error}" if answer.error else "")
