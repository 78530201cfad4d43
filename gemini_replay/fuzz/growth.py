"""Whether time and memory grow with the input or with its square: a ratio of two sizes, never seconds."""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from .cuts import every, split
from .documents import blocks, google_array
from .spelling import Spelled
from .target import Target

LIMIT = 1.5
"""The exponent above which growth is a bug: 1 is linear, 2 is quadratic."""

_CHUNK = 1024
_SMALLEST, _LARGEST = 1 << 16, 1 << 21
_ENOUGH = 0.15  # seconds; a size that takes as long tells enough, unless it leaves doubts
_CLEAR = 1.2  # an exponent from here to the limit leaves doubts: a square that is not yet the larger part of the time
_LONG = 3.0  # seconds; so long that doubts do not matter
_CERTAIN = 0.6  # seconds; so long a time is no noise
_NEGLIGIBLE = 0.03  # seconds; too short to tell growth from noise, and to matter
_WATCHED = 1 << 17  # bytes; memory is measured at this size and at twice as much
_MUCH = 16  # times the size; less memory than that is a matter of copies and spare room


@dataclass(frozen=True)
class Growth:
    """How time grows, or memory.

    Attributes:
        shape: what was fed, in chunks of 1 KB: "one large event" or "many small events".
        sizes: two sizes in bytes, the second twice the first.
        took: what they took, in seconds of processor time, or in bytes of memory at its peak.
        exponent: of the power of the size by which that grows.
        finished: whether the parser came to an end.
        of: what was measured.
    """

    shape: str
    sizes: tuple[int, int]
    took: tuple[float, float]
    exponent: float
    finished: bool = True
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


def growth(target: Target, *, array: bool, thorough: bool = True) -> tuple[Growth, ...]:
    """Measure one large event and many small ones, from 64 KB to 2 MB or as far as it is quick enough.

    Args:
        target: the parser; the memory of one in another process is not measured.
        array: feed a JSON array in place of SSE.
        thorough: measure the rest too where something is bad already.
    """
    write = google_array if array else blocks

    def one(size: int) -> bytes:
        return write([{"responseId": Spelled("x" * size, '"' + "x" * size + '"')}]).encode()

    def many(size: int) -> bytes:
        tree = {"responseId": "a" * 20}
        return write([tree] * (size // len(write([tree])))).encode()

    found: list[Growth] = []
    for shape, make in (("one large event", one), ("many small events", many)):
        # Memory first: the sizes at which time is told could take gigabytes of one that grows with the square.
        for measure in (_memory, _time_taken) if target.is_here else (_time_taken,):
            found.append(measure(target, shape, make))
            if found[-1].bad and not thorough:
                return (found[-1],)
            if found[-1].bad:
                break
    return tuple(found)


def _time_taken(target: Target, shape: str, make: Callable[[int], bytes]) -> Growth:
    size = _SMALLEST
    half, small, large = 0.0, _time(target, make(size)), _time(target, make(2 * size))
    while True:
        found = _growth(shape, size, small, large)
        last = 2 * size >= _LARGEST
        if (last or not _tells_too_little(found)) and found.bad and found.finished and large < _CERTAIN:
            # The machine may have been busy: the best of several runs, and over two doublings.
            half, small, large = (
                _best(target, make(n), was) for n, was in ((size // 2, half), (size, small), (2 * size, large))
            )
            found = _growth(shape, size, small, large)
            if half and (two := math.log2(max(large, 1e-6) / max(half, 1e-6)) / 2) < found.exponent:
                found = replace(found, exponent=two)
        if last or not _tells_too_little(found):
            return found
        size *= 2
        half, small, large = small, large, _time(target, make(2 * size))


def _tells_too_little(found: Growth) -> bool:
    took = found.took[1]
    doubtful = _CLEAR < found.exponent <= LIMIT
    return found.finished and (took < _ENOUGH or (doubtful and took < _LONG))


def _growth(shape: str, size: int, small: float, large: float) -> Growth:
    finished = math.isfinite(large)
    exponent = math.log2(max(large, 1e-6) / max(small, 1e-6)) if finished and math.isfinite(small) else math.inf
    return Growth(shape, (size, 2 * size), (small, large), exponent, finished)


def _memory(target: Target, shape: str, make: Callable[[int], bytes]) -> Growth:
    """How the peak of memory grows; a run that has to be stopped says nothing of it."""
    bodies = make(_WATCHED), make(2 * _WATCHED)
    small, large = (_peak(target, body) for body in bodies)
    exponent = math.log2(max(large, 1) / max(small, 1))
    return Growth(shape, (_WATCHED, 2 * _WATCHED), (small, large), exponent, of="memory")


def _peak(target: Target, body: bytes) -> int:
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


def _best(target: Target, body: bytes, known: float) -> float:
    return min(known or math.inf, *(_time(target, body) for _ in range(3)))


def _time(target: Target, body: bytes) -> float:
    """The time of one run, without Python's garbage collector; infinity where it had to be stopped."""
    chunks = split(body, every(_CHUNK, len(body)))
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = target.clock()
        hung = target.run(chunks).hung
        return math.inf if hung else target.clock() - start
    finally:
        if enabled:
            gc.enable()
