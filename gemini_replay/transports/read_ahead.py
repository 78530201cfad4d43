"""Reads a live response ahead of its consumer, so that the recorded moments are the wire's.

A reader that is driven by its consumer notes when the consumer asked, not when the bytes came: with 120 ms of work
per event against a gap of 50 ms that is off by more than a second before long. Here a thread (or a task) of its own
takes each chunk as it arrives, stamps it, and hands it on; the client gets it within some tens of microseconds.
A consumer that blocks the event loop blocks that task as well: nothing in the process could read meanwhile.

Only the reader touches the source, and it closes it when it ends. A client lets go by saying so: it waits for
nothing, and so may the garbage collector, which runs finalizers in any thread, at any moment, until the very end of
the interpreter.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from .. import clocks
from .observing import Classify, Harmless, Observer, now, tell_end

ROOM = 8 * 1024 * 1024
"""Bytes that may lie unread between the wire and the client. A reader that is so far ahead waits, as TCP's own flow
control would make the server wait; what comes then has the time at which reading went on."""

_EXIT_S = 2.0
"""How long the interpreter's end waits for readers that have been told to stop."""


class _End:
    """Stands for the end among the chunks.

    Args:
        problem: what the source raised; None where it ended well.
    """

    def __init__(self, problem: BaseException | None) -> None:
        self.problem = problem


