"""Reads a live response ahead of its client, so that the recorded times are the wire's.

A reader that reads only when the client asks would record when the client asked, not when the bytes came. If a client
works for 120 ms on each event of a stream with gaps of 50 ms, such times would soon be a second late. So a thread of
its own (in `async_read_ahead`, a task) takes each chunk as it arrives, notes the time, and passes it on.

Only the reader touches the source, and closes it at the end. Closing from the client's side never waits, since the
garbage collector may do it in a finalizer: in any thread, at any moment, until the interpreter has ended.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterator

from ..threads import OwnThread
from .observing import BeforeReads, Classify, Harmless, Observer, now, report_end

ROOM = 8 * 1024 * 1024
"""The most unread bytes between the wire and the client. A reader that is this far ahead waits, as TCP's flow control
would make the server wait; later chunks have the time at which reading went on."""

_HANDING_OVER_S = 0.005
"""How many seconds the reader waits until a waiting client has taken a chunk, which it has unless it was interrupted.

A client whose timeout is over waits as long for a reader that has a chunk but could not run yet."""

_EXIT_S = 2.0
"""How many seconds the interpreter's end waits for readers that have been told to stop."""


class Ended:
    """Marks the end in the queue of chunks.

    Args:
        problem: the error that the source raised, or None.
    """

    def __init__(self, problem: BaseException | None) -> None:
        self.problem = problem


