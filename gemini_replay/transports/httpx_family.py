"""httpx, httpx2, httpcore and httpcore2, sync and async: one implementation that takes the library as a parameter.

Clients are intercepted at httpcore's connection pools, see `httpcore`; the explicit transports and the recording
proxy record and replay httpx's own requests.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from ..cassette.model import Ending, Headers, Request
from ..engine.faults import Cause
from ..engine.pacing import AsyncPlaying, Playing
from ..engine.schedule import Broken
from ..errors import RecordingEndedError
from ..loops import running_loop
from . import private, socket_failures
from .async_read_ahead import AsyncReadAhead
from .read_ahead import ReadAhead

_RESET = str(socket_failures.FAILURES["reset"]())

_SYNC: dict[str, tuple[str, str]] = {
    "timeout": ("ReadTimeout", "The read operation timed out"),
    "reset": ("ReadError", _RESET),
    "closed": (
        "RemoteProtocolError",
        "peer closed connection without sending complete message body (incomplete chunked read)",
    ),
    "closed before the head": ("RemoteProtocolError", "Server disconnected without sending a response."),
    "refused": ("ConnectError", str(socket_failures.FAILURES["refused"]())),
    "tls": ("ConnectError", str(socket_failures.FAILURES["tls"]())),
    "connect-timeout": ("ConnectTimeout", "timed out"),
    "pool-timeout": ("PoolTimeout", ""),
}
"""What each ending and missing connection raises: an exception name that these libraries share, and a message.

A timeout has the message of a TLS connection; on a plain one it is "timed out".
"""

_ASYNCIO = {
    **_SYNC,
    "timeout": ("ReadTimeout", ""),
    "reset": ("ReadError", ""),
    "refused": ("ConnectError", "All connection attempts failed"),
    "connect-timeout": ("ConnectTimeout", ""),
}
"""The same in asyncio, where httpcore connects through anyio: many messages are empty."""

_TRIO = {
    **_ASYNCIO,
    "reset": ("ReadError", f"socket connection broken: {_RESET}"),
    "refused": ("ConnectError", "all attempts to connect to {where} failed"),
}
"""The same in trio."""

RawHeaders = Sequence[tuple[bytes, bytes]]
"""Headers as they are on the wire."""

_SUPPORTED = {"httpx": "httpx 0.26 to 0.28", "httpx2": "httpx2 2.x"}
_NAMES = (
    "__version__",
    "AsyncByteStream",
    "ConnectError",
    "ConnectTimeout",
    "Headers.raw",
    "LocalProtocolError",
    "NetworkError",
    "PoolTimeout",
    "ProtocolError",
    "ProxyError",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "Request(method, url, headers, stream, extensions)",
    "Request.aread",
    "Request.content",
    "Request.read",
    "Request().extensions",
    "Response(status_code, headers, stream, extensions)",
    "Response().extensions",
    "Response().stream",
    "SyncByteStream",
    "TimeoutException",
    "URL.netloc",
    "UnsupportedProtocol",
)


class Family:
    """The differences of one library; `library` is the imported module, httpx or httpx2.

    The methods down to `accepted_codings` are about its requests and responses; `httpcore` overrides them.
    """

    def __init__(self, library: Any) -> None:
        self.library = library
        self.sync_body = type("HttpxSyncBody", (SyncBody, library.SyncByteStream), {})
        self.async_body = type("HttpxAsyncBody", (AsyncBody, library.AsyncByteStream), {})
        self.sync_played = type("HttpxSyncPlayed", (Playing, library.SyncByteStream), {})
        self.async_played = type("HttpxAsyncPlayed", (AsyncPlaying, library.AsyncByteStream), {})

    # -- the library's objects and ours --------------------------------------------------------------------------

    def url(self, request: Any) -> str:
        """The URL of a request."""
        return str(request.url)

    def read(self, request: Any) -> Request:
        """The request as a cassette stores it."""
        request.read()
        return self.as_request(request)

    async def aread(self, request: Any) -> Request:
        """`read` for async clients."""
        await request.aread()
        return self.as_request(request)

    def as_request(self, request: Any) -> Request:
        """The request as a cassette stores it. Its body must have been read."""
        named = client_name(self.library)
        return Request(request.method, str(request.url), text(request.headers.raw), request.content, named)

    def outgoing(self, request: Any, url: str, extensions: dict[str, Any]) -> Any:
        """The request as it goes to `url`."""
        there = self.library.URL(url)
        headers = request.headers.raw
        if there.netloc != request.url.netloc:
            headers = for_host(there.netloc, headers)
        return self.library.Request(
            request.method, there, headers=headers, stream=request.stream, extensions=extensions
        )

    def response(self, status: int, headers: RawHeaders, stream: Any, extensions: Any) -> Any:
        """A response object of the library."""
        return self.library.Response(status, headers=headers, stream=stream, extensions=extensions)

    def head(self, response: Any) -> tuple[int, RawHeaders]:
        """Status and headers of a response of the library."""
        return response.status_code, response.headers.raw

    def accepted_codings(self, request: Any) -> str:
        """The client's ``accept-encoding``."""
        accepted: str = request.headers.get("accept-encoding", "")
        return accepted

    # -- failures --------------------------------------------------------------------------------------------------

    def failure(self, name: Ending | Cause) -> Exception:
        """The library's own exception for an ending after the head, or for a missing connection."""
        return self._failure(name, _SYNC)

    def async_failure(self, name: Ending | Cause, where: str = "") -> Exception:
        """`failure` for async clients; `where` is the server's host and port, if there was no connection to it."""
        return self._failure(name, _async_failures(), where)

    def broken(self, broken: Broken) -> Exception:
        """The library's own exception for a response that breaks, perhaps before its head."""
        return self._failure(_name(broken), _SYNC)

    def async_broken(self, broken: Broken) -> Exception:
        """`broken` for async clients."""
        return self._failure(_name(broken), _async_failures())

    def _failure(self, name: str, failures: Mapping[str, tuple[str, str]], where: str = "") -> Exception:
        if name == "cancelled":
            return RecordingEndedError()
        kind, message = failures[name]
        return self.error(kind, message.format(where=where))

    def error(self, name: str, message: str) -> Exception:
        """An exception of the library."""
        error: Exception = getattr(self.library, name)(message)
        return error

    def classify(self, problem: BaseException) -> Ending | None:
        """The ending that an exception means for a response that is recorded; None if the wire did not cause it."""
        if isinstance(problem, self.library.TimeoutException):
            return "timeout"
        if isinstance(problem, self.library.RemoteProtocolError):
            return "closed"
        if isinstance(problem, (self.library.NetworkError, self.library.ProtocolError)):
            return "reset"
        if isinstance(problem, RecordingEndedError):  # a replay that is being recorded has no more bytes
            return "cancelled"
        return None if isinstance(problem, Exception) else "cancelled"

    def never_connected(self, problem: BaseException) -> bool:
        """Whether there was no connection at all, so that there is nothing to record."""
        lib = self.library
        return isinstance(
            problem,
            (
                lib.ConnectError,
                lib.ConnectTimeout,
                lib.PoolTimeout,
                lib.ProxyError,
                lib.UnsupportedProtocol,
            ),
        )

    def refuses_to_send(self, problem: BaseException) -> bool:
        """Whether a request could not be sent as it is."""
        refusals = ("LocalProtocolError", "InvalidURL")  # httpcore has only the first
        return isinstance(problem, tuple(getattr(self.library, name, ()) for name in refusals))


