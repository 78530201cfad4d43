"""Makes `parse(chunks)` of parsers of other shapes: those that take text, lines or a response, or that are fed.

Each adapter takes the user's callable and returns one that takes byte chunks; it is async if the callable is. The
chunks pass through the library's own code, as they would live, and no chunk is asked for before it is read.
"""

from __future__ import annotations

import codecs
import functools
import inspect
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Protocol

from ..arguments import require, require_callable
from . import responses

Chunks = Iterable[bytes] | AsyncIterable[bytes]
Parse = Callable[[Any], Any]

_SSE = "text/event-stream"
_LINE_END = re.compile(rb"\r\n|\r|\n")


class PushParser(Protocol):
    """What `push` drives: ``feed`` takes bytes and returns events or None; an optional ``close`` returns the last."""

    def feed(self, data: bytes, /) -> Iterable[Any] | None:
        """Take the next bytes."""


def text(parse: Parse) -> Parse:
    """For a parser of text chunks: `parse(Iterable[str])`.

    UTF-8 is decoded across chunk boundaries, invalid bytes as U+FFFD. A chunk that completes no character yields
    nothing.
    """
    return _adapted("text", parse, functools.partial(_driven, _Text))


def lines(parse: Parse) -> Parse:
    """For a parser of text lines without their ends: `parse(Iterable[str])`.

    Lines end only at LF, CR or CRLF, as in SSE. To test the lines of a library, use the adapter of its response.
    """
    return _adapted("lines", parse, functools.partial(_driven, _Lines))


def push(make: Callable[[], PushParser]) -> Parse:
    """For a parser that is fed: `make()` returns a new one with ``feed(bytes)`` and optionally ``close()``."""
    require_callable("make", make, "a function that returns a new parser, with a method feed")

    @functools.wraps(make)
    def parse(chunks: Chunks) -> Any:
        return _driven(make, chunks)

    return _named("push", parse)


def httpx_response(parse: Parse, *, content_type: str = _SSE) -> Parse:
    """For a function of an `httpx.Response` that streams: `parse(response)`.

    The response is as in ``client.stream(…)``: status 200 and not read yet, for ``iter_lines`` and the like, or for
    ``aiter_lines`` if `parse` is async.
    """
    return _adapted("httpx_response", parse, responses.of_httpx("httpx", content_type), content_type)


def httpx2_response(parse: Parse, *, content_type: str = _SSE) -> Parse:
    """The same as `httpx_response`, for httpx2."""
    return _adapted("httpx2_response", parse, responses.of_httpx("httpx2", content_type), content_type)


def requests_response(parse: Parse, *, content_type: str = _SSE) -> Parse:
    """For a function of a `requests.Response`, as of ``requests.post(…, stream=True)``: `parse(response)`.

    The chunks are HTTP chunks, read by the real http.client, urllib3 and requests. Empty chunks are left out, since
    they would end the body.
    """
    return _adapted("requests_response", parse, functools.partial(responses.of_requests, content_type), content_type)


def aiohttp_response(parse: Parse, *, content_type: str = _SSE) -> Parse:
    """For an async function of an `aiohttp.ClientResponse`: `parse(response)`.

    Its content is aiohttp's own stream reader; the next chunk arrives when the parser waits for it.
    """
    return _adapted("aiohttp_response", parse, functools.partial(responses.of_aiohttp, content_type), content_type)


def is_async(function: Parse) -> bool:
    """Whether calling `function` returns a coroutine or an async generator."""
    for one in (function, getattr(function, "__call__", None)):  # noqa: B004  # an object with an async __call__
        while isinstance(one, functools.partial):
            one = one.func
        if inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one):
            return True
    return False


def spelled(parse: Parse, name: str) -> str:
    """The expression that adapts `name` as `parse` was adapted; `name` itself if it was not."""
    return getattr(parse, _SPELLING, "{}").format(name)


_SPELLING = "_gemini_replay_adapter"


def _named(adapter: str, parse: Parse, content_type: str = _SSE) -> Parse:
    more = "" if content_type == _SSE else f", content_type={content_type!r}"
    setattr(parse, _SPELLING, f"adapters.{adapter}({{}}{more})")
    return parse


def _adapted(adapter: str, parse: Parse, source: Callable[[Chunks], Any], content_type: str = _SSE) -> Parse:
    """`parse` on what `source` makes of the chunks."""
    require_callable("parse", parse, "a function")
    require(isinstance(content_type, str), "content_type", content_type, "a media type as text")
    if not is_async(parse):

        @functools.wraps(parse)
        def adapted(chunks: Iterable[bytes]) -> Any:
            return parse(source(chunks))

        return _named(adapter, adapted, content_type)

    @functools.wraps(parse)
    async def adapted_async(chunks: Chunks) -> AsyncIterator[Any]:
        result = parse(source(_asynchronous(chunks)))
        if inspect.isawaitable(result):
            result = await result
        async for event in _asynchronous(result):
            yield event

    return _named(adapter, adapted_async, content_type)


async def _asynchronous(items: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


def _driven(make: Callable[[], PushParser], chunks: Chunks) -> Iterator[Any] | AsyncIterator[Any]:
    return _driven_sync(make(), chunks) if isinstance(chunks, Iterable) else _driven_async(make(), chunks)


def _driven_sync(parser: PushParser, chunks: Iterable[bytes]) -> Iterator[Any]:
    for chunk in chunks:
        yield from parser.feed(chunk) or ()
    yield from _close(parser)


async def _driven_async(parser: PushParser, chunks: AsyncIterable[bytes]) -> AsyncIterator[Any]:
    async for chunk in chunks:
        for event in parser.feed(chunk) or ():
            yield event
    for event in _close(parser):
        yield event


def _close(parser: PushParser) -> Iterable[Any]:
    close = getattr(parser, "close", None)
    return (close() if close else None) or ()


class _Text:
    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes, /, final: bool = False) -> list[str]:
        text = self._decoder.decode(data, final)
        return [text] if text else []

    def close(self) -> list[str]:
        return self.feed(b"", final=True)


class _Lines:
    def __init__(self) -> None:
        self._begun: list[bytes] = []  # the pieces of an unfinished line
        self._after_cr = False

    def feed(self, data: bytes, /) -> list[str]:
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
        return [line.decode("utf-8", "replace") for line in whole]

    def close(self) -> list[str]:
        rest = b"".join(self._begun)
        return [rest.decode("utf-8", "replace")] if rest else []
