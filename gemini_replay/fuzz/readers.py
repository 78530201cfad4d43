"""Drives parsers that are fed, among them the readers of text and of lines that adapters put before a parser."""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Protocol

_LINE_END = re.compile(rb"\r\n|\r|\n")
_ENDS = ("flush", "close")


class PushParser(Protocol):
    """A parser that is fed; ``flush`` and ``close``, if it has them, return the last events."""

    def feed(self, data: bytes, /) -> Iterable[Any] | None:
        """Take the next bytes; return the events that they complete, or None."""


def driven(
    make: Callable[[], PushParser], chunks: Iterable[bytes] | AsyncIterable[bytes]
) -> Iterator[Any] | AsyncIterator[Any]:
    """The events of a new parser that is fed with chunks, each as soon as it is complete."""
    return _driven_sync(make(), chunks) if isinstance(chunks, Iterable) else _driven_async(make(), chunks)


def _driven_sync(parser: PushParser, chunks: Iterable[bytes]) -> Iterator[Any]:
    for chunk in chunks:
        yield from parser.feed(chunk) or ()
    yield from _last(parser)


async def _driven_async(parser: PushParser, chunks: AsyncIterable[bytes]) -> AsyncIterator[Any]:
    async for chunk in chunks:
        for event in parser.feed(chunk) or ():
            yield event
    for event in _last(parser):
        yield event


def _last(parser: PushParser) -> Iterator[Any]:
    for name in _ENDS:
        end = getattr(parser, name, None)
        if callable(end):
            yield from end() or ()


class Text:
    """From bytes to text, across chunk boundaries."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes, /, final: bool = False) -> list[str]:
        """See `PushParser`."""
        text = self._decoder.decode(data, final)
        return [text] if text else []

    def close(self) -> list[str]:
        """The rest."""
        return self.feed(b"", final=True)


class Lines:
    """From bytes to lines without their ends, as text or as bytes."""

    def __init__(self, *, decode: bool = True) -> None:
        self._decode = decode
        self._begun: list[bytes] = []  # the pieces of an unfinished line
        self._after_cr = False

    def feed(self, data: bytes, /) -> list[Any]:
        """See `PushParser`."""
        if not data:
            return []
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]  # the second half of a CRLF
        self._after_cr = data.endswith(b"\r")
        first, *others = _LINE_END.split(data)
        self._begun.append(first)
        if not others:
            return []
        whole = [b"".join(self._begun), *others[:-1]]
        self._begun = [others[-1]]
        return [self._line(line) for line in whole]

    def close(self) -> list[Any]:
        """The last line, if no line end came after it."""
        rest = b"".join(self._begun)
        return [self._line(rest)] if rest else []

    def _line(self, line: bytes) -> Any:
        return line.decode("utf-8", "replace") if self._decode else line
