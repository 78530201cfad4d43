"""Cassettes with a known rhythm, and limits on real time for tests that run in virtual time."""

from __future__ import annotations

import asyncio
import statistics
import timeit
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gemini_replay import Interaction, virtual_time
from gemini_replay.cassette.model import Chunk
from support.cassettes import recorded, streaming
from support.streams import events

FIRST = 0.412
"""Time to the head of a response, in seconds."""

MINUTE = [0.25] * 240
"""The gaps of a stream of a minute."""

STALL = [0.1, 0.2, 30.0, 0.1]
"""The gaps of a stream that stalls for half a minute in its middle."""


def rhythm(gaps: Sequence[float], *, first: float = FIRST) -> Interaction:
    """A recording with these gaps before its chunks."""
    chunks = events(len(gaps))
    interaction = streaming(*chunks, after=first)
    return replace(interaction, chunks=tuple(Chunk(gap, data) for gap, data in zip(gaps, chunks, strict=True)))


def cassette(path: Path, *gaps: Sequence[float]) -> Path:
    """A cassette with one recording for each sequence of gaps."""
    return recorded(path, *[rhythm(row) for row in gaps])


@contextmanager
def hardly_any_time(limit: float = 20.0) -> Iterator[None]:
    """The block takes less real time than this, in seconds. Only real waiting takes longer, not a slow machine."""
    began = timeit.default_timer()  # the standard library's clocks are always real
    yield
    assert timeit.default_timer() - began < limit


OFF = 0.2
"""A stream keeps time if `off` is less than this."""


def off(came: Sequence[float], due: Sequence[float]) -> float:
    """By what part of the whole time most of these moments miss those that are due, counted from the first one.

    If all come at once, at the beginning or at the end, it is about half.
    """
    missed = [abs((at - came[0]) - (true - due[0])) for at, true in zip(came, due, strict=False)]
    return statistics.median(missed) / (due[-1] - due[0])


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine function in virtual time, in hardly any real time."""
    with hardly_any_time(), virtual_time():
        return asyncio.run(main())
