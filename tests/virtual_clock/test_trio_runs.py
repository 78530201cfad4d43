"""trio in virtual time: runs get a clock that jumps, in step with the functions of `time`."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import anyio
import httpx
import pytest
import trio
import trio.testing
from support.clients import ASK
from support.rhythms import FIRST, MINUTE, STALL, cassette, hardly_any_time
from support.streams import GOOGLE

import gemini_replay
from gemini_replay import virtual_time
from gemini_replay.errors import UsageError

held_by_name = trio.run


async def stream(moments: list[float]) -> None:
    """Read a recording, and note trio's time at each chunk."""
    async with httpx.AsyncClient(timeout=60) as client:
        async with client.stream("POST", GOOGLE, json=ASK) as response:
            async for _ in response.aiter_raw():
                moments.append(trio.current_time())


def test_trios_clock_shows_the_recorded_rhythm(tmp_path: Path) -> None:
    """Trio's clock and the functions of `time` show the same time to first token and gaps, inside and afterwards."""
    path = cassette(tmp_path / "minute.jsonl", MINUTE)

    async def main() -> None:
        began, begun, moments = trio.current_time(), time.monotonic(), list[float]()
        await stream(moments)
        assert moments[0] - began == pytest.approx(FIRST + MINUTE[0], abs=0.001)
        assert [b - a for a, b in pairwise(moments)] == pytest.approx(MINUTE[1:], abs=0.001)
        assert time.monotonic() - begun == pytest.approx(trio.current_time() - began, abs=0.001)

    with hardly_any_time(), gemini_replay.replay(path, speed="virtual"):
        before = time.monotonic()
        held_by_name(main)
        assert time.monotonic() - before == pytest.approx(FIRST + sum(MINUTE), abs=0.01)


def test_time_limits_fire_in_mid_stall_at_their_time(tmp_path: Path) -> None:
    """This holds for trio's limits and for anyio's."""
    path = cassette(tmp_path / "stall.jsonl", STALL, STALL)

    async def main() -> None:
        for limit in (trio.move_on_after, anyio.move_on_after):
            began, moments = trio.current_time(), list[float]()
            with limit(5) as scope:
                await stream(moments)
            assert scope.cancelled_caught
            assert (trio.current_time() - began, len(moments)) == (pytest.approx(5, abs=0.001), 2)

    with hardly_any_time(), gemini_replay.replay(path, speed="virtual"):
        trio.run(main)


def test_a_blocking_sleep_moves_trios_clock() -> None:
    """Trio and `time.sleep` share one clock."""

    async def main() -> None:
        began = trio.current_time()
        time.sleep(5)
        await trio.sleep(5)
        assert trio.current_time() - began == pytest.approx(10, abs=0.001)

    with hardly_any_time(), virtual_time():
        trio.run(main)


def test_trio_waits_for_work_in_a_thread() -> None:
    """Meanwhile, a time limit counts real seconds; a sleep in the thread is virtual."""

    def work() -> str:
        import threading

        threading.Event().wait(0.2)
        return "done"

    async def main() -> None:
        began = trio.current_time()
        with trio.fail_after(10):
            assert await trio.to_thread.run_sync(work) == "done"
        assert 0.15 < trio.current_time() - began < 5
        began = time.monotonic()
        await trio.to_thread.run_sync(time.sleep, 30)
        assert time.monotonic() - began == pytest.approx(30, abs=0.05)
        await trio.sleep(60)

    with hardly_any_time(), virtual_time():
        trio.run(main)


def test_a_users_mock_clock_is_followed(tmp_path: Path) -> None:
    """An example is pytest-trio's `autojump_clock`."""
    clock = trio.testing.MockClock(autojump_threshold=0)

    async def main() -> None:
        before = time.monotonic()
        await trio.sleep(60)
        assert time.monotonic() - before == pytest.approx(60, abs=0.001)

    with hardly_any_time(), virtual_time():
        trio.run(main, clock=clock)


def test_a_run_with_the_systems_clock_is_refused(tmp_path: Path) -> None:
    """In such a run, virtual time cannot begin, nor can a recording be played in virtual time begun elsewhere."""

    async def main() -> None:
        with pytest.raises(UsageError, match=r"before trio\.run"), virtual_time():
            pass

    trio.run(main)
    assert time.sleep.__module__ == "time"


def test_virtual_time_can_begin_in_a_run_with_a_mock_clock() -> None:
    """It then follows the run's own clock."""

    async def main() -> None:
        with virtual_time():
            began = time.monotonic()
            await trio.sleep(60)
            assert time.monotonic() - began == pytest.approx(60, abs=0.001)

    with hardly_any_time():
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
