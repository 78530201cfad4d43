"""A user's whole call, SDK included, under other chunkings and under faults of a recorded stream.

A call that is right gives the same result wherever the stream is cut; and where the stream breaks off, it raises or
gives a result that tells. What it must not give is a short answer that looks like a whole one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..cassette.files import Cassette
from ..cassette.matching import DEFAULT_KEYS
from ..cassette.model import Chunk, Interaction
from ..engine.rechunking import recut
from ..errors import ClientBug, UsageError, did_you_mean
from ..faults.calling import Outcome, clipped
from ..faults.trying import WANTED, on_trial
from ..gemini import lay_out
from . import cuts

_MANY = 4000
"""The most cuts of one response; of longer bodies the beginning is cut finely, the rest comes whole."""

_PLACES = 4
"""Places of one response at which each fault is tried; `gemini_replay.faults.try_all` tries all."""


def _inside_events(body: bytes) -> Iterable[int]:
    ends = lay_out(body).ends
    return [(a + b) // 2 for a, b in zip([0, *ends], ends, strict=False)]


_CUTS: dict[str, Callable[[bytes], Iterable[int]]] = {
    "whole": lambda body: (),
    "events": lambda body: lay_out(body).ends,
    "inside-events": _inside_events,
    "hot": lambda body: cuts.hot_offsets(body, _MANY),
    "bytes": lambda body: range(1, min(len(body), _MANY)),
}

CHUNKINGS = tuple(_CUTS)
"""The whole body in one chunk; one event per chunk; cut in the middle of each event; cut at every delicate place;
byte by byte."""

FAULTS = ("reset", "close", "eof", "error")
"""The kinds of fault that break a stream off, see `gemini_replay.faults`."""


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
        faults: the kinds of fault, of `gemini_replay.faults.KINDS`; each is tried at a few places of each answer.
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
    _check_chunkings(chunkings)
    outcomes: dict[str, Outcome] = {}
    with on_trial(call, cassette, match=match) as trial:
        whole = trial.whole()
        for name in chunkings:
            interactions = [_cut(one, name) for one in trial.interactions]
            outcome = outcomes[f"chunking {name}"] = trial.run(interactions)
            if not outcome.same(whole):
                chunks = [chunk.data for one in interactions for chunk in one.chunks]
                raise _bug(f"chunking {name}", chunks, f"{whole}, as for the recorded chunks", outcome)
        if whole.error is not None:
            return outcomes  # there is no whole answer that could be cut short
        for swept in trial.faults(whole, kinds=faults, most=_PLACES, complete=complete):
            outcomes[swept.fault] = swept.outcome
            if swept.verdict == "short":
                raise _bug(swept.fault, swept.chunks, WANTED, swept.outcome)
    return outcomes


def _cut(interaction: Interaction, name: str) -> Interaction:
    """The interaction with its body cut in the way of that name; all chunks come at once."""
    body = interaction.body
    chunks = recut((Chunk(0.0, body),), sorted(_CUTS[name](body))) if body else ()
    return replace(interaction, chunks=chunks)


def _bug(variation: str, chunks: Sequence[bytes], expected: str, got: Outcome) -> ClientBug:
    what = f"The call is wrong under the variation: {variation}\n  expected: {expected}\n  got:      {got}"
    if chunks:
        shown = ", ".join(repr(chunk) for chunk in chunks[:4]) + (", …" if len(chunks) > 4 else "")
        what += f"\n  chunks ({len(chunks)}): {clipped(shown)}"
    return ClientBug(what, variation=variation, chunks=chunks, expected=expected, got=got)


def _check_chunkings(names: Sequence[str]) -> None:
    for name in names:
        if name not in CHUNKINGS:
            raise UsageError(
                f"Unknown chunking {name!r}.",
                suggestion=did_you_mean(name, CHUNKINGS),
                hint=f"Use some of {', '.join(CHUNKINGS)}.",
            )
