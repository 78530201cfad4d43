"""Pacing on clocks of the test's own: nothing here waits."""

from collections.abc import Iterator

import pytest
import trio
import trio.testing

from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.engine.pacing import Broken, aplay, play
from gemini_replay.engine.player import Playback

ASKED = Request("POST", "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent")


class SlowClock:
    """A clock whose every sleep takes `late` seconds too long, as real ones do."""

    def __init__(self, late: float = 0.0) -> None:
        self.time = 1000.0
        self.late = late
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds + self.late


def stream(gaps: list[float], *, first: float = 0.5, end: End | None = None) -> Playback:
    chunks = tuple(Chunk(gap, b"x") for gap in gaps)
    return Playback(Interaction(ASKED, Response(200, (), first), chunks, end or End()))


def test_lateness_does_not_add_up_over_a_minute() -> None:
    """1,200 chunks, each sleep 0.3 ms late: the last chunk is as late as the first, not 360 ms."""
    clock = SlowClock(late=0.0003)
    lateness = [clock.time - 1000.0 - step.at for step in play(stream([0.05] * 1200).steps(), clock=clock)]
    assert clock.time - 1000.0 == pytest.approx(60.5, abs=0.001)
    assert max(lateness) < 0.0004


def test_a_slow_consumer_finds_what_is_due_already() -> None:
    """It waits for nothing that has arrived meanwhile, and is back in rhythm as soon as it has caught up."""
    clock = SlowClock()
    times = []
    for _ in play(stream([0.0, 0.1, 0.1, 0.1, 5.0]).steps(), clock=clock):
        times.append(round(clock.time - 1000.0, 3))
        clock.time += 0.12
    assert times == [0.5, 0.62, 0.74, 0.86, 0.98, 5.8]


def test_a_read_timeout_counts_from_the_moment_the_client_asks() -> None:
    """A gap of 3 s against a timeout of 2 s raises after 2 s; the same gap, half of it slept away, does not."""
    clock = SlowClock()
    played = play(stream([0.0, 3.0]).steps(), read_timeout=2.0, clock=clock)
    next(played), next(played)
    with pytest.raises(Broken) as broken:
        next(played)
    assert broken.value.ending == "timeout"
    assert clock.slept[-1] == 2.0

    clock = SlowClock()
    played = play(stream([0.0, 3.0]).steps(), read_timeout=2.0, clock=clock)
    next(played), next(played)
    clock.time += 1.5
    next(played)
    assert clock.slept[-1] == pytest.approx(1.5)


def test_the_head_is_waited_for_with_the_same_timeout() -> None:
    """Time to first byte beyond the read timeout is a read timeout."""
    clock = SlowClock()
    with pytest.raises(Broken, match="timeout"):
        next(play(stream([], first=30.0).steps(), read_timeout=5.0, clock=clock))
    assert clock.slept == [5.0]


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        (End("reset", 1.0), "reset"),
        (End("reset", 1.0, "closed"), "closed"),
        (End("timeout", 1.0), "timeout"),
    ],
    ids=["reset", "closed", "timeout"],
)
def test_a_recorded_break_breaks_at_its_moment(end: End, ending: str) -> None:
    """After the last chunk and its gap."""
    clock = SlowClock()
    with pytest.raises(Broken) as broken:
        list(play(stream([0.0, 0.25], end=end).steps(), clock=clock))
    assert broken.value.ending == ending
    assert clock.time == pytest.approx(1001.75)


def test_a_cancelled_recording_stays_silent_for_a_second() -> None:
    """A client that lets go by a timer of its own does so before it hears that there is no more."""
    clock = SlowClock()
    with pytest.raises(Broken, match="cancelled"):
        list(play(stream([0.0], end=End("cancelled", 1.0)).steps(), clock=clock))
    assert clock.time == pytest.approx(1002.5)


def test_async_pacing_follows_the_loops_own_clock() -> None:
    """On trio's mock clock a minute takes no time, and every step is seen at its moment."""
    steps = list(stream([0.05] * 1200).steps())

    async def main() -> list[float]:
        start = trio.current_time()
        return [trio.current_time() - start - step.at async for step in aplay(steps)]

    lateness = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert max(map(abs, lateness)) < 1e-6


def test_async_read_timeouts_and_breaks_are_those_of_sync() -> None:
    """The twins differ in who waits, in nothing else."""

    async def main() -> Iterator[object]:
        with pytest.raises(Broken, match="timeout"):
            [_ async for _ in aplay(stream([0.0, 3.0]).steps(), read_timeout=2.0)]
        with pytest.raises(Broken, match="reset"):
            [_ async for _ in aplay(stream([0.0], end=End("reset")).steps())]
        return trio.current_time()

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_async_playing_lets_other_tasks_run_between_due_chunks() -> None:
    """Even an instant stream does not keep the loop to itself."""

    async def main() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            async for _ in aplay(stream([0.0] * 50, first=0.0).steps()):
                pass
            nursery.cancel_scope.cancel()
        return turns

    assert trio.run(main) > 20
