"""asyncio in virtual time: timers and time limits fire in order and at their moments, without waiting."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import timeit
from itertools import accumulate, pairwise
from pathlib import Path

import anyio
import anyio.to_thread
import freezegun
import httpx
import pytest
from support.clients import ASK
from support.rhythms import FIRST, MINUTE, STALL, cassette, hardly_any_time, run
from support.streams import GOOGLE

import gemini_replay
from gemini_replay import virtual_time
from gemini_replay.errors import UsageError
from gemini_replay.virtual_clock.clock import VirtualClock
from gemini_replay.virtual_clock.loops import Loops


async def stream(path: Path, moments: list[float]) -> None:
    """Read a recording, and note the loop's time at each chunk."""
    now = asyncio.get_running_loop().time
    async with httpx.AsyncClient(timeout=60) as client:
        async with client.stream("POST", GOOGLE, json=ASK) as response:
            async for _ in response.aiter_raw():
                moments.append(now())


def test_the_loops_clock_shows_the_recorded_rhythm(tmp_path: Path) -> None:
    """`loop.time` and `time.monotonic` show the time to first token and the gaps between tokens."""

    async def main() -> None:
        began, moments = asyncio.get_running_loop().time(), list[float]()
        with gemini_replay.replay(cassette(tmp_path / "minute.jsonl", MINUTE), speed="virtual"):
            await stream(tmp_path / "minute.jsonl", moments)
        assert moments[0] - began == pytest.approx(FIRST + MINUTE[0], abs=0.001)
        assert [b - a for a, b in pairwise(moments)] == pytest.approx(MINUTE[1:], abs=0.001)
        assert asyncio.get_running_loop().time() == pytest.approx(time.monotonic(), abs=0.001)

    run(main)


def test_time_becomes_virtual_in_a_running_loop(tmp_path: Path) -> None:
    """The block may begin in the middle of async code."""

    async def main() -> None:
        await asyncio.sleep(0)
        with hardly_any_time(), virtual_time():
            began = asyncio.get_running_loop().time()
            await asyncio.sleep(60)
            assert asyncio.get_running_loop().time() - began == pytest.approx(60, abs=0.001)

    asyncio.run(main())


def test_a_time_limit_fires_in_mid_stall_at_its_time(tmp_path: Path) -> None:
    """This holds for `asyncio.timeout`, `wait_for` and `anyio.move_on_after`."""
    path = cassette(tmp_path / "stall.jsonl", STALL, STALL, STALL)

    async def main() -> None:
        now = asyncio.get_running_loop().time
        with gemini_replay.replay(path):
            began, moments = now(), list[float]()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5):
                    await stream(path, moments)
            assert (now() - began, len(moments)) == (pytest.approx(5, abs=0.001), 2)
            began = now()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream(path, moments), 20)
            assert (now() - began, len(moments)) == (pytest.approx(20, abs=0.001), 4)
            began = now()
            with anyio.move_on_after(10) as scope:
                await stream(path, moments)
            assert scope.cancelled_caught
            assert (now() - began, len(moments)) == (pytest.approx(10, abs=0.001), 6)

    run(main)


def test_a_race_between_a_stream_and_sleeps_goes_as_recorded(tmp_path: Path) -> None:
    """A spinner that ticks every 130 ms sees each chunk between the right ticks."""
    path = cassette(tmp_path / "some.jsonl", [0.1, 0.25, 0.5, 0.05])
    seen: list[tuple[float, str]] = []

    async def main() -> None:
        now = asyncio.get_running_loop().time
        began = now()

        async def spin() -> None:
            for turn in range(1, 11):
                await asyncio.sleep(began + 0.13 * turn - now())
                seen.append((now() - began, "turn"))

        async def read() -> None:
            async with httpx.AsyncClient() as client, client.stream("POST", GOOGLE, json=ASK) as response:
                async for _ in response.aiter_raw():
                    seen.append((now() - began, "chunk"))

        with gemini_replay.replay(path):
            await asyncio.gather(spin(), read())

    run(main)
    due = [(0.13 * n, "turn") for n in range(1, 11)]
    due += [(FIRST + at, "chunk") for at in accumulate([0.1, 0.25, 0.5, 0.05])]
    assert [what for _, what in seen] == [what for _, what in sorted(due)]
    assert [at for at, _ in seen] == pytest.approx([at for at, _ in sorted(due)], abs=0.001)


def test_loops_are_found_after_another_tool_has_replaced_their_clock() -> None:
    """The other tool may set the method on a class that had inherited it."""
    with freezegun.freeze_time("2026-01-01", real_asyncio=True):
        pass
    with freezegun.freeze_time("2026-01-01", real_asyncio=True), virtual_time():
        pass
    with virtual_time(), freezegun.freeze_time("2026-01-01", real_asyncio=True):
        pass
    run(lambda: asyncio.sleep(60))
    assert "time" in vars(asyncio.SelectorEventLoop)
    began = timeit.default_timer()
    asyncio.run(asyncio.sleep(0.05))
    assert timeit.default_timer() - began >= 0.049


