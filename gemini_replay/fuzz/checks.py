"""What is checked besides the case classes: promptness, and growth of time and memory.

A parser is prompt if each event comes out before the next chunk is asked for. Growth compares two sizes, so that it
does not depend on the speed of a machine: linear growth is correct, quadratic growth is a bug.
"""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from .classes import CHECKS, IN_ARRAY, ProfileName
from .cuts import every, split
from .documents import Spelled, block, blocks, google_array, google_elements, plain
from .target import FuzzTarget, Output
from .verdicts import same

PLAIN = ({"responseId": "a"}, {"responseId": "b"})

Check = tuple[str, bool]
"""The name of a check, and whether it feeds a JSON array."""

LIMIT = 1.5
"""The exponent above which growth is a bug: 1 is linear, 2 is quadratic."""

_CHUNK = 1024
_SMALLEST, _LARGEST = 1 << 16, 1 << 21
_ENOUGH = 0.15  # seconds; a size that takes this long decides, unless it leaves doubts
_CLEAR = 1.2  # an exponent from here to the limit leaves doubts: quadratic growth may only just begin to show
_LONG = 3.0  # seconds; so long that doubts do not matter
_CERTAIN = 0.6  # seconds; too long to be noise
_NEGLIGIBLE = 0.03  # seconds; too short to matter, or to tell growth from noise
_WATCHED = 1 << 17  # bytes; memory is measured at this size and at twice as much
_MUCH = 16  # times the size; less memory than that is copies and spare room


def plain_body(*, array: bool) -> bytes:
    """The simplest stream."""
    return (google_array if array else blocks)(PLAIN).encode()


def chosen_checks(profiles: Sequence[ProfileName], names: Collection[str] | None) -> list[Check]:
    """The checks of some profiles, in each of their framings; only those in ``names`` if these are given."""
    framings = [array for array in (False, True) if any((one == "json-array") == array for one in profiles)]
    return [
        (check, array)
        for array in framings
        for check in CHECKS
        if names is None or check in names or (array and check + IN_ARRAY in names)
    ]


def reads(target: FuzzTarget, *, array: bool) -> bool:
    """Whether the parser reads the simplest stream of this framing."""
    return is_plain(target.run([plain_body(array=array)]))


def is_plain(output: Output) -> bool:
    """Whether the simplest stream came out of a run, as it should."""
    return output.error is None and not output.hung and same(output.values, PLAIN)


_TREES: tuple[Any, ...] = tuple({"responseId": name} for name in "abcd")


@dataclass(frozen=True)
class Promptness:
    """Whether events come out one by one, and the first that is late: when the last of `chunks` was asked for."""

    lazy: bool = True
    chunks: tuple[bytes, ...] = ()  # empty if every event is in time
    due: tuple[Any, ...] = ()  # the events that these complete, without the last chunk
    out: tuple[Any, ...] = ()  # those that were out by then


def promptness(target: FuzzTarget, *, array: bool) -> Promptness:
    """Feed one event in each chunk, then chunks that end in the middle of an event.

    A parser that reads these wrong altogether is not judged here.
    """
    wire = [text.encode() for text in (google_elements(_TREES) if array else map(block, _TREES))]
    values = [plain(tree) for tree in _TREES]
    halves = [wire[0] + wire[1][:10], *(a[10:] + b[:10] for a, b in pairwise(wire[1:])), wire[-1][10:]]
    lazy = True
    for chunks in (wire, halves):
        ended = [*chunks, b"]"] if array else chunks
        output = target.run(ended, patient=True)
        lazy = output.lazy
        if output.error is not None or output.hung or not same(output.values, values) or not lazy:
            continue
        for nth, out in enumerate(output.seen[1 : len(chunks) + 1], start=1):
            if out < nth and nth < len(ended):
                return Promptness(lazy, tuple(ended[: nth + 1]), tuple(values[:nth]), tuple(values[:out]))
    return Promptness(lazy)


