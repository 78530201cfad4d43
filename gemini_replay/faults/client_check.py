"""Runs a user's whole call, SDK included, with other chunk boundaries and with every fault that fits a cassette.

A correct call returns the same result however the stream is cut. If the stream breaks off, it raises an error or
returns a result that shows it. It must not return a short answer that looks whole.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Unpack

from ..arguments import items, require_callable
from ..cassette.files import CassetteFile
from ..cassette.model import Interaction
from ..engine.faults import Fault, parse_faults
from ..engine.rechunking import parse_rechunk
from ..engine.script import Scripting
from ..errors import ClientBug, UsageError
from ..interception import intercepted
from ..loops import run_without_loop
from ..session import Session
from ..session.arguments import checked
from ..session.settings import AnsweringSettings
from .complete_prefix import complete_prefix, complete_prefixes, is_breakable
from .sweeps import SWEPT, all_faults, check_most, checked_kinds, loaded

RECHUNKINGS: tuple[str | int, ...] = ("whole", "events", "bytes", 7, "tcp", "random:1", "random:2")
"""The values of `rechunk` that are tried by default."""

Effect = Literal["raises", "whole", "tells", "changed", "short", "differs", "not reached"]
EFFECTS: dict[Effect, str] = {
    "raises": "an error",
    "whole": "the whole answer: the variation did no harm, or the call tried again",
    "tells": "a result that differs from a whole answer and from a complete one that is as short",
    "changed": "another answer than the recorded one, which looks whole",
    "short": "a short answer that looks whole",
    "differs": "another result than for the recorded chunks",
    "not reached": "the call made no such request",
}
"""What a variation can do to a call; "short" and "differs" are bugs."""

_MOST_SHOWN = 20


@dataclass(frozen=True)
class Outcome:
    """How one call ended: with its `result`, or with the `error` that it raised."""

    result: Any = None
    error: Exception | None = None

    def __str__(self) -> str:
        return _clipped(repr(self.result)) if self.error is None else f"{type(self.error).__name__}: {self.error}"

    def same(self, other: Outcome) -> bool:
        """Whether both ended with equal results, or with errors of the same type."""
        if self.error is not None or other.error is not None:
            return type(self.error) is type(other.error)
        return bool(self.result == other.result)


@dataclass(frozen=True)
class ClientResult:
    """What one variation of the recording did to a call.

    Attributes:
        setting: the argument of `gemini_replay.replay` that varies the recording: "rechunk" or "fault".
        value: the value of that argument, such as "bytes" or "reset@event:2".
        effect: one of `EFFECTS`.
        outcome: how the call ended.
        chunks: the chunks that the call got, of all responses or of the one with the fault. Empty if the fault
            was not reached.
    """

    setting: Literal["rechunk", "fault"]
    value: str
    effect: Effect
    outcome: Outcome
    chunks: tuple[bytes, ...] = ()

    @property
    def variation(self) -> str:
        """The setting with its value: "fault=reset@event:2"."""
        return f"{self.setting}={self.value}"

    @property
    def is_bug(self) -> bool:
        """Whether the variation deceived the call."""
        return self.effect in ("short", "differs")


@dataclass(frozen=True)
class ClientReport:
    """What every variation of a recording did to a call.

    Attributes:
        recorded: how the call ended on the recording itself.
        results: one for each variation, in order.
    """

    recorded: Outcome
    results: tuple[ClientResult, ...]

    @property
    def bugs(self) -> tuple[ClientResult, ...]:
        """The variations that deceived the call."""
        return tuple(one for one in self.results if one.is_bug)

    def __str__(self) -> str:
        width = max((len(one.variation) for one in self.results), default=0)
        return "\n".join(
            f"{one.variation:{width}}  {one.effect:11}  {_clipped(str(one.outcome).splitlines()[0], 100)}"
            for one in self.results
        )


def check_client(
    call: Callable[[], Any],
    cassette: str | os.PathLike[str] | CassetteFile,
    *,
    rechunk: Sequence[str | int] = RECHUNKINGS,
    kinds: Sequence[str] = SWEPT,
    most: int | None = None,
    complete: Callable[[Any], bool] | None = None,
    speed: str | float = "instant",
    **settings: Unpack[AnsweringSettings],
) -> ClientReport:
    """Run a call under other chunk boundaries and under every fault of a cassette, and check that none deceives it.

    Each fault applies once: a call that asks again gets the recorded response.

    Args:
        call: takes nothing, makes its requests with any supported client, and returns something that can be
            compared: the text, a dict, a list. A coroutine function is run in an event loop of its own.
        cassette: answers all requests of the call.
        rechunk: the chunk boundaries to try: values of the argument `rechunk` of `gemini_replay.replay`.
        kinds: the kinds of fault to try, see `sweep`.
        most: the most places of each kind within one answer; None: all.
        complete: whether a result is that of a whole answer. Without it, a result counts as short if it equals the
            result of a complete answer of the same length, which ends with its finish reason.
        speed: "instant", "virtual" or a factor. A stall of a minute takes no time at "instant" and "virtual".
        settings: see `session.settings.AnsweringSettings`: `match`, `ignore`, `redact`, `hosts` and others.

    Returns:
        What each variation did to the call.

    Raises:
        ClientBug: some variations deceived the call; its `report` is what would have been returned.
        MissError: the cassette does not answer the call.
        Exception: whatever the call raises on the recorded responses, if these are whole.
        UsageError: an unknown kind of fault or chunking, or results that cannot be compared.
    """
    require_callable("call", call, "a function that makes requests and returns their result")
    if complete is not None:
        require_callable("complete", complete, "a function that says whether a result is whole, or None")
    kinds, rechunk = checked_kinds(kinds), _rechunkings(rechunk)
    check_most(most)
    playback = checked({*AnsweringSettings.__annotations__, "speed"}, speed=speed, **settings)
    recording = loaded(cassette)
    path = recording.path or "cassette.jsonl"  # for messages
    checker = _Checker(call, list(recording.interactions), path, complete, **playback)
    results = [*checker.rechunked(rechunk), *checker.faulted(kinds, most)]
    report = ClientReport(checker.recorded, tuple(results))
    if report.bugs:
        raise _client_bug(report)
    return report


def _rechunkings(values: Any) -> tuple[Any, ...]:
    takes = 'values of rechunk, such as ["events", "bytes", 7]'
    found = (values,) if isinstance(values, int) else items("rechunk", values, takes)
    for value in found:
        parse_rechunk(value)  # type: ignore[arg-type]  # it refuses other values
    return found


class _Checker:
    """Runs one call on one recording and its variations."""

    def __init__(
        self,
        call: Callable[[], Any],
        interactions: list[Interaction],
        path: str | os.PathLike[str],
        complete: Callable[[Any], bool] | None,
        **settings: Any,
    ) -> None:
        self._call = call
        self._interactions = interactions
        self._path = path
        self._complete = complete
        self._settings = {"provider": next((one.request.provider for one in interactions), None), **settings}
        self.recorded = self._run_recorded()

    def rechunked(self, values: Sequence[str | int]) -> Iterator[ClientResult]:
        """The call with other chunk boundaries."""
        compressed = any(one.response is not None and one.response.body == "wire" for one in self._interactions)
        for value in values:
            cut = parse_rechunk(value)
            if compressed and cut.kind == "events":
                continue  # its events cannot be read
            outcome = self._play(rechunk=value)[0]
            chunks = tuple(chunk.data for one in self._interactions for chunk in cut.apply(one))
            same: Effect = "whole" if outcome.error is None else "raises"
            effect = same if outcome.same(self.recorded) else "differs"
            yield ClientResult("rechunk", str(value), effect, outcome, chunks)

    def faulted(self, kinds: Sequence[str], most: int | None) -> Iterator[ClientResult]:
        """The call under each fault. Only a whole answer can be cut short."""
        if self.recorded.error is not None:
            return
        if kinds:
            self._check_that_results_depend_on_the_answer()
        for interaction, text in all_faults(self._interactions, kinds=kinds, most=most):
            if is_breakable(interaction):
                outcome, applied = self._play(fault=replace(parse_faults(text)[0], times=1))
                yield ClientResult("fault", text, self._effect(outcome, applied), outcome, _chunks_under(applied))

    def _run_recorded(self) -> Outcome:
        first, second = (self._play(must_answer=True)[0] for _ in range(2))
        if first.error is not None:
            if all(one.complete for one in self._interactions):
                raise first.error
        elif not first.same(second):
            raise UsageError(
                "The call's results cannot be compared: two runs on the same stream differ.",
                suggestion=f"They are {_clipped(repr(first.result))} and {_clipped(repr(second.result))}.",
                hint="Return the text, a dict or a list from it.",
            )
        return first

    def _check_that_results_depend_on_the_answer(self) -> None:
        empty = [complete_prefix(one, 0) if is_breakable(one) else one for one in self._interactions]
        if any(map(is_breakable, self._interactions)) and self._run(empty).same(self.recorded):
            raise UsageError(
                "The call's result does not depend on the answer.",
                suggestion=f"An empty answer gives {_clipped(repr(self.recorded.result))}, too.",
                hint="Return what the user gets to see: the text, the function calls.",
            )

    def _effect(self, outcome: Outcome, applied: list[tuple[Fault, Interaction]]) -> Effect:
        if not applied:
            return "not reached"
        if outcome.error is not None:
            return "raises"
        if outcome.same(self.recorded):
            return "whole"
        fault, interaction = applied[0]
        looks_whole = self._complete is not None and self._complete(outcome.result)
        if fault.kind == "duplicate":
            return "tells" if self._complete and not looks_whole else "changed"
        if self._complete is None:
            for prefix in complete_prefixes(interaction, fault):
                instead = [prefix if one == interaction else one for one in self._interactions]
                looks_whole = looks_whole or outcome.same(self._run(instead))
        return "short" if looks_whole else "tells"

    def _run(self, interactions: Sequence[Interaction]) -> Outcome:
        """Run the call on other interactions."""
        return self._play(interactions)[0]

    def _play(
        self, interactions: Sequence[Interaction] | None = None, *, must_answer: bool = False, **varied: Any
    ) -> tuple[Outcome, list[tuple[Fault, Interaction]]]:
        played = self._interactions if interactions is None else interactions
        session = Session(self._path, interactions=played, **self._settings, **varied)
        try:
            with intercepted(session):
                outcome = _outcome_of(self._call)
        finally:
            session.close(keep=False)
        if must_answer and session.misses:
            raise session.misses[0]
        return outcome, session.applied


def _outcome_of(call: Callable[[], Any]) -> Outcome:
    """Run a call: a coroutine in an event loop of its own, a generator to its end."""
    try:
        result = call()
        if inspect.iscoroutine(result):
            coroutine = result
            result = run_without_loop(lambda: asyncio.run(coroutine))
        elif inspect.isgenerator(result):
            result = list(result)
        return Outcome(result)
    except Exception as error:
        return Outcome(error=error)


def _chunks_under(applied: list[tuple[Fault, Interaction]]) -> tuple[bytes, ...]:
    """The chunks of the first response that a fault was applied to."""
    for fault, interaction in applied[:1]:
        scripting = Scripting(interaction)
        scripting.apply(fault)
        return () if fault.cause else tuple(piece.data for piece in scripting.script.pieces)
    return ()


def _client_bug(report: ClientReport) -> ClientBug:
    bugs = report.bugs
    lines = [f"  {one.variation}: {one.effect}: {_clipped(str(one.outcome), 100)}" for one in bugs[:_MOST_SHOWN]]
    if len(bugs) > _MOST_SHOWN:
        lines.append(f"  … and {len(bugs) - _MOST_SHOWN} more")
    return ClientBug(
        f"{len(bugs)} of {len(report.results)} variations of the recording make the call return a wrong result:\n"
        + "\n".join(lines),
        suggestion=f"On the recording itself it returned {report.recorded}.",
        hint="A chunking must not change the result; after a fault the call must raise, or return a result that "
        "shows that the answer is not whole.",
        report=report,
    )


def _clipped(text: str, width: int = 300) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
