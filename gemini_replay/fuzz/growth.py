"""How time and memory grow with the size of a stream.

Two sizes are compared, so that nothing depends on the speed of a machine: linear growth is correct, quadratic growth
is a bug.
"""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .. import clocks
from .budget import Share, Tally
from .classes import ProfileName
from .cuts import every, split
from .documents import COMPACT, LF, Spelled, block, blocks, google_array, spell
from .pace import NONE, Pace
from .target import FuzzTarget

LIMIT = 1.5
"""The exponent above which growth is a bug: 1 is linear, 2 is quadratic."""

_CHUNK = 1024
_SMALL = 45  # bytes of a small event
_SMALLEST, _LARGEST = 1 << 16, 1 << 21
_ENOUGH = 0.5  # seconds; a size that takes this long decides, unless it leaves doubts
_CLEAR = 1.2  # an exponent from here to the limit leaves doubts: quadratic growth may only just begin to show
_LONG = 3.0  # seconds; so long that doubts do not matter
_CERTAIN = 2.0  # seconds; too long to be noise
_ROUNDS = 2  # how often all sizes are tried again, if it may be noise
_WALL = 10.0  # seconds on the clock that one shape may take: a parser may wait
_NEGLIGIBLE = 0.03  # seconds; too short to matter, or to tell growth from noise
_WATCHED = 1 << 17  # bytes; memory is measured at this size and at twice as much
_UNKNOWN = "a busy machine may have made it slow, and nobody knows the processor time of the parser"
_WAITED = "it did not end, but waited most of the time, or the machine was busy"
_MUCH = 16  # times the size; less memory than that is copies and spare room


@dataclass(frozen=True)
class Growth:
    """How time or memory grows with the size of one large event, or with the number of small ones."""

    shape: str  # "one large event", "many comments" and others
    sizes: tuple[int, int]  # in bytes, the second twice the first
    took: tuple[float, float]  # seconds of processor time, or bytes of memory at its peak
    exponent: float  # the power of the size by which that grows
    finished: bool = True  # the parser ended by itself
    of: Literal["time", "memory"] = "time"
    chunks: str = "chunks of 1 KB"
    doubt: str = ""  # why a measurement that looks bad does not show a bug

    @property
    def bad(self) -> bool:
        """Whether it is a bug."""
        return self.looks_bad and not self.doubt

    @property
    def looks_bad(self) -> bool:
        """Whether the figures are those of a bug."""
        matters = _NEGLIGIBLE if self.of == "time" else _MUCH * self.sizes[1]
        return not self.finished or (self.exponent > LIMIT and self.took[1] > matters)

    def __str__(self) -> str:
        took = " and ".join(
            f"{size / 1e6:.2g} MB in {f'{it:.3f} s' if self.of == 'time' else f'{it / 1e6:.3g} MB of memory'}"
            for size, it in zip(self.sizes, self.took, strict=True)
        )
        end = "" if self.finished else ", then it had to be stopped"
        power = f"{self.of} grows with the size to the power of {self.exponent:.1f}"
        if self.doubt:
            end += f". This shows no bug: {self.doubt}"
        return f"{self.shape}, in {self.chunks}: {took}: {power}{end}"


@dataclass(frozen=True)
class Shape:
    """Streams of one kind in any size."""

    name: str
    make: Callable[[int], bytes]
    at_once: bool = False  # in one chunk, else in chunks of 1 KB
    memory: bool = False  # whether memory is measured as well
    each: int = 0  # bytes of an event, if there are many

    def chunks(self, size: int) -> tuple[bytes, ...]:
        """A stream of about this many bytes."""
        body = self.make(size)
        return (body,) if self.at_once else split(body, every(_CHUNK, len(body)))

    def least(self, pace: Pace) -> float:
        """Seconds of work that the least takes which can be measured."""
        size = 3 * (_SMALLEST + _WATCHED if self.memory else _SMALLEST)
        return pace.of(4, size / _CHUNK, size / self.each if self.each else 0, size)


def growth(
    target: FuzzTarget,
    *,
    array: bool,
    profiles: Sequence[ProfileName] = (),
    thorough: bool = True,
    until: Share | None = None,
    pace: Pace = NONE,
    tally: Tally | None = None,
) -> tuple[Growth, ...]:
    """Measure streams of several shapes, from 64 KB to 2 MB or as far as it is quick enough.

    Memory is not measured if the parser runs in another process. Unless `thorough`, the first bad result is enough.
    When the time ``until`` is over no further shape is begun, and no larger size. A shape that takes longer than that
    at the parser's ``pace`` is left out; the ``tally`` counts these.
    """
    found: list[Growth] = []
    for shape in _array_shapes() if array else _shapes(profiles):
        no_time = until is not None and shape.least(pace) > (until.left() if found else max(0, until.left()))
        if tally is not None:
            tally.count("shapes", left_out=no_time)
        if no_time:
            continue
        # Memory first: at the sizes that time needs, memory that grows with the square could be gigabytes.
        for of in ("memory", "time") if target.is_here and shape.memory else ("time",):
            found.append(_memory(target, shape) if of == "memory" else _time_taken(target, shape, until))
            if found[-1].bad and not thorough:
                return (found[-1],)
            if found[-1].bad:
                break
    return tuple(found)


