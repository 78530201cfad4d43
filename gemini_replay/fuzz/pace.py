"""How long a parser takes, as its first streams show; with that, how long others will take."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .budget import Effort
from .classes import CaseClass
from .cuts import every, split
from .documents import Document, blocks, google_array
from .plain_stream import PLAIN, is_plain, plain_body
from .target import FuzzTarget

_TRIES = 3
_MANY = 40  # events
_LARGE = 1 << 15  # bytes

# Streams, chunks, events and bytes:
_SCANNED = (240, 19_000, 650, 220_000)  # of the fixed documents of one class
_QUICK = (20, 1400, 40, 6000)  # of the same, if they are cut into single bytes only
_DRAWN = (7, 650, 15, 2200)  # of each document that is drawn
_SIZED = (3, 1000, 2000, 1_500_000)  # of one class about size


@dataclass(frozen=True)
class Pace:
    """Seconds of work for each of these, see `Effort`."""

    stream: float
    chunk: float
    event: float
    byte: float

    def of(self, streams: float, chunks: float, events: float = 0, size: float = 0) -> float:
        """Seconds for so many of them."""
        return streams * self.stream + chunks * self.chunk + events * self.event + size * self.byte

    def of_document(self, document: Document, chunks: int) -> float:
        """Seconds for a document in so many chunks."""
        return self.of(1, chunks, len(document.readings[0].values), len(document.body))

    def of_classes(self, cases: Collection[CaseClass], examples: int, *, quick: bool) -> float:
        """Seconds for all that there is to try in some classes."""
        sized = sum(case.sized is not None for case in cases)
        fixed = self.of(*(_QUICK if quick else _SCANNED))
        return (len(cases) - sized) * (fixed + examples * self.of(*_DRAWN)) + sized * self.of(*_SIZED)

    def __str__(self) -> str:
        return f"{1000 * self.stream:.2g} ms for a stream of two events and {1000 * self.chunk:.2g} ms for a chunk"


NONE = Pace(0, 0, 0, 0)
"""Of a parser that does not read the simplest streams: nothing is known."""


def pace(target: FuzzTarget, *, array: bool) -> Pace:
    """Measure the simplest stream, whole and cut, and a stream with more events and one with a larger event."""
    body = plain_body(array=array)
    if not is_plain(target.run([body])):
        return NONE
    write = google_array if array else blocks
    whole = _least(target, [body])

    def more(chunks: Sequence[bytes]) -> float:
        return max(0.0, _least(target, chunks) - whole)

    known = Pace(
        whole,
        more(split(body, every(1, len(body)))) / len(body),
        more([write([PLAIN[0]] * (len(PLAIN) + _MANY)).encode()]) / _MANY,
        more([write([{"responseId": "x" * _LARGE}]).encode()]) / _LARGE,
    )
    return known if math.isfinite(known.of(1, 1, 1, 1)) else NONE


def _least(target: FuzzTarget, chunks: Sequence[bytes]) -> float:
    """Of several runs, since the machine may be busy; infinite if the parser has to be stopped."""
    took: list[float] = []
    for _ in range(_TRIES):
        effort = Effort()
        if target.run(chunks).hung:
            return math.inf  # the next would take as long
        took.append(effort.seconds())
    return min(took)
