"""The drivers of a `Schedule` for blocking and awaiting clients. They only wait."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol

from .. import loops, virtual_clock
from .schedule import Broken, Part, Schedule

_IN_A_ROW = 16
"""How many due parts a client gets in a row while nothing else is ready. Then timers and sockets have a turn."""


class BlockingClock(Protocol):
    """A clock and a way to wait on it, both in seconds."""

    def now(self) -> float:
        """The present moment."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class ThreadClock:
    """The clock of this thread, real or virtual."""

    now = staticmethod(virtual_clock.now)
    sleep = staticmethod(virtual_clock.sleep)

    def __init__(self) -> None:
        virtual_clock.join_thread()


def loop_clock() -> loops.AsyncClock:
    """The clock of the running event loop, asyncio's or trio's, real or virtual."""
    virtual_clock.join_loop()
    return loops.running_clock()


def _as_it_is(broken: Broken) -> Exception:
    return broken


class Playing:
    """The parts of a response, each when it is due.

    Args:
        schedule: what to play; its times are on `clock`.
        clock: the clock to wait on.
        read_timeout: seconds that the client waits for more; None for ever.
        fail: makes the exception that is raised, at its moment, if the response does not end with a complete body;
            by default, this is the `Broken` itself.
    """

    def __init__(
        self,
        schedule: Schedule,
        clock: BlockingClock,
        read_timeout: float | None = None,
        fail: Callable[[Broken], Exception] = _as_it_is,
    ) -> None:
        self._due = due(schedule, clock, read_timeout, fail)
        self._parts = chain.from_iterable(self._due)

    def __iter__(self) -> Iterator[Any]:
        return self._parts

    def close(self) -> None:
        """Play no more of it."""
        self._due.close()


def due(
    schedule: Schedule,
    clock: BlockingClock,
    read_timeout: float | None = None,
    fail: Callable[[Broken], Exception] = _as_it_is,
) -> Generator[Sequence[Part], None, None]:
    """Yield lists of parts that are due together. The arguments are those of `Playing`."""
    while True:
        wait = schedule.wait(clock.now(), read_timeout)
        if wait > 0:
            clock.sleep(wait)
        try:
            parts = schedule.take()
        except Broken as broken:
            raise fail(broken) from None
        if not parts:
            return
        yield parts


class AsyncPlaying:
    """`Playing` for async code, on the clock of its loop.

    Code that is ready to run has a turn before each part, as it has when chunks come one by one from a network.

    Not a generator: a client that drops one would have to close it.
    """

    def __init__(
        self,
        schedule: Schedule,
        clock: loops.AsyncClock,
        read_timeout: float | None = None,
        fail: Callable[[Broken], Exception] = _as_it_is,
    ) -> None:
        self._schedule = schedule
        self._clock = clock
        self._read_timeout = read_timeout
        self._fail = fail
        self._due: deque[Part] = deque()
        self._turn, self._others = clock.turn, clock.others
        self._in_a_row = _IN_A_ROW  # the loop has a turn before the first part
        self._closed = False

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        """The next `Part`, when it is due."""
        due = self._due
        if not due or self._others or self._in_a_row >= _IN_A_ROW:
            wait = 0.0 if due or self._closed else self._schedule.wait(self._clock.now(), self._read_timeout)
            if wait > 0.0:
                self._in_a_row = 0
                await self._clock.sleep(wait)
            elif self._others or self._in_a_row >= _IN_A_ROW:
                self._in_a_row = 0
                await self._turn()
            if not due:
                if self._closed:
                    raise StopAsyncIteration
                try:
                    due.extend(self._schedule.take())
                except Broken as broken:
                    raise self._fail(broken) from None
                if not due:
                    raise StopAsyncIteration
        self._in_a_row += 1
        return due.popleft()

    async def aclose(self) -> None:
        """Play no more of it."""
        self._closed = True
        self._due.clear()
