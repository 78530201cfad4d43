"""Threads of asyncio's executors in virtual time: the loop waits for their work; their sleep is virtual."""

from __future__ import annotations

import asyncio
import threading
import time
import timeit
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import anyio.to_thread
import httpx
import pytest
from support.clients import ASK
from support.rhythms import MINUTE, cassette, run
from support.streams import GOOGLE

import gemini_replay


@pytest.mark.parametrize("to_thread", [asyncio.to_thread, anyio.to_thread.run_sync], ids=["asyncio", "anyio"])
def test_the_loop_waits_for_work_in_a_thread(to_thread: Callable[..., Awaitable[object]]) -> None:
    """A time limit that the work keeps in real time does not fire. In virtual time, the work takes no time."""

    def work() -> str:
        threading.Event().wait(0.2)  # waits like a blocking call of a library
        return "done"

    async def main() -> None:
        now = asyncio.get_running_loop().time
        began = now()
        async with asyncio.timeout(10):
            assert await to_thread(work) == "done"
        assert now() - began < 0.01

    run(main)


def test_a_limit_on_work_in_a_thread_fires_when_it_would_in_real_time() -> None:
    """Work that hangs does not make the test hang."""
    done = threading.Event()

    async def main() -> None:
        now = asyncio.get_running_loop().time
        began, really = now(), timeit.default_timer()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asyncio.to_thread(done.wait, 20)
        assert timeit.default_timer() - really >= 0.19
        assert now() - began == pytest.approx(0.2, abs=0.001)
        done.set()

    run(main)


@pytest.mark.parametrize("to_thread", [asyncio.to_thread, anyio.to_thread.run_sync], ids=["asyncio", "anyio"])
def test_sleep_in_a_thread_is_virtual_and_a_limit_on_it_fires_first(
    to_thread: Callable[..., Awaitable[object]],
) -> None:
    """The loop and the thread wait on the same clock, so the earlier moment comes first."""

    async def main() -> None:
        now = asyncio.get_running_loop().time
        began = now()
        await to_thread(time.sleep, 30)
        assert now() - began == pytest.approx(30, abs=0.05)
        began, task = now(), asyncio.ensure_future(to_thread(time.sleep, 30))
        await asyncio.sleep(20)
        assert (now() - began, task.done()) == (pytest.approx(20, abs=0.05), False)
        await task
        assert now() - began == pytest.approx(30, abs=0.05)

    run(main)


def test_a_stream_read_in_a_thread_keeps_its_rhythm_beside_the_loop(tmp_path: Path) -> None:
    """A sync client runs in `asyncio.to_thread`, and a timer of the loop fires in mid-stream."""
    path = cassette(tmp_path / "minute.jsonl", MINUTE)

    def read() -> list[float]:
        with httpx.Client() as client, client.stream("POST", GOOGLE, json=ASK) as response:
            return [time.monotonic() for _ in response.iter_raw()]

    async def main() -> None:
        with gemini_replay.replay(path, speed="virtual"):
            began = time.monotonic()
            reading = asyncio.create_task(asyncio.to_thread(read))
            await asyncio.sleep(30)
            assert time.monotonic() - began == pytest.approx(30, abs=0.05)
            assert not reading.done()
            moments = await reading
        assert [b - a for a, b in pairwise(moments)] == pytest.approx(MINUTE[1:], abs=0.02)

    run(main)


def test_a_loops_end_waits_for_real_work_of_its_threads() -> None:
    """Since Python 3.12, asyncio waits 300 s for them at most, then warns. These seconds must not be virtual."""
    started = threading.Event()

    def work() -> None:
        started.set()
        threading.Event().wait(0.3)

    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(None, work)
        assert started.wait(5)

    run(main)


def test_a_loops_end_lets_time_pass_where_its_threads_sleep() -> None:
    """The threads sleep in virtual time, and the loop waits in virtual time too."""
    woke: list[float] = []

    async def main() -> float:
        began = time.monotonic()
        asyncio.get_running_loop().run_in_executor(None, lambda: (time.sleep(200), woke.append(time.monotonic())))
        return began

    began = run(main)
    assert woke[0] - began == pytest.approx(200, abs=0.1)


def test_the_threads_of_a_loop_end_before_time_moves_on() -> None:
    """Of many loops with one thread each, none ends by a time limit."""

    async def main() -> None:
        await asyncio.gather(*(asyncio.to_thread(int) for _ in range(3)))

    for _ in range(100):
        run(main)
