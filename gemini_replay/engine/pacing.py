"""The drivers of a `Schedule` that block and that await; each waits, and does nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Protocol

from .. import loops, virtual_clock
from .schedule import Part, Schedule


class BlockingClock(Protocol):
    """A clock and a way to wait on it, both in seconds."""

    def now(self) -> float:
        """The present moment."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class ThreadClock:
    """The clock of this thread, real or virtual."""

    def __init__(self) -> None:
        virtual_clock.join_thread()

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return virtual_clock.now()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        virtual_clock.sleep(seconds)


class LoopClock:
    """The clock of the running event loop, asyncio's or trio's, real or virtual."""

    def __init__(self) -> None:
        virtual_clock.join_loop()
        self._clock = loops.running_clock()

    def now(self) -> float:
        """Seconds on the loop's clock."""
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        """Let the loop go on for so long, at least for one turn."""
        await self._clock.sleep(seconds)


def play(schedule: Schedule, clock: BlockingClock, read_timeout: float | None = None) -> Generator[Part, None, None]:
    """Yield each part when it is due.

    Args:
        schedule: whose times are on `clock`.
        clock: to wait on.
        read_timeout: seconds that the client waits for more; None for ever.

    Raises:
        Broken: the response does not end with a complete body; raised at its moment.
    """
    while True:
        wait = schedule.wait(clock.now(), read_timeout)
        if wait > 0:
            clock.sleep(wait)
        part = schedule.take()
        if part is None:
            return
        yield part


async def aplay(
    schedule: Schedule, clock: loops.AsyncClock, read_timeout: float | None = None
) -> AsyncGenerator[Part, None]:
    """`play` for async code."""
    while True:
        # A real socket lets the loop run even when bytes are there, at least now and then; so does this.
        await clock.sleep(schedule.wait(clock.now(), read_timeout))
        part = schedule.take()
        if part is None:
            return
        yield part