class ReadAhead:
    """The client's side of a response that is being recorded.

    The client's read timeout is kept here, where the client waits, and not where the wire is read: it counts from the
    moment the client asks for more, as it does without recording.

    Args:
        source: begins to read the live response without a time limit, and yields its chunks. Called by the reader.
        observer: is told of each.
        classify: names the ending that an exception means.
        interrupt: makes a blocked read of the source return at once; if None, the reader stops at the next chunk. May
            be called in a finalizer.
        close: closes the source. The reader calls it when it ends, before the client sees the end.
        before_reads: announces each read of the wire. Then chunks that one read has brought are written together;
            without it, each is written by itself.
        read_timeout: the read timeout of an iteration, in seconds; None for ever.

    Attributes:
        awaited: whether the client is waiting for more.
    """

    def __init__(
        self,
        source: Callable[[], Iterator[bytes]],
        observer: Observer,
        *,
        classify: Classify,
        interrupt: Callable[[], None] | None,
        close: Callable[[], None],
        before_reads: BeforeReads = contextlib.nullcontext,
        read_timeout: float | None = None,
    ) -> None:
        self._source = source
        self._observer = observer
        self._harmless = Harmless(observer)
        self._classify = classify
        self._interrupt = interrupt
        self._close = close
        self._before_reads = before_reads
        self._told = False  # the error of any read
        self._first = True  # for the chunks of one read
        self._handing_over = False  # for a chunk that the client waited for
        self._read_timeout = read_timeout
        # A finalizer may put into this kind of queue, even one that runs in the middle of a put or a get.
        self._arrived: queue.SimpleQueue[bytes | Ended] = queue.SimpleQueue()
        self._taken: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._interrupted: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._unread = 0  # the reader's own
        self._abandoned = False
        self._over = threading.Lock()  # taken without waiting by whichever ends first, the reader or the client
        self._end: Ended | None = None
        self.awaited = False
        self._process: int | None = None
        self._thread = OwnThread(self._run, "gemini-replay-reader")

    def start(self) -> None:
        """Begin to read; until then the source is untouched.

        Raises:
            RuntimeError: there can be no more threads.
        """
        self._thread.start()
        self._process = os.getpid()

    def _run(self) -> None:
        _readers.add(self)
        with self._before_reads(self._read_is_next):
            last, problem = self._read()
        if not self._over.acquire(blocking=False):  # the client ended first: its interrupt may be under way
            self._interrupted.get()
        report_end(self._observer, problem, self._classify, abandoned=self._abandoned)
        try:
            self._close()
        except BaseException as trouble:  # the error that the client would get if it closed the response itself
            problem = problem or trouble
        if last:
            self._arrived.put(last)
        self._arrived.put(Ended(problem))
        _readers.discard(self)

    def _read(self) -> tuple[bytes, BaseException | None]:
        """Pass chunks on. Returns the last chunk, if it is known to be the last, and the source's error, if any."""
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
            with self._harmless:
                last = self._observer.chunk(data, at)
            if last:
                return data, None
            while not self._taken.empty():
                self._unread -= self._taken.get()
            self._unread += len(data)
            self._handing_over = self.awaited
            self._arrived.put(data)
            if self._first or not self._told:
                self._hand_over()
                self._first = False
            if not self._told or self._unread > ROOM:
                self._write_down()
            while not self._abandoned and self._unread > ROOM:
                self._unread -= self._taken.get()
        return b"", None

    def _hand_over(self) -> None:
        """Let a waiting client have the chunk before doing anything else."""
        if self._handing_over:
            self._handing_over = False
            with contextlib.suppress(queue.Empty):
                self._unread -= self._taken.get(timeout=_HANDING_OVER_S)

    def _write_down(self) -> None:
        self._hand_over()
        with self._harmless:
            self._observer.write()

    def _read_is_next(self) -> None:
        """The source is about to read from the wire, which may take long. It calls this in the reader's thread."""
        self._told = self._first = True
        self._write_down()

    def take(self, timeout: float | None) -> bytes | None:
        """The next chunk, or None at the end.

        Args:
            timeout: seconds to wait for it; None for ever.

        Raises:
            TimeoutError: none came in time.
            BaseException: the error that the source raised.
        """
        if self._end is not None:
            return None
        self.awaited = True
        try:
            item = self._next(timeout)
        except queue.Empty:
            with self._harmless:
                self._observer.end("timeout", now())
            raise TimeoutError("timed out") from None
        finally:
            self.awaited = False
        if not isinstance(item, Ended):
            self._taken.put(len(item))
            return item
        self._end = item
        if item.problem is not None:
            raise item.problem
        return None

    def _next(self, timeout: float | None) -> bytes | Ended:
        try:
            return self._arrived.get(timeout=timeout)
        except queue.Empty:  # another thread may have kept the interpreter until the timeout was over
            return self._arrived.get(timeout=_HANDING_OVER_S)

    def __iter__(self) -> Iterator[bytes]:
        while (data := self.take(self._read_timeout)) is not None:
            yield data

    def close(self) -> None:
        """Close the response, read to its end or not. This never waits, so any finalizer may call it."""
        if self._process != os.getpid():  # it never began, or this is a fork and the wire belongs to the parent
            return
        if not self._over.acquire(blocking=False):
            return
        try:
            self._observer.abandon(now())
            self._abandoned = True
            self._taken.put(0)
            if self._interrupt is not None:
                with contextlib.suppress(Exception):  # the reader then stops at the next chunk
                    self._interrupt()
        finally:
            self._interrupted.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the reader to end, for at most this many seconds."""
        if self._thread is not threading.current_thread():
            self._thread.join(max(0.0, seconds))


_readers: set[ReadAhead] = set()
"""The readers that are reading now."""


def join_abandoned(seconds: float = 1.0) -> None:
    """Wait until readers whose clients have closed their responses have ended, for at most this many seconds.

    This is called before a session ends, so that the recording has the part of an HTTP chunk that had come when the
    client closed the response. It is never called in a finalizer. A reader that cannot be interrupted has no such
    part, so this does not wait for it.
    """
    deadline = now() + seconds
    for reader in _readers.copy():
        if reader._abandoned and reader._interrupt is not None:
            reader.join(deadline - now())


def _stop_readers() -> None:
    """At the interpreter's end, stop all reading threads, which would hold their files' locks for ever."""
    for reader in _readers.copy():
        reader.close()
    deadline = now() + _EXIT_S
    for reader in _readers.copy():
        reader.join(deadline - now())


atexit.register(_stop_readers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_readers.clear)  # a child has none of its parent's threads
