"""The clock does not move while another thread can run, even one that was woken but has not run yet."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import timeit
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.rhythms import cassette

import gemini_replay
from gemini_replay import virtual_time


@pytest.fixture(autouse=True)
def no_turns() -> Iterator[None]:
    """A running thread keeps the interpreter until it waits, or for half a second."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.5)
    with virtual_time():
        yield
    sys.setswitchinterval(interval)


def let_wake() -> None:
    """Give the system time to wake a notified thread. It has not run yet then."""
    end = timeit.default_timer() + 0.05
    while timeit.default_timer() < end:
        pass


def test_the_clock_waits_for_a_thread_that_starts_another(tmp_path: Path) -> None:
    """This holds in a session too, which replaces `Thread.start`."""

    def work() -> None:
        let_wake()
        time.sleep(5)

    with gemini_replay.replay(cassette(tmp_path / "c.jsonl", [0.1]), speed="virtual"):
        began, thread = time.monotonic(), threading.Thread(target=work)
        thread.start()
        assert time.monotonic() - began < 1
        thread.join()
        assert time.monotonic() - began == pytest.approx(5, abs=0.1)


def test_the_clock_waits_for_a_thread_whose_event_is_set() -> None:
    """The clock moves only after the woken thread has run, although the other thread sleeps."""
    event = threading.Event()

    def work() -> None:
        time.sleep(1)
        event.set()
        let_wake()
        time.sleep(5)

    began, thread = time.monotonic(), threading.Thread(target=work)
    thread.start()
    event.wait()
    assert time.monotonic() - began == pytest.approx(1, abs=0.1)
    thread.join()


def test_the_clock_waits_for_a_worker_that_has_work() -> None:
    """The worker belongs to an executor and was waiting for work."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        began = time.monotonic()
        started = pool.submit(time.monotonic)
        time.sleep(5)
        assert started.result() - began < 1


def test_the_clock_does_not_wait_for_idle_workers() -> None:
    """This holds for workers that have never worked and for those that have."""
    barrier = threading.Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(barrier.wait, 10) for _ in range(3)]:
            future.result()
        began = time.monotonic()
        time.sleep(3600)
        assert time.monotonic() - began == pytest.approx(3600, abs=0.1)


def test_the_clock_waits_for_a_loop_that_has_been_woken() -> None:
    """The thread that woke the loop sleeps only after the loop has run."""

    async def main() -> list[float]:
        loop, woken = asyncio.get_running_loop(), list[float]()
        began = loop.time()

        def work() -> None:
            for _ in range(3):
                loop.call_soon_threadsafe(lambda: woken.append(loop.time() - began))
                time.sleep(5)

        await asyncio.to_thread(work)
        return woken

    assert asyncio.run(main()) == pytest.approx([0, 5, 10], abs=0.1)
