"""Growth of time and memory: the ratio of two sizes, on a clock that the test sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import pytest

from gemini_replay import parse_stream
from gemini_replay.fuzz.budget import Budget
from gemini_replay.fuzz.growth import Growth, growth
from gemini_replay.fuzz.target import FuzzTarget, Output

pytestmark = pytest.mark.usefixtures("unmeasured")


class Timed:
    """A parser that takes as long as a function of the size says."""

    def __init__(self, seconds: Callable[[float], float]) -> None:
        self.now = 0.0
        self.is_here = False
        self.seconds = seconds

    def clock(self) -> float:
        return self.now

    def run(self, chunks: Sequence[bytes]) -> Output:
        taken = self.seconds(sum(map(len, chunks)) / 1e6)
        self.now += taken
        return Output(hung=taken > 60)


def large_event(seconds: Callable[[float], float]) -> Growth:
    """What is found for one large event, where a size in MB takes these seconds."""
    return growth(cast("Any | FuzzTarget", Timed(seconds)), array=False)[0]


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(lambda mb: 0.02 * mb, id="quick"),
        pytest.param(lambda mb: 2 * mb, id="slow"),
        pytest.param(lambda mb: 0.01 + 0.1 * mb, id="with a fixed cost"),
        pytest.param(lambda mb: 0.005 * mb**2, id="too quick to matter"),
        pytest.param(lambda mb: 2 * mb**1.2, id="a little more than linear"),
    ],
)
def test_linear_time_is_no_bug(seconds: Callable[[float], float]) -> None:
    """However long a megabyte takes."""
    assert not large_event(seconds).bad


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(lambda mb: 0.5 * mb**2, id="from the start"),
        pytest.param(lambda mb: 1.2 * mb + 15 * mb**2, id="after a slow linear part"),
        pytest.param(lambda mb: 1e3 * mb**2, id="until it has to be stopped"),
    ],
)
def test_a_square_is_a_bug(seconds: Callable[[float], float]) -> None:
    """Also where the first sizes leave doubts, because the square is not yet the larger part of the time."""
    found = large_event(seconds)
    assert found.bad
    assert found.exponent > 1.5


def whole(chunks: Iterable[bytes]) -> list[Any]:
    return [event.json for event in parse_stream([b"".join(chunks)])]


def remembering(chunks: Iterable[bytes]) -> Iterator[Any]:
    held = [b""]
    for chunk in chunks:
        held.append(held[-1] + chunk)
    yield from whole(held[-1:])


def memory(parse: Callable[..., Any]) -> list[Growth]:
    with FuzzTarget(parse) as target:
        return [one for one in growth(target, array=False) if one.of == "memory"]


def test_linear_memory_is_no_bug() -> None:
    """A parser may hold all that has come."""
    assert [one.bad for one in memory(whole)] == [False, False]


def test_memory_that_grows_with_the_square_is_a_bug() -> None:
    """With the figures of its peak."""
    large, many = memory(remembering)
    assert large.bad
    assert many.bad
    assert 1.8 < large.exponent < 2.2
    assert "MB of memory" in str(large)


def test_the_memory_of_another_process_is_not_measured() -> None:
    """Nothing is said of it."""
    found = growth(cast("Any | FuzzTarget", Timed(lambda mb: mb)), array=False)
    assert {one.of for one in found} == {"time"}


def test_growth_keeps_to_its_time() -> None:
    """Of a parser that waits, only the first shape is measured, at its smallest size."""

    def waits(chunks: Iterable[bytes]) -> Iterator[Any]:
        for event in parse_stream(chunks):
            time.sleep(0.0001)
            yield event.json

    with FuzzTarget(waits) as target:
        (memory, took) = growth(target, array=False, until=Budget(1e-9).share(1))
    assert (memory.of, took.of, took.sizes) == ("memory", "time", (1 << 16, 1 << 17))
