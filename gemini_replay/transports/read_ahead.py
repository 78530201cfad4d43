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
from typing import Literal, Protocol

from ..cassette.model import EndKind

Classify = Callable[[BaseException], tuple[EndKind, Literal["closed"] | None]]
"""How an exception of the client library ends a response."""

now = time.perf_counter


class Observer(Protocol):
    """What is told of each chunk and of the end; a `Recorder`, mostly."""

    def chunk(self, data: bytes, at: float) -> None:
        """A chunk has arrived."""

    def end(self, kind: EndKind, at: float, *, how: Literal["closed"] | None = None) -> None:
        """The response is over; only the first end counts."""


class ReadAhead:
    """The consumer's side of a response that is being recorded.

    The client's read timeout is kept here, where the consumer waits, and not where the wire is read: it counts from
    the moment the consumer asks for more, as it does without recording.

    Args:
        source: yields the chunks of the live response, without a time limit.
        observer: told of each.
        classify: names the end that an exception means.
        wake: makes a blocked read of the source return at once; None where that cannot be had, and the reader
            then stops at the next chunk.
        close: closes the source; called when nobody reads it any more.
        patience: the read timeout of an iteration, in seconds; None for ever.
    """

    def __init__(
        self,
        source: Iterator[bytes],
        observer: Observer,
        *,
        classify: Classify,
        wake: Callable[[], None] | None,
        close: Callable[[], None],
        patience: float | None = None,
    ) -> None:
        self._source = source
        self._observer = observer
        self._classify = classify
        self._wake = wake
        self._close = close
        self._patience = patience
        self._arrived: queue.SimpleQueue[bytes | BaseException | None] = queue.SimpleQueue()
        self._abandoned = False
        self._finished = threading.Event()
        self._taken = False
        self._thread = threading.Thread(target=self._read, name="gemini-replay-reader", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        last: BaseException | None = None
        try:
            for data in self._source:
                self._observer.chunk(data, now())
                self._arrived.put(data)
                if self._abandoned:
                    break
            self._observer.end("eof", now())
        except BaseException as problem:
            last = problem
            kind, how = self._classify(problem)
            self._observer.end(kind, now(), how=how)
        self._finished.set()  # before the consumer hears of it, who may close at once
        self._arrived.put(last)
        if self._abandoned and self._wake is None:
            self._close()

    def take(self, timeout: float | None) -> bytes | None:
        """The next chunk, None at the end.

        Args:
            timeout: seconds to wait for it; None for ever.

        Raises:
            TimeoutError: none came in time.
            BaseException: what the source raised.
        """
        if self._taken:
            return None
        try:
            item = self._arrived.get(timeout=timeout)
        except queue.Empty:
            self._observer.end("timeout", now())
            raise TimeoutError("timed out") from None
        if isinstance(item, bytes):
            return item
        self._taken = True
        if item is None:
            return None
        raise item

    def __iter__(self) -> Iterator[bytes]:
        while (data := self.take(self._patience)) is not None:
            yield data

    def close(self) -> None:
        """Let go of the response, read to its end or not."""
        if not self._finished.is_set():
            self._observer.end("cancelled", now())
            self._abandoned = True
            if self._wake is None:
                return
            self._wake()
            if threading.current_thread() is not self._thread:  # the collector may call from anywhere
                self._finished.wait(timeout=5)
        self._close()


class AsyncReadAhead:
    """`ReadAhead` for async code, on asyncio and trio."""

    def __init__(
        self,
        source: AsyncIterator[bytes],
        observer: Observer,
        *,
        classify: Classify,
        close: Callable[[], Awaitable[None]],
        patience: float | None = None,
    ) -> None:
        import anyio

        self._source = source
        self._observer = observer
        self._patience = patience
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
                        self._observer.chunk(data, now())
                        self._hand_on(data)
                    self._observer.end("eof", now())
                except BaseException as broke:
                    kind, how = self._classify(broke)
                    self._observer.end(kind, now(), how=how)
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
        if not self._arrived:
            await self._wait()
        item = self._arrived.popleft()
        if item is None:
            raise StopAsyncIteration
        if isinstance(item, BaseException):
            raise item
        return item

    async def _wait(self) -> None:
        import anyio

        self._news = anyio.Event()
        try:
            with anyio.fail_after(self._patience):
                await self._news.wait()
        except TimeoutError:
            self._observer.end("timeout", now())
            raise

    async def aclose(self) -> None:
        """Let go of the response, read to its end or not."""
        import anyio

        with anyio.CancelScope(shield=True):
            if not self._finished.is_set():
                self._observer.end("cancelled", now())
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
