"""Whether something of one stream gets into another.

A parser may be called many times, from several tasks and threads, and its streams may be broken off at any moment.
Here a second stream is read after, beside and in the middle of others. It is judged only if the parser reads it right
by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .cuts import hot_offsets
from .documents import block, google_array, google_elements
from .literals import list_literal
from .target import Feed, FuzzTarget, Output, collect, collect_awaiting
from .verdicts import describe, same

_FIRST = ({"responseId": "first é"}, {"responseId": "second \\ 你"}, {"responseId": "third"})
_SECOND = ({"responseId": "one"}, {"responseId": "two 好"}, {"responseId": "three"})
_ERROR = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}
_END = {"candidates": [{"finishReason": "STOP"}]}

_PREFIXES = 40  # how many places the first stream ends at
_MEETING = 0.1  # seconds that one thread waits for the other; a parser may lock the others out
_THREAD = 5.0  # seconds until a thread is given up

Chunks = Sequence[bytes]


@dataclass(frozen=True)
class Leak:
    """A stream that is read wrong because of another one."""

    how: str  # what came before it or ran beside it
    chunks: tuple[bytes, ...]
    expected: tuple[Any, ...]
    got: tuple[Any, ...]
    after: tuple[tuple[bytes, ...], ...] = ()  # streams that are read to their end before it, if that is all


class _GiveUpError(Exception):
    """A stream that is not judged does not end; each such run takes seconds, and other classes find it."""


class _BrokenError(ConnectionError):
    """Raised by a feed, as if the connection had been lost."""


class _BrokenFeed(Feed):
    """Ends with an error."""

    def _next(self) -> bytes | None:
        chunk = super()._next()
        if chunk is None:
            raise _BrokenError("the connection was lost")
        return chunk


class _MeetingFeed(Feed):
    """Waits at each pull until the other thread pulls as well, so that they take turns."""

    def __init__(self, chunks: Chunks, out: Sequence[Any], barrier: threading.Barrier) -> None:
        super().__init__(chunks, out)
        self._barrier = barrier

    def __next__(self) -> bytes:
        with contextlib.suppress(threading.BrokenBarrierError):
            self._barrier.wait(_MEETING)
        return super().__next__()


def isolation(target: FuzzTarget, *, array: bool) -> Leak | None:
    """The first stream that is read wrong because of another one, if there is any."""
    return _after_the_first(target) or _Isolation(target, array).leak()


def _after_the_first(target: FuzzTarget) -> Leak | None:
    """The stream that was read before all others, once more."""
    if target.first is None:
        return None
    chunks, first = target.first
    again = target.run(chunks)
    if first.error is not None or first.hung or not first.values:
        return None
    return _judged(again, chunks, "after the same stream", first.values, after=[chunks])


class _Isolation:
    def __init__(self, target: FuzzTarget, array: bool) -> None:
        self._target = target
        self._array = array
        self._is_async = False
        self._first, self._second = (self._pieces(trees) for trees in (_FIRST, _SECOND))
        halves = [half for piece in self._second for half in (piece[: len(piece) // 2], piece[len(piece) // 2 :])]
        self._ways = [self._second, [b"".join(self._second)], halves]  # to deliver the second stream

    def leak(self) -> Leak | None:
        """What is read right by itself, and wrong because of another stream."""
        self._ways = [chunks for chunks in self._ways if not self._wrong(chunks, "")]
        if self._second not in self._ways or self._wrong(self._first, "", _FIRST):
            return None
        uses = (self._after_its_end, self._twice, self._broken_off, self._closed, self._changed, self._beside)
        with contextlib.suppress(_GiveUpError):
            return next((found for use in uses if (found := use())), None)
        return None

    def _not_judged(self, output: Output) -> None:
        if output.hung:
            raise _GiveUpError

    def _pieces(self, trees: Sequence[Any]) -> list[bytes]:
        texts = [*google_elements(trees), "]"] if self._array else [block(tree) for tree in trees]
        return [text.encode() for text in texts]

    def _wrong(
        self, chunks: Chunks, how: str, expected: Sequence[Any] = _SECOND, after: Sequence[Chunks] = ()
    ) -> Leak | None:
        return _judged(self._target.run(chunks), chunks, how, expected, after)

    def _after_its_end(self) -> Leak | None:
        body = b"".join(self._first)
        raw = json.dumps(_ERROR, indent=2).encode()
        others: list[Any] = [google_array([_FIRST[0], last]).encode() for last in (_ERROR, _END)]
        if not self._array:
            first = self._first[0]
            others = [first + raw, *(first + block(last).encode() for last in (_ERROR, _END))]
            others += [first + b"data: [DONE]\r\n\r\n", b"\xef\xbb\xbf" + first, first.replace(b"\r\n", b"\n")]
        ends = hot_offsets(body, _PREFIXES)
        for before in (*(body[:at] for at in ends), b"", b"\xef", b"x", raw, raw[:10], *others):
            self._not_judged(self._target.run([before]))
            if found := self._wrong(self._second, "after another stream", after=[[before]]):
                return found
        return None

    def _twice(self) -> Leak | None:
        for chunks in self._ways:
            for _ in range(3):
                if found := self._wrong(chunks, "after the same stream", after=[chunks]):
                    return found
        return None

    def _broken_off(self) -> Leak | None:
        """By the connection."""
        body = b"".join(self._first)
        for end in (1, len(self._first[0]), len(self._first[0]) + 10, len(body) - 1):
            before = [body[: end // 2], body[end // 2 : end]]
            output = Output()
            feed = _BrokenFeed(before, output.values)
            self._target.watched(output, end, lambda: self._collect(feed, output))  # noqa: B023  # runs at once
            self._not_judged(output)
            how = f"after a stream of {list_literal(before)}, which then raised a ConnectionError"
            if found := self._wrong(self._second, how):
                return found
        return None

    def _closed(self) -> Leak | None:
        """By the consumer, who closes it or forgets it."""
        body, size = b"".join(self._first), len(self._first[0])
        for before in (
            self._first,
            [body],
            [body[: size + 10], body[size + 10 :]],
            [body[: size + 22], body[size + 22 :]],
        ):
            for close in (True, False):
                output = Output()
                feed = Feed(before, output.values)
                self._target.watched(output, len(body), lambda: self._take_one(feed, output, close))  # noqa: B023
                self._not_judged(output)
                way = "closed" if close else "left alone"
                how = f"after a stream of {list_literal(before)}, which was {way} after its first event"
                if output.error is not None and close:
                    said = f"closing it after its first event: {describe(output.error)}"
                    return Leak(said, tuple(before), (_FIRST[0],), tuple(output.values))
                if found := self._wrong(self._second, how):
                    return found
        return None

    def _changed(self) -> Leak | None:
        """By the consumer, who empties each event."""
        for chunks in self._ways:
            output = self._target.run(chunks)
            for value in output.values:
                if isinstance(value, dict | list):
                    value.clear()
            if found := self._wrong(chunks, "after the same stream, whose consumer emptied each event"):
                return found
        return None

    def _beside(self) -> Leak | None:
        """Two streams at a time: as two iterators, two tasks or two threads."""
        if not self._target.is_here:
            return None
        for first, second in ((self._first, way) for way in self._ways):
            size = len(b"".join([*first, *second]))
            for way, name in ((self._in_turns, "in turns"), (self._in_threads, "in another thread")):
                outputs = [Output(), Output()]
                whole = Output()
                self._target.watched(whole, size, lambda: way((first, second), outputs))  # noqa: B023
                if whole.error is not None or whole.hung:
                    outputs[1].error, outputs[1].hung = whole.error, whole.hung
                for output, chunks, expected, other in (
                    (outputs[1], second, _SECOND, first),
                    (outputs[0], first, _FIRST, second),
                ):
                    how = f"while another stream was read {name}: {list_literal(other)}"
                    if found := _judged(output, chunks, how, expected):
                        return found
        return None

    def _in_turns(self, streams: Sequence[Chunks], outputs: Sequence[Output]) -> None:
        results = [
            self._target.parse(Feed(chunks, output.values, patient=patient))
            for chunks, output, patient in zip(streams, outputs, (True, False), strict=True)
        ]
        self._is_async = any(_is_async(result) for result in results)
        if not self._is_async:
            for result, output in _in_turns(results, outputs):
                output.values.append(result)
            return

        async def together() -> None:
            both = zip(results, outputs, strict=True)
            await asyncio.gather(*(collect_awaiting(result, output, 1000) for result, output in both))

        self._target.event_loop().run_until_complete(together())

    def _in_threads(self, streams: Sequence[Chunks], outputs: Sequence[Output]) -> None:
        if self._is_async:  # its event loop is that of one thread
            self._in_turns(streams, outputs)
            return
        barrier = threading.Barrier(2)

        def read(chunks: Chunks, output: Output) -> None:
            try:
                result = self._target.parse(_MeetingFeed(chunks, output.values, barrier))
                collect(result, output, 1000)
            except Exception as error:  # whatever it is, it is judged
                output.error = error
            finally:
                barrier.abort()

        threads = [
            threading.Thread(target=read, args=both, daemon=True) for both in zip(streams, outputs, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread, output in zip(threads, outputs, strict=True):
            thread.join(_THREAD)
            output.hung = thread.is_alive()

    def _collect(self, feed: Feed, output: Output) -> None:
        result = self._target.parse(feed)
        if _is_async(result):
            self._target.event_loop().run_until_complete(collect_awaiting(result, output, 1000))
        else:
            collect(result, output, 1000)

    def _take_one(self, feed: Feed, output: Output, close: bool) -> None:
        result = self._target.parse(feed)
        if not _is_async(result):
            values = iter(result)
            with contextlib.suppress(Exception):  # that is a bug of another kind
                output.values.extend(_first(values))
            if close and hasattr(values, "close"):
                values.close()
            return
        loop = self._target.event_loop()

        async def take() -> None:
            nonlocal result
            if inspect.isawaitable(result):
                result = await result
            if hasattr(result, "__aiter__"):
                values = result.__aiter__()
                with contextlib.suppress(Exception):
                    output.values.append(await anext(values))
                if close and hasattr(values, "aclose"):
                    await values.aclose()
                result = values = None
                for _ in range(10):  # until the loop has closed what was left alone
                    await asyncio.sleep(0)

        loop.run_until_complete(take())


def _judged(
    output: Output, chunks: Chunks, how: str, expected: Sequence[Any], after: Sequence[Chunks] = ()
) -> Leak | None:
    if output.error is None and not output.hung and same(output.values, expected):
        return None
    if output.hung:
        how += "; it had to be stopped"
    if output.error is not None:
        how += f"; {describe(output.error)}"
    return Leak(how, tuple(chunks), tuple(expected), tuple(output.values), tuple(map(tuple, after)))


def _is_async(result: Any) -> bool:
    return hasattr(result, "__aiter__") or inspect.isawaitable(result)


def _first(values: Iterator[Any]) -> list[Any]:
    for value in values:
        return [value]
    return []


def _in_turns(results: Sequence[Any], outputs: Sequence[Output]) -> Iterator[tuple[Any, Output]]:
    """The values of several iterators, one of each at a time."""
    waiting: list[tuple[Iterator[Any], Output]] = [
        (iter(result), output) for result, output in zip(results, outputs, strict=True)
    ]
    while waiting:
        for one in list(waiting):
            found = _first(one[0])
            if found:
                yield found[0], one[1]
            else:
                waiting.remove(one)
