"""The user's whole call, SDK included, under other chunkings and under faults of a recorded stream.

A call that is right gives the same result wherever the stream is cut; and where the stream breaks off, it raises or
gives a result that tells. What it must not give is a short answer that looks like a whole one.
"""

from __future__ import annotations

import asyncio
import difflib
import inspect
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cassette.files import Cassette
from ..cassette.matching import DEFAULT_KEYS
from ..cassette.model import Interaction
from ..errors import ClientBug, UsageError
from ..interception import intercepted
from ..session import Session
from . import variations
from .target import outside_of_loops

CHUNKINGS: tuple[str, ...] = tuple(variations.CHUNKINGS)
FAULTS: tuple[str, ...] = tuple(variations.FAULTS)


@dataclass(frozen=True)
class Outcome:
    """What one call came to: its `result`, or the `error` that it raised."""

    result: Any = None
    error: Exception | None = None

    def __str__(self) -> str:
        return _clipped(self.result) if self.error is None else f"{type(self.error).__name__}: {self.error}"


def check_client(
    call: Callable[[], Any],
    cassette: str | os.PathLike[str] | Cassette,
    *,
    chunkings: Sequence[str] = CHUNKINGS,
    faults: Sequence[str] = FAULTS,
    complete: Callable[[Any], bool] | None = None,
    match: Sequence[str] = DEFAULT_KEYS,
) -> dict[str, Outcome]:
    """Run a call against variations of a cassette, in no time, and see that it is never deceived.

    After a response that breaks off, the recorded one is still there: a client that asks again gets it.

    Args:
        call: takes nothing, makes its requests with any supported client, and returns something that can be
            compared: the text, a dict, a list. A coroutine function is run in an event loop of its own.
        cassette: answers all requests of the call.
        chunkings: how responses are cut anew, see `CHUNKINGS`.
        faults: how complete responses break off, see `FAULTS`.
        complete: whether a result is that of a whole answer. Without it, a result of a stream that broke off must
            differ from the one of an honest answer that is as short (it ends with its finish reason).
        match: see `gemini_replay.replay`.

    Returns:
        What the call came to, for each variation.

    Raises:
        ClientBug: the first variation that deceived the call.
        MissError: the cassette does not answer the call.
        Exception: whatever the call raises on the recorded answers, where these are whole.
        UsageError: an unknown chunking or fault, or results that cannot be compared.
    """
    _check_names("chunking", chunkings, CHUNKINGS)
    _check_names("fault", faults, FAULTS)
    recorded = cassette if isinstance(cassette, Cassette) else Cassette.load(cassette)
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="gemini-replay-") as folder:
        path = Path(folder) / "variation.jsonl"

        def run(interactions: Sequence[Interaction], *, must_answer: bool = False) -> Outcome:
            Cassette(list(interactions)).save(path)
            session = Session.replaying(path, speed="instant", match=match)
            try:
                with intercepted(session):
                    outcome = _outcome(call)
            finally:
                session.close(keep=False)
            if must_answer and session.misses:
                raise session.misses[0]
            return outcome

        whole = run(recorded.interactions, must_answer=True)
        if whole.error is not None and all(one.complete for one in recorded.interactions):
            raise whole.error
        again = run(recorded.interactions, must_answer=True)
        if whole.error is None and not _equal(whole, again):
            raise UsageError(
                "The call's results cannot be compared: two runs on the same stream differ.",
                closest=f"They are {_clipped(whole.result)} and {_clipped(again.result)}.",
                todo="Return the text, a dict or a list from it.",
            )
        for name in chunkings:
            interactions = [variations.rechunked(one, name) for one in recorded.interactions]
            outcome = outcomes[f"chunking {name}"] = run(interactions)
            if not _equal(outcome, whole):
                chunks = [chunk.data for one in interactions for chunk in one.chunks]
                raise _bug(f"chunking {name}", chunks, f"{whole}, as for the recorded chunks", outcome)
        if whole.error is not None:
            return outcomes  # there is no whole answer that could be cut short
        nothing = [variations.without_text(one) for one in recorded.interactions]
        if faults and nothing != list(recorded.interactions) and _equal(run(nothing), whole):
            raise UsageError(
                "The call's result says nothing of the answer.",
                closest=f"It is {_clipped(whole.result)} for an empty one, too.",
                todo="Return what the user gets to see: the text, the function calls.",
            )
        for fault, index, interactions, honest in _faults(recorded.interactions, faults):
            outcome = outcomes[fault] = run(interactions)
            if outcome.error is not None or _equal(outcome, whole):
                continue
            if complete(outcome.result) if complete is not None else _equal(outcome, run(honest)):
                chunks = [chunk.data for chunk in interactions[index].chunks]
                raise _bug(fault, chunks, "an error, or a result that tells that the answer is not whole", outcome)
    return outcomes


def _faults(
    recorded: Sequence[Interaction], faults: Sequence[str]
) -> Iterator[tuple[str, int, list[Interaction], list[Interaction]]]:
    """Each fault of each complete response: its name, which response, the cassette with it, and the honest one."""
    for index, interaction in enumerate(recorded):
        for name in faults:
            for place, broken, honest in variations.broken(interaction, name):
                before, after = recorded[:index], recorded[index + 1 :]
                yield (
                    f"interaction {index + 1}: {place}",
                    index,
                    [*before, broken, *after, interaction],
                    [*before, honest, *after],
                )


def _bug(variation: str, chunks: Sequence[bytes], expected: str, got: Outcome) -> ClientBug:
    shown = ", ".join(repr(chunk) for chunk in chunks[:4]) + (", …" if len(chunks) > 4 else "")
    what = (
        f"The call is wrong under the variation: {variation}\n  expected: {expected}\n  got:      {got}\n"
        f"  chunks ({len(chunks)}): {_clipped_text(shown)}"
    )
    return ClientBug(what, variation=variation, chunks=chunks, expected=expected, got=got)


def _outcome(call: Callable[[], Any]) -> Outcome:
    try:
        result = call()
        if inspect.iscoroutine(result):
            coroutine = result
            result = outside_of_loops(lambda: asyncio.run(coroutine))
        elif inspect.isgenerator(result):
            result = list(result)
        return Outcome(result)
    except Exception as error:
        return Outcome(error=error)


def _equal(a: Outcome, b: Outcome) -> bool:
    if a.error is not None or b.error is not None:
        return type(a.error) is type(b.error)
    return bool(a.result == b.result)


def _check_names(kind: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, 1)
            raise UsageError(
                f"{name!r} is no {kind}.",
                closest=f"Did you mean {close[0]!r}?" if close else "",
                todo=f"Use some of {', '.join(known)}.",
            )


def _clipped(value: Any) -> str:
    return _clipped_text(repr(value))


def _clipped_text(text: str, width: int = 300) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
