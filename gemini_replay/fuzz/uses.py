"""Ways to use a parser besides reading one stream to its end: broken off, closed, two streams at a time."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..loops import turn
from .target import Feed, FuzzTarget, Output, collect, collect_awaiting, played

Chunks = Sequence[bytes]

_MOST = 1000  # values
_MEETING = 0.1  # seconds that one thread waits for the other; a parser may lock the others out
_THREAD = 5.0  # seconds until a thread is given up
_LOST = functools.partial(ConnectionError, "the connection is lost")


class _BrokenFeed(Feed):
    """Ends with an error, as if the connection had been lost; each time with a new one, so that none is kept."""

    def __init__(self, chunks: Chunks, out: Sequence[Any], error: Callable[[], Exception]) -> None:
        super().__init__(chunks, out)
        self._error = error

    def _next(self) -> bytes | None:
        chunk = super()._next()
        if chunk is None:
            raise played(self._error())
        return chunk


class _TurningFeed(Feed):
    """Lets other tasks run at each pull."""

    async def __anext__(self) -> bytes:
        await turn()
        return await super().__anext__()


class _MeetingFeed(Feed):
    """Waits at each pull until the other thread pulls as well, so that they take turns."""

    def __init__(self, chunks: Chunks, out: Sequence[Any], barrier: threading.Barrier) -> None:
        super().__init__(chunks, out)
        self._barrier = barrier

    def __next__(self) -> bytes:
        with contextlib.suppress(threading.BrokenBarrierError):
            self._barrier.wait(_MEETING)
        return super().__next__()


def broken_off(target: FuzzTarget, chunks: Chunks, error: Callable[[], Exception] = _LOST) -> Output:
    """Read a stream whose connection is lost after these chunks: its source raises this error."""
    output = Output()
    feed = _BrokenFeed(chunks, output.values, error)
    target.watched(output, _size(chunks), lambda: target.read(feed, output, _MOST))
    return output


def first_only(target: FuzzTarget, chunks: Chunks, *, close: bool) -> Output:
    """Take the first value of a stream, then close the stream, or leave it alone.

    An error of the output comes from closing; one before it is a bug of another kind.
    """
    output = Output()
    feed = Feed(chunks, output.values)

    def take() -> None:
        result = target.parse(feed)
        if target.is_async:
            target.event_loop().run_until_complete(_take_awaiting(result, output, close))
            return
        values = iter(result)
        with contextlib.suppress(Exception):
            output.values.extend(_first(values))
        if close and hasattr(values, "close"):
            values.close()

    target.watched(output, _size(chunks), take)
    return output


async def _take_awaiting(result: Any, output: Output, close: bool) -> None:
    if inspect.isawaitable(result):
        result = await result
    if not hasattr(result, "__aiter__"):
        return
    values = result.__aiter__()
    with contextlib.suppress(Exception):
        output.values.append(await anext(values))
    if close and hasattr(values, "aclose"):
        await values.aclose()
    result = values = None
    for _ in range(10):  # until the loop has closed what was left alone
        await turn()


def in_turns(target: FuzzTarget, streams: Sequence[Chunks]) -> list[Output]:
    """Read streams at the same time, as iterators or tasks that take turns."""
    outputs = [Output() for _ in streams]

    def results() -> list[Any]:
        both = zip(streams, outputs, strict=True)
        return [target.parse(_TurningFeed(chunks, output.values)) for chunks, output in both]

    def read() -> None:
        if target.is_async:
            target.event_loop().run_until_complete(_together(results(), outputs))
        else:
            _alternate([*map(iter, results())], outputs)

    return _all_watched(target, streams, outputs, read)


async def _together(results: Sequence[Any], outputs: Sequence[Output]) -> None:
    both = zip(results, outputs, strict=True)
    await asyncio.gather(*(collect_awaiting(result, output, _MOST) for result, output in both))


def _alternate(iterators: Sequence[Iterator[Any]], outputs: Sequence[Output]) -> None:
    """One value of each at a time."""
    waiting = list(zip(iterators, outputs, strict=True))
    while waiting:
        for one in list(waiting):
            if values := _first(one[0]):
                one[1].values += values
            else:
                waiting.remove(one)


def in_threads(target: FuzzTarget, streams: Sequence[Chunks]) -> list[Output]:
    """Read streams at the same time, each in a thread; the parser must be synchronous."""
    outputs = [Output() for _ in streams]
    barrier = threading.Barrier(len(streams))

    def read(chunks: Chunks, output: Output) -> None:
        try:
            collect(target.parse(_MeetingFeed(chunks, output.values, barrier)), output, _MOST)
        except Exception as error:  # whatever it is, it is judged
            output.error = error
        finally:
            barrier.abort()

    def start() -> None:
        threads = [
            threading.Thread(target=read, args=both, daemon=True) for both in zip(streams, outputs, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread, output in zip(threads, outputs, strict=True):
            thread.join(_THREAD)
            output.hung = thread.is_alive()

    return _all_watched(target, streams, outputs, start)


def _all_watched(
    target: FuzzTarget, streams: Sequence[Chunks], outputs: list[Output], work: Callable[[], object]
) -> list[Output]:
    """The outputs of streams that are read together; an error or a hang of the whole is one of each."""
    whole = Output()
    target.watched(whole, sum(map(_size, streams)), work)
    for output in outputs:
        output.error, output.hung = whole.error or output.error, whole.hung or output.hung
    return outputs


def _first(values: Iterator[Any]) -> list[Any]:
    for value in values:
        return [value]
    return []


def _size(chunks: Chunks) -> int:
    return sum(map(len, chunks))
