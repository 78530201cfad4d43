"""Whether each event comes out before the next chunk is asked for: otherwise it is late by a gap between events."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .documents import block, google_elements
from .oracles import same
from .spelling import plain
from .target import Target

_TREES: tuple[Any, ...] = tuple({"responseId": name} for name in "abcd")


@dataclass(frozen=True)
class Promptness:
    """How promptly events come out.

    Attributes:
        lazy: whether they come out one by one at all; a parser that returns a list gives them at the end.
        chunks: the chunks up to the one that completes an event, and the one that is asked for too early; empty
            where every event is in time.
        due: the events that these complete, without the last chunk.
        out: those that were out by then.
    """

    lazy: bool = True
    chunks: tuple[bytes, ...] = ()
    due: tuple[Any, ...] = ()
    out: tuple[Any, ...] = ()


def promptness(target: Target, *, array: bool) -> Promptness:
    """Feed whole events, and halves of two events, in a chunk.

    A parser that gets these wrong altogether is not judged here.
    """
    wire = [text.encode() for text in (google_elements(_TREES) if array else map(block, _TREES))]
    values = [plain(tree) for tree in _TREES]
    halves = [
        wire[0] + wire[1][:10],
        *(a[10:] + b[:10] for a, b in pairwise(wire[1:])),
        wire[-1][10:],
    ]
    lazy = True
    for chunks in (wire, halves):
        ended = [*chunks, b"]"] if array else chunks
        outcome = target.run(ended, patient=True)
        lazy = outcome.lazy
        if outcome.error is not None or outcome.hung or not same(outcome.values, values) or not lazy:
            continue
        for nth, out in enumerate(outcome.seen[1 : len(chunks) + 1], start=1):
            if out < nth and nth < len(ended):
                return Promptness(lazy, tuple(ended[: nth + 1]), tuple(values[:nth]), tuple(values[:out]))
    return Promptness(lazy)
