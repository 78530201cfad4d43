"""Reads a live response ahead of its consumer, so that the recorded moments are the wire's.

A reader that is driven by its consumer notes when the consumer asked, not when the bytes came: with 120 ms of work
per event against a gap of 50 ms that is off by more than a second before long. Here a thread (or a task) of its own
takes each chunk as it arrives, stamps it, and hands it on; the client gets it within some tens of microseconds.
A consumer that blocks the event loop blocks that task as well: nothing in the process could read meanwhile.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Literal

from ..cassette.model import EndKind
from ..engine.recorder import Recorder

Classify = Callable[[BaseException], tuple[EndKind, Literal["closed"] | None]]
"""How an exception of the client library ends a response."""

now = time.perf_counter


class ReadAhead:
    """The consumer's side of a response that is being recorded.

    Args:
        source: yields the chunks of the live response.
        recorder: told of each.
        classify: names the end that an exception means.
        wake: makes a blocked read of the source return at once; None where that cannot be had, and the reader
            then stops at the next chunk.
        close: closes the source; called when nobody reads it any more.
    """

    def __init__(
        self,
        source: Iterator[bytes],
        recorder: Recorder,
        *,
        classify: Classify,
        wake: Callable[[], None] | None,
        close: Callable[[], None],
    ) -> None:
        self._source = source
        self._recorder = recorder
        self._classify = classify
        self._wake = wake
        self._close = close
        self._arrived: queue.SimpleQueue[bytes | BaseException | None] = queue.SimpleQueue()
        self._abandoned = False
        self._finished = threading.Event()
        threading.Thread(target=self._read, name="gemini-replay-reader", daemon=True).start()

    def _read(self) -> None:
        try:
            for data in self._source:
                self._recorder.chunk(data, now())
                self._arrived.put(data)
                if self._abandoned:
                    break
            self._recorder.end("eof", now())
            self._arrived.put(None)
        except BaseException as problem:
            kind, how = self._classify(problem)
            self._recorder.end(kind, now(), how=how)
            self._arrived.put(problem)
        finally:
            self._finished.set()
            if self._abandoned and self._wake is None:
                self._close()

    def __iter__(self) -> Iterator[bytes]:
        while (item := self._arrived.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Let go of the response, read to its end or not."""
        if not self._finished.is_set():
            self._recorder.end("cancelled", now())
            self._abandoned = True
            if self._wake is None:
                return
            self._wake()
            self._finished.wait(timeout=5)
        self._close()


class AsyncReadAhead:
    """`ReadAhead` for async code, on asyncio and trio."""

    def __init__(
        self,
        source: AsyncIterator[bytes],
        recorder: Recorder,
        *,
        classify: Classify,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        import anyio

        self._source = source
        self._recorder = recorder
        self._classify = classify
        self._close = close
        self._scope = anyio.CancelScope()
        self._finished = anyio.Event()
        self._arrived: deque[bytes | BaseException | None] = deque()
        self._news = anyio.Event()
        self._task = _spawn(self._read)

    async def _read(self) -> None:
        problem: BaseException | None = None
        try:
            with self._scope:
                try:
                    async for data in self._source:
                        self._recorder.chunk(data, now())
                        self._hand_on(data)
                    self._recorder.end("eof", now())
                except BaseException as broke:
                    kind, how = self._classify(broke)
                    self._recorder.end(kind, now(), how=how)
                    problem = broke
                    if not isinstance(broke, Exception):
                        raise  # a cancellation belongs to its scope
        finally:
            self._hand_on(problem)
            self._finished.set()

    def _hand_on(self, item: bytes | BaseException | None) -> None:
        self._arrived.append(item)
        self._news.set()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._arrived:
            self._news = type(self._news)()
            await self._news.wait()
        item = self._arrived.popleft()
        if item is None:
            raise StopAsyncIteration
        if isinstance(item, BaseException):
            raise item
        return item

    async def aclose(self) -> None:
        """Let go of the response, read to its end or not."""
        import anyio

        with anyio.CancelScope(shield=True):
            if not self._finished.is_set():
                self._recorder.end("cancelled", now())
                self._scope.cancel()
                await self._finished.wait()
            await self._close()


def _spawn(function: Callable[[], Awaitable[None]]) -> object:
    """Start a task beside the consumer's, which may end before or after it."""
    import sys

    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return trio.lowlevel.spawn_system_task(function, name="gemini-replay-reader")
        except RuntimeError:
            pass  # no trio run in this thread
    import asyncio

    return asyncio.get_running_loop().create_task(
        function(),  # type: ignore[arg-type]
        name="gemini-replay-reader",
    )
