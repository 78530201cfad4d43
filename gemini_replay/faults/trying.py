"""A user's call under every fault of a cassette: which of them leave it with a short answer that looks whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..cassette.files import Cassette
from ..cassette.matching import DEFAULT_KEYS
from ..cassette.model import Interaction
from ..engine.faults import Fault, parse_faults
from ..engine.script import Scripting
from ..errors import ClientBug, UsageError
from ..interception import intercepted
from ..session import Faults, Session
from .calling import Outcome, clipped, outcome_of
from .honest import can_break, honest, honest_for
from .places import SWEPT, all_faults, check_kinds

Verdict = Literal["raises", "whole", "tells", "changed", "short", "not reached"]
VERDICTS: dict[Verdict, str] = {
    "raises": "an error",
    "whole": "the whole answer: the fault did no harm, or the call asked again",
    "tells": "a result that differs from a whole answer and from one that is honestly short",
    "changed": "another answer than the recorded one, which looks whole",
    "short": "a short answer that looks whole",
    "not reached": "the call made no such request",
}
"""What a call can come to under a fault; "short" is a bug."""


@dataclass(frozen=True)
class FaultResult:
    """What a call came to under one fault.

    Attributes:
        fault: the fault, as it is spelled.
        verdict: see `VERDICTS`.
        outcome: the result, or the error.
        chunks: of the answer that the fault struck, what the call was given; none where it was not reached.
    """

    fault: str
    verdict: Verdict
    outcome: Outcome
    chunks: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Trial:
    """What a call came to under every fault that was tried.

    Attributes:
        whole: without a fault.
        swept: with each fault, in order.
    """

    whole: Outcome
    swept: tuple[FaultResult, ...]

    @property
    def short(self) -> tuple[FaultResult, ...]:
        """The faults under which it ended silently short."""
        return tuple(one for one in self.swept if one.verdict == "short")

    def check(self) -> None:
        """Raise for the faults under which it ended silently short.

        Raises:
            ClientBug: with all of them.
        """
        if not self.short:
            return
        lines = [f"  {one.fault}: {clipped(str(one.outcome), 100)}" for one in self.short]
        raise ClientBug(
            f"The call ends silently short under {len(self.short)} of {len(self.swept)} faults:\n" + "\n".join(lines),
            variation=self.short[0].fault,
            chunks=self.short[0].chunks,
            expected=WANTED,
            got=self.short[0].outcome,
        )

    def __str__(self) -> str:
        width = max((len(one.fault) for one in self.swept), default=0)
        return "\n".join(
            f"{one.fault:{width}}  {one.verdict:11}  {clipped(str(one.outcome).splitlines()[0], 100)}"
            for one in self.swept
        )


WANTED = "an error, or a result that tells that the answer is not whole"


def try_all(
    call: Callable[[], Any],
    cassette: str | os.PathLike[str] | Cassette,
    *,
    kinds: Sequence[str] = SWEPT,
    most: int | None = None,
    complete: Callable[[Any], bool] | None = None,
    match: Sequence[str] = DEFAULT_KEYS,
    speed: str | float = "instant",
) -> Trial:
    """Run a call under every fault of a cassette, see `sweep`.

    Args:
        call: takes nothing, makes its requests with any supported client, and returns something that can be
            compared: the text, a dict, a list. A coroutine function is run in an event loop of its own.
        cassette: answers all requests of the call.
        kinds: which kinds of fault, of `KINDS`.
        most: the most places of each kind within one answer; None: all.
        complete: whether a result is that of a whole answer. Without it, a result counts as silently short where
            it equals that of an honest answer which is as short: one that ends with its finish reason.
        match: see `gemini_replay.replay`.
        speed: "instant", or another; a stall of a minute lasts that long but at instant speed and in virtual time.

    Returns:
        What the call came to under each fault. Nothing is raised for it; see `Trial.check`.

    Raises:
        MissError: the cassette does not answer the call.
        Exception: whatever the call raises without a fault.
        UsageError: an unknown kind, or results that cannot be compared.
    """
    with on_trial(call, cassette, match=match, speed=speed) as trial:
        whole = trial.whole()
        return Trial(whole, tuple(trial.faults(whole, kinds=kinds, most=most, complete=complete)))


class OnTrial:
    """Runs one call on one cassette, again and again."""

    def __init__(
        self, call: Callable[[], Any], recorded: Cassette, folder: Path, match: Sequence[str], speed: str | float
    ) -> None:
        self._call = call
        self._folder = folder
        self._match = match
        self._speed = speed
        self.interactions = list(recorded.interactions)
        self._path = self._written(self.interactions, "recorded")

    def run(self, interactions: Sequence[Interaction]) -> Outcome:
        """The call on other interactions."""
        return self._play(self._written(interactions, "variation"))[0]

    def whole(self) -> Outcome:
        """The call on what was recorded, twice.

        Raises:
            MissError: the cassette does not answer it.
            UsageError: its results cannot be compared, or tell nothing.
        """
        whole, again = (self._play(self._path, must_answer=True)[0] for _ in range(2))
        if whole.error is None and not whole.same(again):
            raise UsageError(
                "The call's results cannot be compared: two runs on the same stream differ.",
                suggestion=f"They are {clipped(repr(whole.result))} and {clipped(repr(again.result))}.",
                hint="Return the text, a dict or a list from it.",
            )
        if whole.error is not None and all(one.complete for one in self.interactions):
            raise whole.error
        return whole

    def faults(
        self,
        whole: Outcome,
        *,
        kinds: Sequence[str],
        most: int | None,
        complete: Callable[[Any], bool] | None,
    ) -> Iterator[FaultResult]:
        """What the call comes to under each fault. Answers that are not whole themselves have none."""
        check_kinds(kinds)
        breakable = [can_break(interaction) for interaction in self.interactions]
        nothing = [honest(one, 0) if can_break(one) else one for one in self.interactions]
        if kinds and any(breakable) and self.run(nothing).same(whole):
            raise UsageError(
                "The call's result says nothing of the answer.",
                suggestion=f"It is {clipped(repr(whole.result))} for an empty one, too.",
                hint="Return what the user gets to see: the text, the function calls.",
            )
        for interaction, text in all_faults(self.interactions, kinds=kinds, most=most):
            if can_break(interaction):
                once = replace(parse_faults(text)[0], times=1)  # a call that asks again gets what was recorded
                outcome, struck = self._play(self._path, fault=once)
                yield FaultResult(text, self._verdict(whole, outcome, struck, complete), outcome, _given(struck))

    def _verdict(
        self,
        whole: Outcome,
        outcome: Outcome,
        struck: list[tuple[Fault, Interaction]],
        complete: Callable[[Any], bool] | None,
    ) -> Verdict:
        if not struck:
            return "not reached"
        if outcome.error is not None:
            return "raises"
        if outcome.same(whole):
            return "whole"
        fault, interaction = struck[0]
        looks_whole = complete is not None and complete(outcome.result)
        if fault.kind == "duplicate":
            return "tells" if complete and not looks_whole else "changed"
        if complete is not None:
            return "short" if looks_whole else "tells"
        for short in honest_for(interaction, fault):
            instead = [short if one == interaction else one for one in self.interactions]
            if outcome.same(self.run(instead)):
                return "short"
        return "tells"

    def _written(self, interactions: Sequence[Interaction], name: str) -> Path:
        path = self._folder / f"{name}.jsonl"
        Cassette(list(interactions)).save(path)
        return path

    def _play(
        self, path: Path, *, fault: Faults = None, must_answer: bool = False
    ) -> tuple[Outcome, list[tuple[Fault, Interaction]]]:
        session = Session.replaying(path, speed=self._speed, fault=fault, match=self._match)
        try:
            with intercepted(session):
                outcome = outcome_of(self._call)
        finally:
            session.close(keep=False)
        if must_answer and session.misses:
            raise session.misses[0]
        return outcome, session.struck


def _given(struck: list[tuple[Fault, Interaction]]) -> tuple[bytes, ...]:
    """The chunks that the first answer that was struck came in."""
    for fault, interaction in struck[:1]:
        scripting = Scripting(interaction)
        scripting.apply(fault)
        return () if fault.cause else tuple(piece.data for piece in scripting.script.pieces)
    return ()


@contextmanager
def on_trial(
    call: Callable[[], Any],
    cassette: str | os.PathLike[str] | Cassette,
    *,
    match: Sequence[str],
    speed: str | float = "instant",
) -> Iterator[OnTrial]:
    """A call and a cassette, ready to be run; files go to a folder that is removed."""
    recorded = cassette if isinstance(cassette, Cassette) else Cassette.load(cassette)
    with tempfile.TemporaryDirectory(prefix="gemini-replay-") as folder:
        yield OnTrial(call, recorded, Path(folder), match, speed)
