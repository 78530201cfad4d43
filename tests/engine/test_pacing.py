"""The drivers of a schedule, on fake clocks: no test here waits."""

import asyncio

import pytest
import trio
import trio.testing

from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.engine.pacing import AsyncPlaying, Playing, loop_clock
from gemini_replay.engine.player import Playback
from gemini_replay.engine.schedule import Broken, Head

ASKED = Request("POST", "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent")


class SlowClock:
    """A clock on which every sleep takes `late` seconds too long, as on real ones."""

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
    """The driver sleeps on the given clock, and not at all for parts that are due already."""
    clock = SlowClock(late=0.01)
    assert list(Playing(stream([0.0, 0.25]).schedule("", clock.now()), clock)) == [Head(200, ()), b"x", b"x"]
    assert clock.slept == pytest.approx([0.5, 0.24])


def test_a_blocking_driver_stops_at_the_read_timeout() -> None:
    """The driver waits as long as the client would; then the response breaks."""
    clock = SlowClock()
    with pytest.raises(Broken, match="timeout"):
        list(Playing(stream([0.0, 3.0]).schedule("", clock.now()), clock, 2.0))
    assert clock.slept == [0.5, 2.0]


def test_an_awaiting_driver_follows_the_loops_own_clock() -> None:
    """On trio's mock clock, a minute takes no time and every part comes at its moment."""
    playback = stream([0.05] * 1200)
    moments = [at for at, _ in playback.steps()][:-1]

    async def main() -> list[float]:
        clock = loop_clock()
        start = clock.now()
        return [clock.now() - start async for _ in AsyncPlaying(playback.schedule("", start), clock)]

    seen = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert seen == pytest.approx(moments)


def test_an_awaiting_driver_stops_at_the_read_timeout() -> None:
    """The response breaks as with the blocking driver."""

    async def main() -> float:
        clock = loop_clock()
        with pytest.raises(Broken, match="timeout"):
            [_ async for _ in AsyncPlaying(stream([0.0, 3.0]).schedule("", clock.now()), clock, 2.0)]
        with pytest.raises(Broken, match="reset"):
            [_ async for _ in AsyncPlaying(stream([0.0], end=End("reset")).schedule("", clock.now()), clock)]
        return trio.current_time()

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_async_playing_lets_other_tasks_run_between_due_chunks() -> None:
    """Even an instant stream lets other tasks run."""

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


def test_ready_callbacks_of_asyncio_run_before_the_next_due_chunk() -> None:
    """A task that waits for a chunk sees it before the client gets the next one, as it would live."""

    async def main() -> None:
        seen: list[str] = []
        chunks: asyncio.Queue[bytes] = asyncio.Queue()

        async def show() -> None:
            while True:
                await chunks.get()
                seen.append("shown")

        showing = asyncio.create_task(show())
        clock = loop_clock()
        async for part in AsyncPlaying(stream([0.0] * 50, first=0.0).schedule("", clock.now()), clock):
            if isinstance(part, bytes):
                seen.append("read")
                chunks.put_nowait(part)
        showing.cancel()
        assert seen == ["read", "shown"] * 50

    asyncio.run(main())


def test_timers_fire_while_an_instant_stream_is_alone_in_its_loop() -> None:
    """The loop gets a turn after a limited number of chunks."""

    async def main() -> None:
        clock = loop_clock()
        seen: list[str] = []
        async for _ in AsyncPlaying(stream([0.0] * 50, first=0.0).schedule("", clock.now()), clock):
            if not seen:
                asyncio.get_running_loop().call_later(0.0, seen.append, "timer")
            seen.append("part")
        assert 1 < seen.index("timer") < 20

    asyncio.run(main())


def test_the_loop_runs_once_before_the_head_of_an_instant_stream() -> None:
    """Code that was about to run when the request was sent runs first."""

    async def main() -> None:
        seen: list[str] = []
        asyncio.get_running_loop().call_soon(seen.append, "other")
        clock = loop_clock()
        async for part in AsyncPlaying(stream([0.0], first=0.0).schedule("", clock.now()), clock):
            seen.append("head" if isinstance(part, Head) else "chunk")
        assert seen == ["other", "head", "chunk"]

    asyncio.run(main())
