"""httpcore and httpcore2, and so httpx and httpx2, which are built on them.

The replaced methods are those of a connection pool (`ConnectionPool.handle_request`,
`AsyncConnectionPool.handle_async_request`); proxies are subclasses of it. Everything above is real: httpx's clients,
transports, mounts, decoding and errors, and other tools' wrappers around them, in any order.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from ..cassette.model import Request
from ..engine.pacing import AsyncPlaying, Playing
from ..patching import Interception, Wrap
from ..urls import host_and_port, server_url
from . import private
from .httpx_exchange import ahandle, handle, owner
from .httpx_family import AsyncBody, Family, RawHeaders, SyncBody, client_name, for_host, text

_ABOVE = {"httpcore": "httpx", "httpcore2": "httpx2"}
_SUPPORTED = {"httpcore": "httpcore 1.x", "httpcore2": "httpcore2 2.x"}
_NAMES = (
    "__version__",
    "AsyncConnectionPool.handle_async_request(request)",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionPool.handle_request(request)",
    "LocalProtocolError",
    "NetworkError",
    "PoolTimeout",
    "ProtocolError",
    "ProxyError",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "Request(method, url, headers, content, extensions)",
    "Request().extensions",
    "Request().headers",
    "Request().method",
    "Request().stream",
    "Response(status, headers, content, extensions)",
    "Response().extensions",
    "Response().headers",
    "Response().status",
    "Response().stream",
    "TimeoutException",
    "URL().host",
    "URL().port",
    "URL().scheme",
    "URL().target",
    "UnsupportedProtocol",
)


class Core(Family):
    """The differences of httpcore and httpcore2; `library` is the imported module."""

    sync_body = SyncBody
    async_body = AsyncBody
    sync_played = Playing
    async_played = AsyncPlaying

    def __init__(self, library: Any) -> None:
        self.library = library
        self._bytes_stream = type(library.Request("GET", "http://localhost", content=b"").stream)

    def url(self, request: Any) -> str:
        """The URL of a request."""
        url = request.url
        return _spelled(url.scheme, url.host, url.port, url.target)

    def read(self, request: Any) -> Request:
        """The request as a cassette stores it."""
        return self._read(request, b"".join(request.stream))

    async def aread(self, request: Any) -> Request:
        """`read` for async clients."""
        return self._read(request, b"".join([part async for part in request.stream]))

    def _read(self, request: Any, body: bytes) -> Request:
        above = sys.modules.get(_ABOVE[self.library.__name__])
        streams = () if above is None else (above.SyncByteStream, above.AsyncByteStream)
        library = above if isinstance(request.stream, streams) else self.library
        request.stream = self._bytes_stream(body)  # what was read here is read again when the request is sent
        method = request.method.decode("latin-1")
        return Request(method, self.url(request), text(request.headers), body, client_name(library))

    def outgoing(self, request: Any, url: str, extensions: dict[str, Any]) -> Any:
        """The request as it goes to `url`."""
        there, headers = request.url, request.headers
        if url != self.url(request):
            there = self.library.URL(url)
            extensions.pop("target", None)
            headers = for_host(_netloc(there), headers)
        return self.library.Request(
            request.method, there, headers=headers, content=request.stream, extensions=extensions
        )

    def response(self, status: int, headers: RawHeaders, stream: Any, extensions: Any) -> Any:
        """A response object of the library."""
        return self.library.Response(status, headers=headers, content=stream, extensions=extensions)

    def head(self, response: Any) -> tuple[int, RawHeaders]:
        """Status and headers of one of the library's responses."""
        return response.status, response.headers

    def accepted_codings(self, request: Any) -> str:
        """The client's ``accept-encoding``."""
        for name, value in request.headers:
            if name.lower() == b"accept-encoding":
                return _text(value)
        return ""


@lru_cache(256)
def _spelled(scheme: bytes, host: bytes, port: int | None, target: bytes) -> str:
    return server_url(_text(scheme), _text(host), port) + _text(target)


def _netloc(url: Any) -> bytes:
    return host_and_port(_text(url.scheme), _text(url.host), url.port).encode("latin-1")


def _text(data: bytes) -> str:
    return data.decode("latin-1")


@cache
def _core(module: Any) -> Core:  # a library may be removed and imported again, and is another one then
    return Core(module)


def interceptions(library: str) -> list[Interception]:
    """The replacements in a library that has been imported.

    Raises:
        GeminiReplayError: the library is not built as expected.
    """
    private.check(library, _NAMES, supported=_SUPPORTED[library])
    core = sys.modules[library]
    sync, asynchronous = _seams(_core(core))
    return [
        (core.ConnectionPool, "handle_request", sync),
        (core.AsyncConnectionPool, "handle_async_request", asynchronous),
    ]


@cache
def _seams(family: Core) -> tuple[Wrap, Wrap]:
    def sync(original: Callable[..., Any]) -> Callable[..., Any]:
        def handle_request(pool: Any, request: Any) -> Any:
            return handle(family, owner(family, request), request, lambda out: original(pool, out))

        return handle_request

    def asynchronous(original: Callable[..., Any]) -> Callable[..., Any]:
        async def handle_async_request(pool: Any, request: Any) -> Any:
            return await ahandle(family, owner(family, request), request, lambda out: original(pool, out))

        return handle_async_request

    return sync, asynchronous