@dataclass(frozen=True)
class Growth:
    """How time or memory grows with the size of one large event, or with the number of small ones."""

    shape: str  # "one large event" or "many small events", in chunks of 1 KB
    sizes: tuple[int, int]  # in bytes, the second twice the first
    took: tuple[float, float]  # seconds of processor time, or bytes of memory at its peak
    exponent: float  # the power of the size by which that grows
    finished: bool = True  # the parser ended by itself
    of: Literal["time", "memory"] = "time"

    @property
    def bad(self) -> bool:
        """Whether it is a bug."""
        matters = _NEGLIGIBLE if self.of == "time" else _MUCH * self.sizes[1]
        return not self.finished or (self.exponent > LIMIT and self.took[1] > matters)

    def __str__(self) -> str:
        took = " and ".join(
            f"{size / 1e6:.2g} MB in {f'{it:.3f} s' if self.of == 'time' else f'{it / 1e6:.3g} MB of memory'}"
            for size, it in zip(self.sizes, self.took, strict=True)
        )
        end = "" if self.finished else ", then it had to be stopped"
        power = f"{self.of} grows with the size to the power of {self.exponent:.1f}"
        return f"{self.shape}, in chunks of 1 KB: {took}: {power}{end}"


def growth(target: FuzzTarget, *, array: bool, thorough: bool = True) -> tuple[Growth, ...]:
    """Measure one large event and many small ones, from 64 KB to 2 MB or as far as it is quick enough.

    Memory is not measured if the parser runs in another process. Unless `thorough`, the first bad result is enough.
    """
    write = google_array if array else blocks

    def one(size: int) -> bytes:
        return write([{"responseId": Spelled("x" * size, '"' + "x" * size + '"')}]).encode()

    def many(size: int) -> bytes:
        tree = {"responseId": "a" * 20}
        return write([tree] * (size // len(write([tree])))).encode()

    found: list[Growth] = []
    for shape, make in (("one large event", one), ("many small events", many)):
        # Memory first: at the sizes that time needs, memory that grows with the square could be gigabytes.
        for measure in (_memory, _time_taken) if target.is_here else (_time_taken,):
            found.append(measure(target, shape, make))
            if found[-1].bad and not thorough:
                return (found[-1],)
            if found[-1].bad:
                break
    return tuple(found)


def _time_taken(target: FuzzTarget, shape: str, make: Callable[[int], bytes]) -> Growth:
    size = _SMALLEST
    half, small, large = 0.0, _time(target, make(size)), _time(target, make(2 * size))
    while True:
        found = _growth(shape, size, small, large)
        last = 2 * size >= _LARGEST or not _is_doubtful(found)
        if last and found.bad and found.finished and large < _CERTAIN:
            # The machine may have been busy: the best of several runs, and over two doublings.
            half, small, large = (
                _best(target, make(n), was) for n, was in ((size // 2, half), (size, small), (2 * size, large))
            )
            found = _growth(shape, size, small, large)
            if half and (two := math.log2(max(large, 1e-6) / max(half, 1e-6)) / 2) < found.exponent:
                found = replace(found, exponent=two)
            last = 2 * size >= _LARGEST or not _is_doubtful(found)
        if last:
            return found
        size *= 2
        half, small, large = small, large, _time(target, make(2 * size))


def _is_doubtful(found: Growth) -> bool:
    """Whether only a larger size decides."""
    took = found.took[1]
    return found.finished and (took < _ENOUGH or (_CLEAR < found.exponent <= LIMIT and took < _LONG))


def _growth(shape: str, size: int, small: float, large: float) -> Growth:
    finished = math.isfinite(large)
    exponent = math.log2(max(large, 1e-6) / max(small, 1e-6)) if finished and math.isfinite(small) else math.inf
    return Growth(shape, (size, 2 * size), (small, large), exponent, finished)


def _memory(target: FuzzTarget, shape: str, make: Callable[[int], bytes]) -> Growth:
    """How the peak of memory grows; a run that has to be stopped counts as finished here."""
    small, large = (_peak(target, make(size)) for size in (_WATCHED, 2 * _WATCHED))
    exponent = math.log2(max(large, 1) / max(small, 1))
    return Growth(shape, (_WATCHED, 2 * _WATCHED), (small, large), exponent, of="memory")


def _peak(target: FuzzTarget, body: bytes) -> int:
    chunks = split(body, every(_CHUNK, len(body)))
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        target.run(chunks)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not traced:
            tracemalloc.stop()


def _best(target: FuzzTarget, body: bytes, known: float) -> float:
    return min(known or math.inf, *(_time(target, body) for _ in range(3)))


def _time(target: FuzzTarget, body: bytes) -> float:
    """The time of one run, without Python's garbage collector; infinity if it had to be stopped."""
    chunks = split(body, every(_CHUNK, len(body)))
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = target.clock()
        return math.inf if target.run(chunks).hung else target.clock() - start
    finally:
        if enabled:
            gc.enable()
