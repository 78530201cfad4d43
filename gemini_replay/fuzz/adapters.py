"""Makes `parse(chunks)` of parsers of other shapes: of text, of lines, of a response; fed, or with a callback.

Each adapter takes the user's callable and returns one that takes byte chunks; it is async if the callable is. The
chunks pass through the library's own code, as they would live, and no chunk is asked for before it is read.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from ..arguments import require, require_callable, require_flag
from ..errors import did_you_mean
from . import responses
from .readers import Lines, PushParser, Text, driven
from .target import AdapterError

Chunks = Iterable[bytes] | AsyncIterable[bytes]
Parse = Callable[[Any], Any]

_SSE = "text/event-stream"


def text(parse: Parse) -> Parse:
    """For a parser of text chunks: `parse(Iterable[str])`.

    UTF-8 is decoded across chunk boundaries, invalid bytes as U+FFFD. A chunk that completes no character yields
    nothing.
    """
    return _adapted("text", parse, functools.partial(driven, Text))


def lines(parse: Parse) -> Parse:
    """For a parser of text lines without their ends: `parse(Iterable[str])`.

    Lines end only at LF, CR or CRLF, as in SSE. To test the lines of a library, use the adapter of its response, with
    ``reads="iter_lines"``.
    """
    return _adapted("lines", parse, functools.partial(driven, Lines))


def byte_lines(parse: Parse) -> Parse:
    """For a parser of lines of bytes without their ends: `parse(Iterable[bytes])`. Lines end as for `lines`."""
    return _adapted("byte_lines", parse, functools.partial(driven, functools.partial(Lines, decode=False)))


def push(make: Callable[..., PushParser], *, callback: bool = False) -> Parse:
    """For a class, or a function, that makes a parser which is fed: `make().feed(bytes)`.

    What ``feed`` returns are events, or None. At the end its ``flush`` and its ``close`` are called, if it has them;
    they may return the last events.

    Args:
        make: returns a new parser.
        callback: whether the parser calls a function for each event instead of returning events: `make(function)`.
    """
    require_callable("make", make, "a function that returns a new parser, with a method feed")
    require_flag("callback", callback)

    @functools.wraps(make, updated=())
    def parse(chunks: Chunks) -> Any:
        return driven(functools.partial(_Told, make) if callback else make, chunks)

    return _named("push", parse, callback=callback)


def callback(parse: Callable[[Any, Callable[[Any], None]], Any]) -> Parse:
    """For a function that calls another for each event: `parse(chunks, function)`, sync or async.

    Its events are seen when it ends, so that promptness is not checked.
    """
    require_callable("parse", parse, "a function of chunks and of a function of an event")
    if not is_async(parse):

        @functools.wraps(parse)
        def adapted(chunks: Chunks) -> Any:
            told = _Events()
            try:
                parse(chunks, told.append)
            except Exception as error:
                told.error = error
            return told

        return _named("callback", adapted)

    @functools.wraps(parse)
    async def adapted_async(chunks: Chunks) -> Any:
        told = _Events()
        try:
            await parse(_asynchronous(chunks), told.append)
        except Exception as error:
            told.error = error
        return told

    return _named("callback", adapted_async)


def method(make: Callable[[], Any], name: str) -> Parse:
    """For a class with a method that parses: `make().NAME(chunks)`. Each stream gets a new object."""
    require_callable("make", make, "a class, or a function that returns an object with the method")
    require(isinstance(name, str), "name", name, "the name of a method")

    @functools.wraps(make, updated=())
    def parse(chunks: Chunks) -> Any:
        return getattr(make(), name)(chunks)

    return _named("method", parse, name)


def httpx_response(parse: Parse, *, content_type: str = _SSE, reads: str | None = None) -> Parse:
    """For a function of an `httpx.Response` that streams: `parse(response)`.

    The response is as in ``client.stream(…)``: status 200 and not read yet, for ``iter_lines`` and the like, or for
    ``aiter_lines`` if `parse` is async.

    Args:
        parse: the function.
        content_type: of the response.
        reads: what `parse` takes instead of the response: the name of a method or attribute of it, such as
            "iter_lines" for `parse(response.iter_lines())`.
    """
    return _of_response("httpx_response", parse, responses.of_httpx("httpx", content_type), content_type, reads)


def httpx2_response(parse: Parse, *, content_type: str = _SSE, reads: str | None = None) -> Parse:
    """The same as `httpx_response`, for httpx2."""
    return _of_response("httpx2_response", parse, responses.of_httpx("httpx2", content_type), content_type, reads)


def requests_response(parse: Parse, *, content_type: str = _SSE, reads: str | None = None) -> Parse:
    """For a function of a `requests.Response`, as of ``requests.post(…, stream=True)``: `parse(response)`.

    The chunks are HTTP chunks, read by the real http.client, urllib3 and requests. Empty chunks are left out, since
    they would end the body. ``reads`` is as for `httpx_response`.
    """
    source = functools.partial(responses.of_requests, content_type)
    return _of_response("requests_response", parse, source, content_type, reads)


def aiohttp_response(parse: Parse, *, content_type: str = _SSE, reads: str | None = None) -> Parse:
    """For an async function of an `aiohttp.ClientResponse`: `parse(response)`.

    Its content is aiohttp's own stream reader; the next chunk arrives when the parser waits for it. With
    ``reads="content"`` the parser gets that reader: `async for line in content`.
    """
    source = functools.partial(responses.of_aiohttp, content_type)
    return _of_response("aiohttp_response", parse, source, content_type, reads)


def is_async(function: Callable[..., Any]) -> bool:
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


def _named(adapter: str, parse: Parse, *others: object, **options: object) -> Parse:
    """Remember how `parse` was adapted; options that are None or False were left out."""
    given = [*map(repr, others), *(f"{name}={value!r}" for name, value in options.items() if value)]
    setattr(parse, _SPELLING, f"adapters.{adapter}({', '.join(['{}', *given])})")
    return parse


class _Told:
    """A parser that calls a function for each event, as one that returns them."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._events: list[Any] = []
        self._parser = make(self._events.append)

    def feed(self, data: bytes, /) -> list[Any]:
        return self._taken(self._parser.feed, data)

    def flush(self) -> list[Any]:
        return self._taken(getattr(self._parser, "flush", None))

    def close(self) -> list[Any]:
        return self._taken(getattr(self._parser, "close", None))

    def _taken(self, function: Callable[..., object] | None, *arguments: object) -> list[Any]:
        if function is not None:
            function(*arguments)
        taken, self._events[:] = list(self._events), []
        return taken


