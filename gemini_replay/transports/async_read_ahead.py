"""Reads a live response ahead of an async client, in a task of its own; see `read_ahead`."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ..loops import running_clock, waiter
from .observing import BeforeReads, Classify, Harmless, Observer, now, report_end
from .read_ahead import ROOM, Ended


class AsyncReadAhead:
    """`ReadAhead` for async code, on asyncio and trio.

    A client that blocks the event loop blocks the reader too: nothing in the process could read meanwhile.
    """

    def __init__(
        self,
        source: Callable[[], AsyncIterator[bytes]],
        observer: Observer,
        *,
        classify: Classify,
        close: Callable[[], Awaitable[None]],
        before_reads: BeforeReads = contextlib.nullcontext,
        read_timeout: float | None = None,
    ) -> None:
        import anyio

        self._source = source
        self._observer = observer
        self._harmless = Harmless(observer)
        self._read_timeout = read_timeout
        self._classify = classify
        self._close = close
        self._before_reads = before_reads
        self._told = False  # the error of any read of the wire
        self._scope = anyio.CancelScope()
        self._finished = anyio.Event()
        self._clock = running_clock()
        self._arrived: deque[bytes | Ended] = deque()
        self._news = waiter()
        self._unread = 0
        self._room = waiter()
        self._abandoned = False
        self.awaited = False
        self._task: object = None

    def start(self) -> None:
        """Begin to read; until then the source is untouched.

        Raises:
            RuntimeError: there is no event loop here.
        """
        self._task = _spawn(self._run, self._never_began)

    async def _run(self) -> None:
        problem: BaseException | None = None
        try:
            with self._scope, self._before_reads(self._read_is_next):
                problem = await self._read()
        except BaseException as cancelled:  # from outside; it must be raised again
            problem = cancelled
            raise
        finally:
            self._finish(problem)

    async def _read(self) -> Exception | None:
        """Pass on what comes. Returns the error that the source raised, or None."""
        try:
            chunks = self._source()
        except Exception as problem:
            return problem
        try:
            while True:
                try:
                    data = await anext(chunks)
                except StopAsyncIteration:
                    return None
                except Exception as problem:
                    return problem
                with self._harmless:
                    self._observer.chunk(data, now())
                self._arrived.append(data)
                self._news.wake()
                self._unread += len(data)
                if not self._told or self._unread > ROOM:
                    await self._write_down()
                while self._unread > ROOM:
                    await self._room.wait(None)
        finally:
            await _exhausted(chunks)

    async def _read_is_next(self) -> None:
        """The source is about to read from the wire, which may take long."""
        self._told = True
        await self._write_down()

    async def _write_down(self) -> None:
        try:
            await self._clock.turn()
            while self.awaited and self._arrived:  # trio runs what is ready in any order; the client goes first
                await self._clock.turn()
        finally:
            with self._harmless:
                self._observer.write()

    def _finish(self, problem: BaseException | None) -> None:
        report_end(self._observer, problem, self._classify, abandoned=self._abandoned)
        self._arrived.append(Ended(problem))
        self._news.wake()
        self._finished.set()

    def _never_began(self, problem: BaseException) -> None:
        """The task was cancelled before its first step."""
        if not self._finished.is_set():
            self._finish(problem)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._arrived:
            await self._wait()
        item = self._arrived[0]
        if not isinstance(item, Ended):
            self._arrived.popleft()
            self._unread -= len(item)
            if self._unread <= ROOM:
                self._room.wake()
            return item
        if item.problem is not None:
            problem, item.problem = item.problem, None  # the error is raised once
            raise problem
        raise StopAsyncIteration

    async def _wait(self) -> None:
        self.awaited = True
        try:
            if await self._news.wait(self._read_timeout):
                return
            await (
                self._clock.turn()
            )  # a loop that was blocked finds chunk and timeout together: the reader goes first
            if self._arrived:
                return
        finally:
            self.awaited = False
        with self._harmless:
            self._observer.end("timeout", now())
        raise TimeoutError

    async def aclose(self) -> None:
        """Close the response, read to its end or not."""
        import anyio

        with anyio.CancelScope(shield=True):
            if not self._finished.is_set():
                self._observer.abandon(now())
                self._abandoned = True
                self._scope.cancel()
                await self._finished.wait()
            await self._close()


async def _exhausted(chunks: Any) -> None:
    """Leave no generator for the event loop to finalize: trio warns of it."""
    import anyio

    if hasattr(chunks, "aclose"):
        with anyio.CancelScope(shield=True), contextlib.suppress(Exception):  # closing the response reports it
            await chunks.aclose()


def _spawn(function: Callable[[], Any], never_began: Callable[[BaseException], None]) -> object:
    """Start a task beside the client's; either may end first."""
    import sys

    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return trio.lowlevel.spawn_system_task(function, name="gemini-replay-reader")
        except RuntimeError:
            pass  # no trio run in this thread
    import asyncio

    def ended(task: asyncio.Task[None]) -> None:
        if task.cancelled():
            never_began(asyncio.CancelledError())

    task = asyncio.get_running_loop().create_task(function(), name="gemini-replay-reader")
    task.add_done_callback(ended)
    return task
