"""Promptness: each event comes out before the next chunk is asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from .classes import ProfileName
from .cuts import Cuts, split
from .documents import LF, block, google_elements, plain
from .target import FuzzTarget
from .verdicts import same

_TREES: tuple[Any, ...] = tuple({"responseId": name} for name in "abcdefg")
_LARGER = tuple(
    {"responseId": name * size} for name, size in zip("abcdefg", (1, 5000, 1, 1, 70_000, 1, 1), strict=True)
)
_ANSWER: tuple[Any, ...] = (
    *({"candidates": [{"content": {"parts": [{"text": text}]}}]} for text in ("One", " two", " three")),
    {"candidates": [{"content": {"parts": [{"text": "."}]}, "finishReason": "STOP"}]},
    *({"usageMetadata": {"totalTokenCount": count}} for count in (7, 8, 9)),
)
"""An answer of Gemini's: a parser may not keep any of its events, such as the one with the finish reason."""
_MANY: tuple[Any, ...] = tuple({"responseId": f"{number}"} for number in range(100))
_COMMENT = b": ping\n\n"


@dataclass(frozen=True)
class Promptness:
    """Whether events come out one by one, and the first that is late: when the last of `chunks` was asked for."""

    lazy: bool = True
    chunks: tuple[bytes, ...] = ()  # empty if every event is in time
    due: tuple[Any, ...] = ()  # the events that these complete, without the last chunk
    out: tuple[Any, ...] = ()  # those that were out by then


def promptness(target: FuzzTarget, *, array: bool, profiles: Sequence[ProfileName] = ()) -> Promptness:
    """Feed one event in each chunk, several in each, and chunks that end in the middle of an event.

    A parser that reads these wrong altogether is not judged here.
    """
    lazy = True
    for trees, wire in _wires(array, profiles):
        values = [plain(tree) for tree in trees]
        ends = list(accumulate(map(len, wire)))
        body = b"".join(wire)
        # A comment after an event does not delay it.
        due_at = [
            end - len(_COMMENT) if piece.endswith(_COMMENT) else end for piece, end in zip(wire, ends, strict=True)
        ]
        for cuts in _deliveries(ends):
            chunks = [*split(body, cuts), b"]"] if array else split(body, cuts)
            due = [0, *(bisect_right(due_at, at) for at in cuts)]
            output = target.run(chunks, due=due)
            lazy = output.lazy
            if not lazy:
                return Promptness(lazy)
            if output.error is not None or output.hung or not same(output.values, values):
                break
            for nth, (wanted, out) in enumerate(zip(due, output.seen, strict=False)):
                if out < wanted:
                    return Promptness(lazy, tuple(chunks[: nth + 1]), tuple(values[:wanted]), tuple(values[:out]))
    return Promptness(lazy)


def _wires(array: bool, profiles: Sequence[ProfileName]) -> Iterator[tuple[Sequence[Any], list[bytes]]]:
    """Events, and the pieces of a stream that complete one of them each."""
    for trees in (_TREES, _ANSWER, _LARGER, _MANY):
        yield trees, [text.encode() for text in (google_elements(trees) if array else map(block, trees))]
    if {"gateway", "sse"} & set(profiles):
        yield _TREES, [block(tree, newline=LF).encode() for tree in _TREES]
        yield _TREES, [block(tree, newline=LF).encode() + _COMMENT for tree in _TREES]


def _deliveries(ends: Sequence[int]) -> Iterator[Cuts]:
    """One event in each chunk, two, three or all but the last; then the same with ten bytes of the next event."""
    for more in (0, 10):
        for number in (1, 2, 3, len(ends) - 1):
            yield tuple(end + more for end in ends[number - 1 : -1 : number])