class ReadAhead:
    """The consumer's side of a response that is being recorded.

    The client's read timeout is kept here, where the consumer waits, and not where the wire is read: it counts from
    the moment the consumer asks for more, as it does without recording.

    Args:
        source: begins to read the live response, without a time limit: gives its chunks. Only the reader calls it.
        observer: told of each.
        classify: names the end that an exception means.
        interrupt: makes a blocked read of the source return at once; None where that cannot be had, and the reader
            then stops at the next chunk. May be called in a finalizer.
        close: closes the source; called by the reader, when it ends, before the client hears of the end.
        read_timeout: the read timeout of an iteration, in seconds; None for ever.

    Attributes:
        awaited: whether the consumer is waiting for more.
    """

    def __init__(
        self,
        source: Callable[[], Iterator[bytes]],
        observer: Observer,
        *,
        classify: Classify,
        interrupt: Callable[[], None] | None,
        close: Callable[[], None],
        read_timeout: float | None = None,
    ) -> None:
        self._source = source
        self._observer = observer
        self._classify = classify
        self._interrupt = interrupt
        self._close = close
        self._read_timeout = read_timeout
        # Queues of this kind may be put to in a finalizer, also in one that runs in the middle of a put or a get.
        self._arrived: queue.SimpleQueue[bytes | _End] = queue.SimpleQueue()
        self._taken: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._interrupted: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._unread = 0  # the reader's own
        self._abandoned = False
        self._over = threading.Lock()  # never waited for: taken by who comes first, the reader's end or the client's
        self._end: _End | None = None
        self.awaited = False
        self._process: int | None = None
        self._thread = threading.Thread(target=self._run, name="gemini-replay-reader", daemon=True)

    def start(self) -> None:
        """Begin to read; until then the source is untouched.

        Raises:
            RuntimeError: there can be no more threads.
        """
        self._thread.start()
        self._process = os.getpid()

    def _run(self) -> None:
        _readers.add(self)
        last, problem = self._read()
        if not self._over.acquire(blocking=False):  # the client was first: its interrupt may be under way
            self._interrupted.get()
        tell_end(self._observer, problem, self._classify, abandoned=self._abandoned)
        try:
            self._close()
        except BaseException as trouble:  # what the client would get where it closes the response itself
            problem = problem or trouble
        if last:
            self._arrived.put(last)
        self._arrived.put(_End(problem))
        _readers.discard(self)

    def _read(self) -> tuple[bytes, BaseException | None]:
        """Hand on what comes: gives the last chunk, where it is known to be that, and what the source raised."""
        try:
            chunks = self._source()
        except BaseException as problem:
            return b"", problem
        while not self._abandoned:
            try:
                data = next(chunks)
            except StopIteration:
                break
            except BaseException as problem:
                return b"", problem
            at = now()
            last = None
            with Harmless(self._observer):
                last = self._observer.chunk(data, at)
            if last:
                return data, None
            self._arrived.put(data)
            clocks.sleep(0)  # let the client have it first
            with Harmless(self._observer):
                self._observer.write()
            self._wait_for_room(len(data))
        return b"", None

    def _wait_for_room(self, count: int) -> None:
        self._unread += count
        while not self._abandoned and (self._unread > ROOM or not self._taken.empty()):
            self._unread -= self._taken.get()

    def take(self, timeout: float | None) -> bytes | None:
        """The next chunk, None at the end.

        Args:
            timeout: seconds to wait for it; None for ever.

        Raises:
            TimeoutError: none came in time.
            BaseException: what the source raised.
        """
        if self._end is not None:
            return None
        self.awaited = True
        try:
            item = self._arrived.get(timeout=timeout)
        except queue.Empty:
            with Harmless(self._observer):
                self._observer.end("timeout", now())
            raise TimeoutError("timed out") from None
        finally:
            self.awaited = False
        if not isinstance(item, _End):
            self._taken.put(len(item))
            return item
        self._end = item
        if item.problem is not None:
            raise item.problem
        return None

    def __iter__(self) -> Iterator[bytes]:
        while (data := self.take(self._read_timeout)) is not None:
            yield data

    def close(self) -> None:
        """Let go of the response, read to its end or not. Waits for nothing, so that any finalizer may call it."""
        if self._process != os.getpid():  # it never began; or this is a fork, and the wire belongs to the parent
            return
        if not self._over.acquire(blocking=False):
            return
        try:
            self._observer.abandon(now())
            self._abandoned = True
            self._taken.put(0)
            if self._interrupt is not None:
                with contextlib.suppress(Exception):  # then the reader stops at the next chunk
                    self._interrupt()
        finally:
            self._interrupted.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the reader to end, but no longer than this."""
        if self._thread is not threading.current_thread():
            self._thread.join(max(0.0, seconds))


_readers: set[ReadAhead] = set()
"""Those that are reading now."""


def settle(seconds: float = 1.0) -> None:
    """Wait until the readers whose clients have let go have ended, at most so long.

    Called before a session ends, so that the recording has what had come of an HTTP chunk when its client let go.
    Never called in a finalizer. A reader that cannot be woken has no such rest, and is not waited for.
    """
    deadline = now() + seconds
    for reader in _readers.copy():
        if reader._abandoned and reader._interrupt is not None:
            reader.join(deadline - now())


def _stop_readers() -> None:
    """At the interpreter's end: leave no thread that reads, since it would hold its file's lock for ever."""
    for reader in _readers.copy():
        reader.close()
    deadline = now() + _EXIT_S
    for reader in _readers.copy():
        reader.join(deadline - now())


atexit.register(_stop_readers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_readers.clear)  # a child has none of its parent's threads


class AsyncReadAhead:
    """`ReadAhead` for async code, on asyncio and trio."""

    def __init__(
        self,
        source: Callable[[], AsyncIterator[bytes]],
        observer: Observer,
        *,
        classify: Classify,
        close: Callable[[], Awaitable[None]],
        read_timeout: float | None = None,
    ) -> None:
        import anyio

        self._source = source
        self._observer = observer
        self._read_timeout = read_timeout
        self._classify = classify
        self._close = close
        self._scope = anyio.CancelScope()
        self._finished = anyio.Event()
        self._arrived: deque[bytes | _End] = deque()
        self._news = anyio.Event()
        self._unread = 0
        self._room = anyio.Event()
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
            with self._scope:
                problem = await self._read()
        except BaseException as cancelled:  # from outside, which has to go on
            problem = cancelled
            raise
        finally:
            self._finish(problem)

    async def _read(self) -> Exception | None:
        """Hand on what comes; returns what the source raised."""
        import anyio.lowlevel

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
                with Harmless(self._observer):
                    self._observer.chunk(data, now())
                self._arrived.append(data)
                self._news.set()
                try:
                    await anyio.lowlevel.checkpoint()  # the client has it first
                finally:
                    with Harmless(self._observer):
                        self._observer.write()
                await self._wait_for_room(len(data))
        finally:
            await _exhausted(chunks)

    async def _wait_for_room(self, count: int) -> None:
        import anyio

        self._unread += count
        while self._unread > ROOM:
            self._room = anyio.Event()
            await self._room.wait()

    def _finish(self, problem: BaseException | None) -> None:
        tell_end(self._observer, problem, self._classify, abandoned=self._abandoned)
        self._arrived.append(_End(problem))
        self._news.set()
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
        if not isinstance(item, _End):
            self._arrived.popleft()
            self._unread -= len(item)
            if self._unread <= ROOM:
                self._room.set()
            return item
        if item.problem is not None:
            problem, item.problem = item.problem, None  # it is raised once
            raise problem
        raise StopAsyncIteration

    async def _wait(self) -> None:
        import anyio

        self._news = anyio.Event()
        self.awaited = True
        try:
            with anyio.fail_after(self._read_timeout):
                await self._news.wait()
        except TimeoutError:
            with Harmless(self._observer):
                self._observer.end("timeout", now())
            raise
        finally:
            self.awaited = False

    async def aclose(self) -> None:
        """Let go of the response, read to its end or not."""
        import anyio

        with anyio.CancelScope(shield=True):
            if not self._finished.is_set():
                self._observer.abandon(now())
                self._abandoned = True
                self._scope.cancel()
                await self._finished.wait()
            await self._close()


async def _exhausted(chunks: Any) -> None:
    """Leave no generator for the event loop to finalize, which trio warns of."""
    import anyio

    if hasattr(chunks, "aclose"):
        with anyio.CancelScope(shield=True), contextlib.suppress(Exception):  # closing the response tells
            await chunks.aclose()


def _spawn(function: Callable[[], Any], never_began: Callable[[BaseException], None]) -> object:
    """Start a task beside the consumer's, which may end before or after it."""
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
