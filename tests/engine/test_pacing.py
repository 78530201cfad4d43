"""The drivers of a schedule, on clocks of the test's own: nothing here waits."""

import pytest
import trio
import trio.testing

from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.engine.pacing import AsyncPlaying, Playing, loop_clock
from gemini_replay.engine.player import Playback
from gemini_replay.engine.schedule import Broken, Head

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


def test_a_blocking_driver_sleeps_until_each_part_is_due() -> None:
    """On its own clock, and not at all for what is due already."""
    clock = SlowClock(late=0.01)
    assert list(Playing(stream([0.0, 0.25]).schedule("", clock.now()), clock)) == [Head(200, ()), b"x", b"x"]
    assert clock.slept == pytest.approx([0.5, 0.24])


def test_a_blocking_driver_waits_as_long_as_the_client_does() -> None:
    """Then the response breaks."""
    clock = SlowClock()
    with pytest.raises(Broken, match="timeout"):
        list(Playing(stream([0.0, 3.0]).schedule("", clock.now()), clock, 2.0))
    assert clock.slept == [0.5, 2.0]


def test_an_awaiting_driver_follows_the_loops_own_clock() -> None:
    """On trio's mock clock a minute takes no time, and every part is seen at its moment."""
    playback = stream([0.05] * 1200)
    moments = [at for at, _ in playback.steps()][:-1]

    async def main() -> list[float]:
        clock = loop_clock()
        start = clock.now()
        return [clock.now() - start async for _ in AsyncPlaying(playback.schedule("", start), clock)]

    seen = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert seen == pytest.approx(moments)


def test_an_awaiting_driver_breaks_like_a_blocking_one() -> None:
    """They differ in who waits, in nothing else."""

    async def main() -> float:
        clock = loop_clock()
        with pytest.raises(Broken, match="timeout"):
            [_ async for _ in AsyncPlaying(stream([0.0, 3.0]).schedule("", clock.now()), clock, 2.0)]
        with pytest.raises(Broken, match="reset"):
            [_ async for _ in AsyncPlaying(stream([0.0], end=End("reset")).schedule("", clock.now()), clock)]
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

        clock = loop_clock()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            async for _ in AsyncPlaying(stream([0.0] * 50, first=0.0).schedule("", clock.now()), clock):
                pass
            nursery.cancel_scope.cancel()
        return turns

    assert trio.run(main) > 20