def _async_failures() -> Mapping[str, tuple[str, str]]:
    return _TRIO if running_loop() is None else _ASYNCIO


def _name(broken: Broken) -> str:
    return "closed before the head" if broken.ending == "closed" and not broken.answered else broken.ending


# -- bodies ----------------------------------------------------------------------------------------------------------


class SyncBody:
    """The body that a client reads of a live response that is recorded. A playback's body is a `Playing`."""

    def __init__(self, family: Family, source: ReadAhead) -> None:
        self._family = family
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._source
        except TimeoutError:
            raise self._family.failure("timeout") from None

    def close(self) -> None:
        """Close the response, read to its end or not."""
        self._source.close()


class AsyncBody:
    """`SyncBody` for async clients."""

    def __init__(self, family: Family, source: AsyncReadAhead) -> None:
        self._family = family
        self._source = source

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk: bytes = await self._source.__anext__()
        except TimeoutError:
            raise self._family.async_failure("timeout") from None
        return chunk

    async def aclose(self) -> None:
        """Close the response, read to its end or not."""
        await self._source.aclose()


# -- requests --------------------------------------------------------------------------------------------------------


def family(library: str) -> Family:
    """The `Family` of a library that has been imported.

    Raises:
        GeminiReplayError: the library is not built as expected.
    """
    private.check(library, _NAMES, supported=_SUPPORTED[library])
    return _family(sys.modules[library])


@cache
def _family(module: Any) -> Family:  # a library may be removed and imported again, and is another one then
    return Family(module)


@cache
def client_name(module: Any) -> str:
    """The library's name in a cassette."""
    return f"{module.__name__} {module.__version__}"


def for_host(host: bytes, headers: RawHeaders) -> RawHeaders:
    """The headers of a request that is sent to another host than the client named."""
    return [(b"Host", host), *((name, value) for name, value in headers if name.lower() != b"host")]


def text(headers: RawHeaders) -> Headers:
    """Headers as a cassette stores them."""
    return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
