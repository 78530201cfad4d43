"""Responses of the HTTP libraries with bodies that arrive in exactly the given chunks, each when it is waited for.

The libraries' own code reads them; only the socket is replaced. Imports nothing but the standard library and the
library of the response.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"


def of_httpx(name: str, content_type: str) -> Callable[[Any], Any]:
    """From chunks, sync or async, to a response of httpx or httpx2."""
    library: Any = import_module(name)
    request = library.Request("POST", URL)

    class Body(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc]
        """For clients of either kind."""

        def __init__(self, chunks: Any) -> None:
            self._chunks = chunks

        def __iter__(self) -> Iterator[bytes]:
            yield from self._chunks

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in self._chunks:
                yield chunk

    def response(chunks: Any) -> Any:
        return library.Response(200, headers={"content-type": content_type}, stream=Body(chunks), request=request)

    return response


def of_requests(content_type: str, chunks: Iterable[bytes]) -> Any:
    """A response of requests, over urllib3 and http.client, without a socket."""
    import http.client
    import io

    import requests
    import urllib3

    class Wire(io.RawIOBase):
        """What a socket would return, one HTTP chunk at a time."""

        def __init__(self) -> None:
            self._units = _http_chunks(content_type, chunks)
            self._left = memoryview(b"")

        def readable(self) -> bool:
            return True

        def readinto(self, target: Any, /) -> int:
            if not self._left:
                self._left = memoryview(next(self._units, b""))
            size = min(len(target), len(self._left))
            target[:size] = self._left[:size]
            self._left = self._left[size:]
            return size

    class Socket:
        def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
            return io.BufferedReader(Wire())

    head = http.client.HTTPResponse(cast("Any", Socket()), method="POST")
    head.begin()
    raw = urllib3.HTTPResponse(
        body=head,
        headers=dict(head.getheaders()),
        status=head.status,
        reason=head.reason,
        preload_content=False,
        original_response=cast("Any", head),
    )
    return requests.adapters.HTTPAdapter().build_response(requests.Request("POST", URL).prepare(), raw)


def _head(content_type: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n".encode()


def _http_chunk(chunk: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(chunk), chunk)


_LAST = b"0\r\n\r\n"


def _http_chunks(content_type: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield _head(content_type)
    for chunk in chunks:
        if chunk:
            yield _http_chunk(chunk)
    yield _LAST


def of_aiohttp(content_type: str, chunks: AsyncIterable[bytes]) -> Any:
    """A response of aiohttp, with its own connection handler and parser, without a connection."""
    import asyncio

    import aiohttp
    import yarl
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.helpers import TimerNoop

    class Connected(asyncio.Transport):
        """An open connection on which nothing is sent."""

        def is_closing(self) -> bool:
            return False

        def close(self) -> None:
            pass

    loop = asyncio.get_running_loop()
    protocol = ResponseHandler(loop)
    protocol.connection_made(Connected())
    protocol.set_response_params(timer=TimerNoop(), read_until_eof=True)
    protocol.data_received(_head(content_type))
    message, content = _without_waiting(protocol.read())
    arriving = aiter(chunks)

    class Content(type(content)):  # type: ignore[misc]
        """aiohttp's reader; when it would wait for the network, the next chunk arrives."""

        __slots__ = ()

        async def _wait(self, func_name: str) -> None:
            chunk = b""
            while not chunk:
                try:
                    chunk = await anext(arriving)
                except StopAsyncIteration:
                    protocol.data_received(_LAST)
                    return
            protocol.data_received(_http_chunk(chunk))

    content.__class__ = Content
    url = yarl.URL(URL)
    given: dict[str, Any] = {
        "writer": None,
        "continue100": None,
        "timer": TimerNoop(),
        "request_info": aiohttp.RequestInfo(url, "POST", message.headers, url),
        "traces": [],
        "loop": loop,
        "session": None,
        "stream_writer": SimpleNamespace(output_size=0),  # of a request that was sent
    }
    known = inspect.signature(aiohttp.ClientResponse).parameters  # they differ from release to release
    response = aiohttp.ClientResponse("POST", url, **{name: value for name, value in given.items() if name in known})
    response.version, response.status, response.reason = message.version, message.code, message.reason
    response._headers, response._raw_headers = message.headers, message.raw_headers
    response.content = content
    return response


def _without_waiting(coroutine: Any) -> Any:
    """The result of a coroutine that has all it needs."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("aiohttp did not take the head of a response at once")
