"""The drivers of a `Schedule` that block and that await; each waits, and does nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol

from .. import loops, virtual_clock
from ..cassette.model import Ending
from .schedule import Broken, Part, Schedule


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


def loop_clock() -> loops.AsyncClock:
    """The clock of the running event loop, asyncio's or trio's, real or virtual."""
    virtual_clock.join_loop()
    return loops.running_clock()


class Playing:
    """The parts of a response, each when it is due.

    Args:
        schedule: whose times are on `clock`.
        clock: to wait on.
        read_timeout: seconds that the client waits for more; None for ever.
        fail: makes the exception that is raised, at its moment, if the response does not end with a complete body.
    """

    def __init__(
        self,
        schedule: Schedule,
        clock: BlockingClock,
        read_timeout: float | None = None,
        fail: Callable[[Ending], Exception] = Broken,
    ) -> None:
        self._due = _due(schedule, clock, read_timeout, fail)
        self._parts = chain.from_iterable(self._due)

    def __iter__(self) -> Iterator[Any]:
        return self._parts

    def close(self) -> None:
        """Play no more of it."""
        self._due.close()


def _due(
    schedule: Schedule, clock: BlockingClock, read_timeout: float | None, fail: Callable[[Ending], Exception]
) -> Generator[Sequence[Part], None, None]:
    """What is due together, again and again."""
    while True:
        wait = schedule.wait(clock.now(), read_timeout)
        if wait > 0:
            clock.sleep(wait)
        try:
            parts = schedule.take()
        except Broken as broken:
            raise fail(broken.ending) from None
        if not parts:
            return
        yield parts


class AsyncPlaying:
    """`Playing` for async code, on the clock of its loop.

    Not a generator: a client that drops one would have to close it.
    """

    def __init__(
        self,
        schedule: Schedule,
        clock: loops.AsyncClock,
        read_timeout: float | None = None,
        fail: Callable[[Ending], Exception] = Broken,
    ) -> None:
        self._schedule = schedule
        self._clock = clock
        self._read_timeout = read_timeout
        self._fail = fail
        self._due: deque[Part] = deque()
        self._turn = clock.turn
        self._closed = False

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        """The next `Part`, when it is due."""
        # A real socket lets the loop run even when bytes are there, at least now and then; this does for each part.
        if self._due:
            await self._turn()
        elif self._closed:
            raise StopAsyncIteration
        else:
            await self._clock.sleep(self._schedule.wait(self._clock.now(), self._read_timeout))
            try:
                self._due.extend(self._schedule.take())
            except Broken as broken:
                raise self._fail(broken.ending) from None
            if not self._due:
                raise StopAsyncIteration
        return self._due.popleft()

    async def aclose(self) -> None:
        """Play no more of it."""
        self._closed = True
        self._due.clear()