def _large(size: int) -> list[object]:
    return [{"responseId": Spelled("x" * size, '"' + "x" * size + '"')}]


def _many(size: int) -> list[object]:
    return [{"responseId": "a" * 20}] * (size // _SMALL)


def _values(size: int) -> list[object]:
    return [{"a": [{"b": 1, "c": "\\"}] * (size // 20)}]


def _shapes(profiles: Sequence[ProfileName]) -> Iterator[Shape]:
    yield Shape("one large event", lambda size: blocks(_large(size)).encode(), memory=True)
    yield Shape("many small events", lambda size: blocks(_many(size)).encode(), memory=True, each=_SMALL)
    yield Shape("many small events", lambda size: blocks(_many(size)).encode(), at_once=True, each=_SMALL)
    if {"gateway", "sse"} & set(profiles):
        yield Shape("many comments", lambda size: (f": x{LF}{LF}" * (size // 5) + block(1)).encode())
    if "sse" in profiles:
        yield Shape("many lines in one event", _lines)


def _lines(size: int) -> bytes:
    text = spell(_values(size // 4)[0], COMPACT).replace(",", f",{LF}data: ")
    return f"data: {text}{LF}{LF}".encode()


def _array_shapes() -> Iterator[Shape]:
    yield Shape("one large event", lambda size: google_array(_large(size)).encode(), memory=True)
    yield Shape("many small events", lambda size: google_array(_many(size)).encode(), memory=True, each=_SMALL)
    yield Shape("many small events", lambda size: google_array(_many(size)).encode(), at_once=True, each=_SMALL)
    yield Shape("many lines in one event", lambda size: google_array(_values(size // 3)).encode())


def _time_taken(target: FuzzTarget, shape: Shape, until: Share | None) -> Growth:
    size, end = _SMALLEST, clocks.now() + _WALL

    def is_over() -> bool:
        return clocks.now() > end or (until is not None and until.is_over())

    half, small, large = 0.0, _time(target, shape.chunks(size)), _time(target, shape.chunks(2 * size))
    while True:
        found = _growth(shape, size, small, large)
        last = 2 * size >= _LARGEST or is_over() or not _is_doubtful(found, half)
        if last and found.bad and found.finished and large < _CERTAIN:
            # The machine may have been busy: the best of several runs, in turns, and over two doublings.
            streams = [shape.chunks(n) for n in (size // 2, size, 2 * size)]
            rounds = [[_time(target, chunks) for chunks in streams] for _ in range(_ROUNDS)]
            half, small, large = map(min, zip((half or math.inf, small, large), *rounds, strict=True))
            found = _growth(shape, size, small, large)
            if half and (two := math.log2(max(large, 1e-6) / max(half, 1e-6)) / 2) < found.exponent:
                found = replace(found, exponent=two)
            last = 2 * size >= _LARGEST or is_over() or not _is_doubtful(found, half)
        if last:
            return replace(found, doubt=_UNKNOWN) if found.bad and target.is_elapsed else found
        size *= 2
        half, small, large = small, large, _time(target, shape.chunks(2 * size))


def _is_doubtful(found: Growth, half: float) -> bool:
    """Whether only a larger size decides. `half` is the time of half the smaller size, 0 if it was not measured.

    A machine that becomes faster between two sizes hides growth, but not over two doublings.
    """
    took = found.took[1]
    over_two = math.log2(max(took, 1e-6) / half) / 2 if 0 < half < math.inf and found.finished else 0.0
    steepest = max(found.exponent, over_two)
    return found.finished and (took < _ENOUGH or (steepest > _CLEAR and found.exponent <= LIMIT and took < _LONG))


def _growth(shape: Shape, size: int, small: float, large: float) -> Growth:
    finished = math.isfinite(large)
    doubt = _WAITED if math.isnan(small) or math.isnan(large) else ""
    exponent = math.log2(max(large, 1e-6) / max(small, 1e-6)) if finished and math.isfinite(small) else math.inf
    chunks = "one chunk" if shape.at_once else "chunks of 1 KB"
    return Growth(shape.name, (size, 2 * size), (small, large), exponent, finished, chunks=chunks, doubt=doubt)


def _memory(target: FuzzTarget, shape: Shape) -> Growth:
    """How the peak of memory grows; a run that has to be stopped counts as finished here."""
    small, large = (_peak(target, shape.chunks(size)) for size in (_WATCHED, 2 * _WATCHED))
    exponent = math.log2(max(large, 1) / max(small, 1))
    return Growth(shape.name, (_WATCHED, 2 * _WATCHED), (small, large), exponent, of="memory")


def _peak(target: FuzzTarget, chunks: Sequence[bytes]) -> int:
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


def _time(target: FuzzTarget, chunks: Sequence[bytes]) -> float:
    """The time of one run, without Python's garbage collector.

    It is infinity if the run had to be stopped while it worked, and NaN if that was while it waited.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        took = math.nan
        for _ in range(2):
            runs, start, before, began = target.runs, target.clock(), target.worked(), clocks.now()
            if target.run(chunks).hung:
                worked = (target.worked() or 0.0) - (before or 0.0)
                return math.inf if worked > (clocks.now() - began) / 2 else math.nan
            took = target.clock() - start
            if target.runs == runs + 1:  # else it had a second chance, and this is the time of both
                break
        return took
    finally:
        if enabled:
            gc.enable()