class _Events(list[Any]):
    """The events that a function was told, up to its error."""

    error: Exception | None = None

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        if self.error is not None:
            raise self.error


def _of_response(
    adapter: str, parse: Parse, source: Callable[[Chunks], Any], content_type: str, reads: str | None
) -> Parse:
    require(isinstance(content_type, str), "content_type", content_type, "a media type as text")
    require(reads is None or isinstance(reads, str), "reads", reads, "the name of a method of a response, or None")

    def part(chunks: Chunks) -> Any:
        response = source(chunks)
        if reads is None:
            return response
        if not hasattr(response, reads):
            raise AdapterError(
                f"The response has no {reads!r}.",
                suggestion=did_you_mean(reads, dir(response)),
                hint="reads is the name of a method or attribute, such as iter_lines.",
            )
        found = getattr(response, reads)
        return found() if callable(found) else found

    more = None if content_type == _SSE else content_type
    return _adapted(adapter, parse, part, content_type=more, reads=reads)


def _adapted(adapter: str, parse: Parse, source: Callable[[Chunks], Any], **options: object) -> Parse:
    """`parse` on what `source` makes of the chunks."""
    require_callable("parse", parse, "a function")
    if not is_async(parse):

        @functools.wraps(parse)
        def adapted(chunks: Iterable[bytes]) -> Any:
            return parse(source(chunks))

        return _named(adapter, adapted, **options)

    @functools.wraps(parse)
    async def adapted_async(chunks: Chunks) -> AsyncIterator[Any]:
        result = parse(source(_asynchronous(chunks)))
        if inspect.isawaitable(result):
            result = await result
        async for event in _asynchronous(result):
            yield event

    return _named(adapter, adapted_async, **options)


async def _asynchronous(items: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