def test_a_loop_reads_ready_input_before_the_clock_jumps() -> None:
    """A loop that has something to read reads it before time passes."""

    async def main() -> None:
        now = asyncio.get_running_loop().time
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.sendall(b"ready")
            async with asyncio.timeout(1):
                assert await asyncio.get_running_loop().sock_recv(ours, 10) == b"ready"
            began = now()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await asyncio.get_running_loop().sock_recv(ours, 10)
            assert now() - began == pytest.approx(1, abs=0.001)

    run(main)


def test_without_a_timer_the_loop_waits_in_real_time() -> None:
    """It waits until another thread wakes it."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        began, really, event = loop.time(), timeit.default_timer(), asyncio.Event()
        timer = threading.Timer(0.1, loop.call_soon_threadsafe, [event.set])
        timer.start()
        await event.wait()
        assert timeit.default_timer() - really >= 0.08
        assert loop.time() - began < 0.01

    run(main)


def test_the_clock_of_a_surviving_loop_does_not_go_back() -> None:
    """After the block, timers set in virtual time fire when they should, and later blocks go on from there."""
    with asyncio.Runner() as runner:
        now = runner.get_loop().time
        reached = [now()]
        for _ in range(2):
            with hardly_any_time(), virtual_time():
                runner.run(asyncio.sleep(100))
                reached.append(runner.get_loop().time())
            reached.append(runner.get_loop().time())
        assert reached == sorted(reached)
        assert reached[-1] - reached[0] == pytest.approx(200, abs=2)
        began, really = runner.get_loop().time(), timeit.default_timer()
        runner.run(asyncio.sleep(0.05))
        assert runner.get_loop().time() - began >= 0.05
        assert timeit.default_timer() - really >= 0.049


def test_the_end_restores_asyncio() -> None:
    """This holds after an exception too."""
    names = ("time", "run_in_executor", "_run_once")
    originals = [getattr(asyncio.BaseEventLoop, name) for name in names]
    with asyncio.Runner() as runner:
        with pytest.raises(LookupError), virtual_time():
            runner.run(asyncio.sleep(1))
            raise LookupError
        assert "select" not in vars(runner.get_loop()._selector)  # type: ignore[attr-defined]
    assert [getattr(asyncio.BaseEventLoop, name) for name in names] == originals


def test_a_loop_of_another_thread_has_real_time_until_it_plays(tmp_path: Path) -> None:
    """So a server in the test's process does not spin, and a client in its own thread can still replay."""
    path = cassette(tmp_path / "minute.jsonl", MINUTE)
    took: list[float] = []

    async def main() -> None:
        began = timeit.default_timer()
        await asyncio.sleep(0.05)
        took.append(timeit.default_timer() - began)
        moments: list[float] = []
        await stream(path, moments)
        took.append(moments[-1] - moments[0])

    with hardly_any_time(), gemini_replay.replay(path, speed="virtual"):
        thread = threading.Thread(target=asyncio.run, args=(main(),))
        thread.start()
        thread.join()
    assert took[0] >= 0.049
    assert took[1] == pytest.approx(sum(MINUTE[1:]), abs=0.001)


def test_a_loop_that_joins_too_late_keeps_real_time() -> None:
    """The loop of another thread was about to become virtual when the block ended."""
    loops = Loops(VirtualClock(), 0.0)
    loops.install()
    loops.undo()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loops.follow(loop)
        assert "time" not in vars(loop)
        assert "select" not in vars(loop._selector)  # type: ignore[attr-defined]


class _Strange(asyncio.AbstractEventLoop):
    """A loop that appears to come from another library."""


def test_a_loop_that_is_not_asyncios_own_is_refused() -> None:
    """The error has the loop's name and says what to do."""
    asyncio._set_running_loop(_Strange())
    try:
        with pytest.raises(UsageError, match=r"virtual in the event loop .*_Strange"), virtual_time():
            pass
    finally:
        asyncio._set_running_loop(None)
    assert time.sleep.__module__ == "time"


def test_a_loop_with_its_own_clock_keeps_it(tmp_path: Path) -> None:
    """A loop that another tool has made virtual stays under that tool."""

    class Own(asyncio.SelectorEventLoop):
        def time(self) -> float:
            return super().time() + 1000

    path = cassette(tmp_path / "short.jsonl", [0.01])
    with asyncio.Runner(loop_factory=Own) as runner:
        before = runner.get_loop().time()
        with gemini_replay.replay(path, speed="virtual"):
            runner.run(stream(path, []))
        assert runner.get_loop().time() - before < 60
        assert "time" not in vars(runner.get_loop())
