"""Growth of time and memory: the ratio of two sizes, on a clock that the test sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import pytest

from gemini_replay import parse_stream
from gemini_replay.fuzz import checks
from gemini_replay.fuzz.budget import Budget
from gemini_replay.fuzz.growth import Growth, growth
from gemini_replay.fuzz.pace import NONE
from gemini_replay.fuzz.target import FuzzTarget, Output

pytestmark = pytest.mark.usefixtures("unmeasured")


class Timed:
    """A parser that takes as long as a function of the size says; one that takes more than 60 s has to be stopped.

    It is `stopped_once` before its first run, which counts as well. All its time is work, unless it `waits`. With
    `is_elapsed`, only the time on the clock is known.
    """

    def __init__(
        self,
        seconds: Callable[[float], float],
        *,
        stopped_once: bool = False,
        waits: bool = False,
        is_elapsed: bool = False,
    ) -> None:
        self.now = 0.0
        self.runs = 0
        self.is_here = False
        self.seconds = seconds
        self.stopped_once, self.waits, self.is_elapsed = stopped_once, waits, is_elapsed

    def clock(self) -> float:
        return self.now

    def worked(self) -> float | None:
        return None if self.is_elapsed else 0.0 if self.waits else self.now

    def run(self, chunks: Sequence[bytes]) -> Output:
        taken = self.seconds(sum(map(len, chunks)) / 1e6)
        self.runs += 1
        if self.stopped_once:
            self.stopped_once = False
            self.runs += 1
            self.now += 50
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
        pytest.param(lambda mb: 0.42 * mb + 0.6 * max(0, mb - 0.5) ** 2, id="only of what is too large for a cache"),
        pytest.param(lambda mb: 1e3 * mb**2, id="until it has to be stopped"),
    ],
)
def test_a_square_is_a_bug(seconds: Callable[[float], float]) -> None:
    """Also where the first sizes leave doubts, because the square is not yet the larger part of the time."""
    found = large_event(seconds)
    assert found.bad
    assert found.exponent > 1.5


def test_a_machine_that_becomes_faster_hides_no_square() -> None:
    """One run takes half of its time, since what shared its core has paused. Two doublings still show the square."""
    faster, sizes = 4, list[float]()

    def seconds(mb: float) -> float:
        sizes.append(mb)
        return 4 * mb**2 / (1.9 if len(sizes) == faster else 1)

    assert large_event(seconds).bad
    assert sizes[faster - 1] == pytest.approx(0.52, rel=0.05), "the run that would decide"


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


@pytest.mark.parametrize("seconds", [lambda mb: 0.5 * mb**2, lambda mb: 100 * mb**2], ids=["slow", "without end"])
def test_elapsed_time_shows_no_bug(seconds: Callable[[float], float]) -> None:
    """A busy machine may have made it long. What is not known is said."""
    found = growth(cast("Any | FuzzTarget", Timed(seconds, is_elapsed=True)), array=False)[0]
    assert not found.bad
    assert "This shows no bug: " in str(found)
    linear = growth(cast("Any | FuzzTarget", Timed(lambda mb: 2 * mb, is_elapsed=True)), array=False)
    assert not any(one.bad or one.doubt for one in linear), "what is linear on the clock is right"


def test_a_parser_that_is_stopped_while_it_waits_shows_no_bug() -> None:
    """It stalls, which other classes find."""
    found = growth(cast("Any | FuzzTarget", Timed(lambda mb: 1000 * mb, waits=True)), array=False)[0]
    assert not found.bad
    assert "waited" in found.doubt
    assert large_event(lambda mb: 1000 * mb).bad, "one that works has no excuse"


def test_a_run_that_had_a_second_chance_is_measured_again() -> None:
    """Its time is that of both runs."""
    (first, *_) = growth(cast("Any | FuzzTarget", Timed(lambda mb: 2 * mb, stopped_once=True)), array=False)
    assert not first.bad
    assert first.took[1] < 10


def test_the_survey_says_what_is_not_known() -> None:
    """In place of a bug."""
    target: Any = Timed(lambda mb: 0.5 * mb**2, is_elapsed=True)
    result = checks._growth(
        target, checks.Check("growth", array=False, profiles=("gemini",)), True, None, NONE
    ).result
    assert result.verdict == "behaviour"
    assert result.behaviour.startswith("not known: one large event")


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
