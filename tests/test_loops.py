"""Waiting in an event loop takes real time, even if the loop's clock has been replaced."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from typing import Any

import anyio
import pytest
import trio
import trio.testing
from support.rhythms import hardly_any_time
from support.strange_clocks import STRANGE, takes

from gemini_replay import clocks
from gemini_replay.loops import AsyncioClock, TrioClock


def alarms() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "gemini-replay alarm"]


def test_a_wait_in_asyncio_ends_although_the_loops_clock_stands_still() -> None:
    """A cancelled wait leaves no thread."""

    async def main() -> None:
        with takes(0.2):
            await AsyncioClock().sleep(0.2)
        waiting = asyncio.create_task(AsyncioClock().sleep(60))
        await AsyncioClock().sleep(0.01)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()

    with STRANGE["mock"]():
        asyncio.run(main())
    for alarm in alarms():
        alarm.join(5)
    assert not alarms()


def test_a_wait_in_trio_ends_although_its_clock_stands_still() -> None:
    """A cancelled wait leaves no thread."""

    async def main() -> None:
        with takes(0.2):
            await TrioClock().sleep(0.2)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(TrioClock().sleep, 60)
            await TrioClock().sleep(0.01)
            nursery.cancel_scope.cancel()

    with STRANGE["freezegun"]():
        trio.run(main)
    for alarm in alarms():
        alarm.join(5)
    assert not alarms()


def test_a_loop_may_end_before_a_wait_is_over() -> None:
    """The alarm then does nothing."""

    async def main() -> None:
        AsyncioClock().call_at(AsyncioClock().now() + 0.05, lambda: pytest.fail("the loop has ended"))

    with STRANGE["mock"]():
        asyncio.run(main())
        for alarm in alarms():
            alarm.join(5)
    assert not alarms()


def test_a_timer_calls_at_its_moment_unless_it_is_cancelled() -> None:
    """A timer whose moment has passed fires too, in a turn of the loop of its own."""
    called: list[str] = []

    async def main() -> None:
        clock = AsyncioClock()
        for name, ahead in {"past": -1, "soon": 0.05, "cancelled": 0.05, "later": 0.4}.items():
            timer = clock.call_at(clock.now() + ahead, lambda name=name: called.append(name))  # type: ignore[misc]
            if name == "cancelled":
                timer.cancel()
        assert called == []
        await clock.sleep(0.6)

    for strange in (STRANGE["mock"], ExitStack):
        called.clear()
        with strange():
            asyncio.run(main())
        assert called == ["past", "soon", "later"]


def test_a_loop_with_a_real_clock_needs_no_thread() -> None:
    """Threads are used only for loops that cannot wait in real time."""
    before = alarms()  # threads of other tests may still be ending

    async def main(clock: Any) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(clock().sleep, 0.1)
            await clock().sleep(0.05)
            assert set(alarms()) <= set(before)

    asyncio.run(main(AsyncioClock))
    trio.run(main, TrioClock)


def test_a_loops_own_clock_is_followed() -> None:
    """Trio's mock clock and an asyncio loop class with its own `time` do not count as replaced clocks."""

    class Slow(asyncio.SelectorEventLoop):
        def time(self) -> float:
            return clocks.monotonic() / 2

    async def main() -> None:
        clock = AsyncioClock()
        began = clock.now()
        with takes(0.2):
            await clock.sleep(0.1)
        assert clock.now() - began >= 0.1

    with asyncio.Runner(loop_factory=Slow) as runner:
        runner.run(main())
    with hardly_any_time():
        trio.run(lambda: TrioClock().sleep(60), clock=trio.testing.MockClock(autojump_threshold=0))
