"""Whether something of one stream gets into another.

A parser may be called many times, from several tasks and threads, and its streams may be broken off at any moment.
Here a second stream is read after, beside and in the middle of others. It is judged only if the parser reads it right
by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from .budget import Share, Tally
from .cuts import hot_offsets
from .documents import block, google_array, google_elements
from .literals import list_literal
from .target import FuzzTarget, Output
from .uses import Chunks, broken_off, first_only, in_threads, in_turns
from .verdicts import describe, same

_FIRST = ({"responseId": "first é"}, {"responseId": "second \\ 你"}, {"responseId": "third"})
_SECOND = ({"responseId": "one"}, {"responseId": "two 好"}, {"responseId": "three"})
_ERROR = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}
_END = {"candidates": [{"finishReason": "STOP"}]}

_PREFIXES = 40  # how many places the first stream ends at
_TIMES = 3  # how often the same stream is read again
_POOL = 101  # one more than the connections of the usual pools, such as httpx's


@dataclass(frozen=True)
class Leak:
    """A stream that is read wrong because of another one."""

    how: str  # what came before it or ran beside it
    chunks: tuple[bytes, ...]
    expected: tuple[Any, ...]
    got: tuple[Any, ...]
    after: tuple[tuple[bytes, ...], ...] = ()  # streams that are read to their end before it, if that is all


@dataclass(frozen=True)
class Isolation:
    """What was found out: the first stream that is read wrong because of another one, if there is any."""

    leak: Leak | None
    whole: bool = True  # whether every use was tried to its end
    left_out: str = ""  # what was not tried for lack of time


class _GiveUpError(Exception):
    """A stream that is not judged does not end; each such run takes seconds, and other classes find it.

    ``last`` is that stream, if it was read to its end as any other.
    """

    def __init__(self, last: Chunks | None = None) -> None:
        super().__init__()
        self.last = last


def isolation(target: FuzzTarget, *, array: bool, until: Share | None = None) -> Isolation:
    """Read streams after, beside and in the middle of others. A use in which a stream does not end is given up.

    When the time `until` is over, no more streams are read to use something up.
    """
    uses = _Isolation(target, array, until)
    try:
        leak = next(chain(_first_once_more(target), uses.leaks()), None)
    except _GiveUpError:
        return Isolation(None, whole=False)
    return Isolation(leak, uses.whole, str(uses.tally))


def _first_once_more(target: FuzzTarget) -> Iterator[Leak]:
    """The stream that was read before all others."""
    if target.first is not None:
        chunks, first = target.first
        _must_end(first)
        if first.error is None and first.values:
            yield from _judged(target.run(chunks), chunks, first.values, "after the same stream", after=[chunks])


class _Isolation:
    def __init__(self, target: FuzzTarget, array: bool, until: Share | None) -> None:
        self.whole = True
        self.tally = Tally()
        self._until = until
        self._target = target
        self._array = array
        self._first, self._second = (self._pieces(trees) for trees in (_FIRST, _SECOND))
        halves = [half for piece in self._second for half in (piece[: len(piece) // 2], piece[len(piece) // 2 :])]
        body = b"".join(self._second)
        within = _within_a_character(body)
        # Ways to deliver the second stream: in its pieces, whole, in halves of its pieces, cut within a character.
        self._ways: list[Chunks] = [self._second, [body], halves, [body[:within], body[within:]]]

    def leaks(self) -> Iterator[Leak]:
        """What is read right by itself, and wrong because of another stream."""
        self._ways = [chunks for chunks in self._ways if self._reads(chunks, _SECOND)]
        if self._second not in self._ways or not self._reads(self._first, _FIRST):
            return
        for use in (
            *(self._after_its_end, self._twice, self._broken_off, self._closed, self._changed, self._beside),
            *(self._broken_off_many_times, self._closed_many_times),
        ):
            try:
                yield from use()
            except _GiveUpError as stall:
                self.whole = False
                yield from self._used_up(stall.last)

    def _pieces(self, trees: Sequence[Any]) -> list[bytes]:
        texts = [*google_elements(trees), "]"] if self._array else [block(tree) for tree in trees]
        return [text.encode() for text in texts]

    def _reads(self, chunks: Chunks, expected: Sequence[Any]) -> bool:
        output = self._target.run(chunks)
        _must_end(output)
        return not [*_judged(output, chunks, expected, "")]

    def _wrong(self, chunks: Chunks, how: str, after: Sequence[Chunks] = ()) -> Iterator[Leak]:
        """Read the second stream, which another one came before."""
        for leak in _judged(self._target.run(chunks), chunks, _SECOND, how, after):
            if after and not self._is_right(chunks):
                yield replace(leak, how=f"{leak.how}, and so it stays", after=leak.after * self._target.runs)
            else:
                yield leak

    def _is_right(self, chunks: Chunks) -> bool:
        """Whether the second stream, which was read right, still is."""
        return not [*_judged(self._target.run(chunks), chunks, _SECOND, "")]

    def _used_up(self, last: Chunks | None) -> Iterator[Leak]:
        """What one stream that does not end has to do with others: whether they have used up something."""
        before = [tuple(one) for one in self._target.recent][-1:] * self._target.runs
        for leak in self._wrong(self._second, f"after {self._target.runs} streams, the last of which did not end"):
            yield leak if last is None else replace(leak, after=(*before, tuple(last)))

    def _after_its_end(self) -> Iterator[Leak]:
        body, first = b"".join(self._first), self._first[0]
        raw = json.dumps(_ERROR, indent=2).encode()
        others = [b"", b"\xef", b"x", raw, raw[:10]]
        if self._array:
            others += [google_array([_FIRST[0], last]).encode() for last in (_ERROR, _END)]
        else:
            others += [first + raw, *(first + block(last).encode() for last in (_ERROR, _END))]
            others += [first + b"data: [DONE]\r\n\r\n", b"\xef\xbb\xbf" + first, first.replace(b"\r\n", b"\n")]
        for before in (*(body[:at] for at in hot_offsets(body, _PREFIXES)), *others):
            _must_end(self._target.run([before]), [before])
            yield from self._wrong(self._second, "after another stream", [[before]])

    def _twice(self) -> Iterator[Leak]:
        for chunks in self._ways:
            for _ in range(_TIMES):
                yield from self._wrong(chunks, "after the same stream", [chunks])

    def _broken_off(self) -> Iterator[Leak]:
        """By the connection."""
        body, first = b"".join(self._first), self._first[0]
        ends = (1, _within_a_character(body), len(first), len(first) + 10, len(body) - 1)
        starts = [body[:end] for end in ends]
        if not self._array:  # after a line of the second event
            starts += [first + line for line in (b"event: error\r\n", b"event: error\r\ndata: {", b"data: {\r\n")]
        for start in starts:
            before = [start[: len(start) // 2], start[len(start) // 2 :]]
            _must_end(broken_off(self._target, before))
            how = f"after a stream of {list_literal(before)}, which then raised a ConnectionError"
            yield from self._wrong(self._second, how)

    def _closed(self) -> Iterator[Leak]:
        """By the consumer, who closes it or forgets it."""
        body, size = b"".join(self._first), len(self._first[0])
        within = ([body[: size + more], body[size + more :]] for more in (10, 22))
        for before in (self._first, [body], *within):
            for close in (True, False):
                output = first_only(self._target, before, close=close)
                _must_end(output)
                if output.error is not None and close:
                    how = f"closing it after its first event: {describe(output.error)}"
                    yield Leak(how, tuple(before), (_FIRST[0],), tuple(output.values))
                way = "closed" if close else "left alone"
                how = f"after a stream of {list_literal(before)}, which was {way} after its first event"
                yield from self._wrong(self._second, how)

    def _broken_off_many_times(self) -> Iterator[Leak]:
        before = self._first[:1]
        what = f"of {list_literal(before)}, which then raised a ConnectionError"
        yield from self._many_times(lambda: broken_off(self._target, before), what)

    def _closed_many_times(self) -> Iterator[Leak]:
        what = f"of {list_literal(self._first)}, which were closed after their first event"
        yield from self._many_times(lambda: first_only(self._target, self._first, close=True), what)

    def _many_times(self, use: Callable[[], Output], what: str) -> Iterator[Leak]:
        """Until a pool would be used up."""
        for nth in range(_POOL):
            over = self._until is not None and self._until.is_over()
            self.tally.count("streams to use something up", left_out=over)
            if over:
                continue
            _must_end(use())
            if nth + 1 == _POOL:
                yield from self._wrong(self._second, f"after {_POOL} streams {what}")

    def _changed(self) -> Iterator[Leak]:
        """By the consumer, who empties each event."""
        for chunks in self._ways:
            for value in self._target.run(chunks).values:
                if isinstance(value, dict | list):
                    value.clear()
            yield from self._wrong(
                chunks, "after the same stream, whose consumer emptied each event: both yield one object"
            )

    def _beside(self) -> Iterator[Leak]:
        """Two streams at a time: as two iterators, two tasks or two threads."""
        if not self._target.is_here:
            return
        uses = [(in_turns, "in turns")]
        if not self._target.is_async:  # its event loop is that of one thread
            uses.append((in_threads, "in another thread"))
        for second in self._ways:
            for use, name in uses:
                outputs = use(self._target, (self._first, second))
                for output, chunks, expected, other in (
                    (outputs[1], second, _SECOND, self._first),
                    (outputs[0], self._first, _FIRST, second),
                ):
                    how = f"while another stream was read {name}: {list_literal(other)}"
                    yield from _judged(output, chunks, expected, how)


def _within_a_character(body: bytes) -> int:
    """An offset within the first character that has several bytes."""
    return next(at for at, byte in enumerate(body) if byte >= 0x80) + 1


def _must_end(output: Output, last: Chunks | None = None) -> None:
    if output.hung:
        raise _GiveUpError(last)


def _judged(
    output: Output, chunks: Chunks, expected: Sequence[Any], how: str, after: Sequence[Chunks] = ()
) -> Iterator[Leak]:
    """What is wrong with a stream, if anything is."""
    if output.error is None and not output.hung and same(output.values, expected):
        return
    if output.hung:
        how += "; it had to be stopped"
    if output.error is not None:
        how += f"; {describe(output.error)}"
    yield Leak(how, tuple(chunks), tuple(expected), tuple(output.values), tuple(map(tuple, after)))
