"""httpx, httpx2, httpcore and httpcore2, sync and async: one implementation that takes the library as a parameter.

Clients are intercepted at httpcore's connection pools, see `httpcore`; the explicit transports and the recording
proxy record and replay httpx's own requests.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from functools import cache, partial
from typing import Any

from ..cassette.model import Ending, Headers, Request
from ..engine import pacing
from ..engine.faults import Cause, NoConnection
from ..engine.player import Playback
from ..engine.schedule import Broken, Head, Part, Schedule
from ..errors import GeminiReplayError, RecordingEndedError
from ..session import Forward, Session, owner_of
from . import http1, private
from .client_names import client_name
from .dispatch import carry_out
from .observing import Harmless, now, tell_end
from .read_ahead import AsyncReadAhead, ReadAhead

_HANDLED = "gemini_replay.handled"
"""Request extension: a request that goes on to the network, which an inner seam must not plan again."""


FAILURES: dict[str, tuple[str, str]] = {
    "timeout": ("ReadTimeout", "The read operation timed out"),
    "reset": ("ReadError", "[Errno 104] Connection reset by peer"),
    "closed": (
        "RemoteProtocolError",
        "peer closed connection without sending complete message body (incomplete chunked read)",
    ),
    "closed before the head": ("RemoteProtocolError", "Server disconnected without sending a response."),
    "refused": ("ConnectError", "[Errno 111] Connection refused"),
    "tls": ("ConnectError", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"),
    "connect-timeout": ("ConnectTimeout", "timed out"),
    "pool-timeout": ("PoolTimeout", ""),
}
"""What each ending and each missing connection raises: a name that all these libraries share, and a message."""

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
    """Everything that is peculiar to one library; `library` is the imported module, httpx or httpx2.

    The methods down to `accepted_codings` are about its requests and responses; httpcore has others, see `httpcore`.
    """

    def __init__(self, library: Any) -> None:
        self.library = library
        self.sync_body = type("HttpxSyncBody", (SyncBody, library.SyncByteStream), {})
        self.async_body = type("HttpxAsyncBody", (AsyncBody, library.AsyncByteStream), {})

    # -- library objects to ours, and back -----------------------------------------------------------------------

    def url(self, request: Any) -> str:
        """Where a request goes."""
        return str(request.url)

    def read(self, request: Any) -> Request:
        """The request as the core knows it."""
        request.read()
        return self.asked(request)

    async def aread(self, request: Any) -> Request:
        """`read` for async clients."""
        await request.aread()
        return self.asked(request)

    def asked(self, request: Any) -> Request:
        """The request as the core knows it; its body must have been read."""
        return described(self.library, request.method, str(request.url), request.headers.raw, request.content)

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
        """A response of the library's."""
        return self.library.Response(status, headers=headers, stream=stream, extensions=extensions)

    def head(self, response: Any) -> tuple[int, RawHeaders]:
        """Status and headers of a response of the library's."""
        return response.status_code, response.headers.raw

    def accepted_codings(self, request: Any) -> str:
        """What the client says of the codings that it takes."""
        accepted: str = request.headers.get("accept-encoding", "")
        return accepted

    # -- failures --------------------------------------------------------------------------------------------------

    def failure(self, name: Ending | Cause, *, answered: bool = True) -> Exception:
        """The library's own exception for an ending or a missing connection; `answered`: after the head."""
        if name == "cancelled":
            return RecordingEndedError()
        return self.error(*FAILURES["closed before the head" if name == "closed" and not answered else name])

    def error(self, name: str, message: str) -> Exception:
        """An exception of the library's."""
        error: Exception = getattr(self.library, name)(message)
        return error

    def classify(self, problem: BaseException) -> Ending | None:
        """How an exception ends a response that is being recorded; None if the wire did not cause it."""
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
        """Whether there was no connection at all, and so nothing of the server's to record."""
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


# -- one request -----------------------------------------------------------------------------------------------------


class _Exchange:
    """What sync and async exchanges share.

    Args:
        family: the client's library.
        request: of that library.
        send: sends a request on, as if there were no session.
    """

    def __init__(self, family: Family, request: Any, send: Callable[[Any], Any]) -> None:
        self._family = family
        self._request = request
        self._send = send

    @property
    def _read_timeout(self) -> float | None:
        timeout: float | None = self._request.extensions.get("timeout", {}).get("read")
        return timeout

    def _connect_timeout(self, plan: NoConnection) -> float:
        """Seconds that the client waits for a connection: its own time limit."""
        limits = self._request.extensions.get("timeout", {})
        return plan.seconds(
            {"connect-timeout": limits.get("connect"), "pool-timeout": limits.get("pool")}.get(plan.cause)
        )

    def _schedule(self, playback: Playback, started: float) -> Schedule:
        return playback.schedule(self._family.accepted_codings(self._request), started)

    def _played(self, head: Part, stream: Any) -> Any:
        assert isinstance(head, Head)
        return self._family.response(head.status, http1.fields(head.headers), stream, {"http_version": b"HTTP/1.1"})

    def _marked(self) -> Any:
        self._request.extensions = {**self._request.extensions, _HANDLED: True}
        return self._request

    def _outgoing(self, forward: Forward, trace: Callable[..., Any]) -> Any:
        request = self._request
        extensions = {**request.extensions, _HANDLED: True, "timeout": {**request.extensions.get("timeout", {})}}
        extensions.setdefault("trace", trace)  # a trace of the user's own stays; the moment is then a little early
        return self._family.outgoing(request, forward.url, extensions)

    def _failed(self, forward: Forward, problem: BaseException) -> None:
        with Harmless(forward.recorder):
            if self._family.never_connected(problem):
                forward.unreachable(problem)
            elif isinstance(problem, (GeminiReplayError, self._family.library.LocalProtocolError)):
                forward.recorder.drop()  # refused below, by another session; or it could not be sent as it is
            else:
                tell_end(forward.recorder, problem, self._family.classify)


class SyncExchange(_Exchange):
    """One request of a sync client."""

    def __init__(self, family: Family, request: Any, send: Callable[[Any], Any]) -> None:
        super().__init__(family, request, send)
        self._clock = pacing.WallClock()
        self._started = self._clock.now()

    def play(self, playback: Playback) -> Any:
        """A response that is played as it is read; returns when its head is due."""
        parts = pacing.play(self._schedule(playback, self._started), self._clock, self._read_timeout)
        try:
            head = next(parts)
        except Broken as broken:
            raise self._family.failure(broken.ending, answered=False) from None
        return self._played(head, self._family.sync_body(self._family, parts))

    def fail(self, plan: NoConnection) -> Any:
        """Raise what the library raises without a connection."""
        self._clock.sleep(self._connect_timeout(plan))
        raise self._family.failure(plan.cause)

    def record(self, forward: Forward) -> Any:
        """Send the request on, and record what comes back while the client reads it."""
        recorder = forward.recorder

        def trace(event: str, info: Any) -> None:
            if event.endswith("send_request_headers.started"):
                recorder.sent(now())

        outgoing = self._outgoing(forward, trace)
        recorder.sent(now())
        try:
            response = self._send(outgoing)
        except BaseException as problem:
            self._failed(forward, problem)
            raise
        with Harmless(recorder):
            status, headers = self._family.head(response)
            recorder.head(status, text(headers), now())
            live = response.stream
            ahead = ReadAhead(
                partial(_chunks, iter, live, outgoing),
                recorder,
                classify=self._family.classify,
                interrupt=_interrupt(response),
                close=live.close,
                read_timeout=self._read_timeout,
            )
            recorder.awaited = lambda: ahead.awaited
            body = self._family.sync_body(self._family, ahead)
            recorded = self._family.response(status, headers, body, response.extensions)
            ahead.start()
            return recorded
        return response

    def pass_on(self) -> Any:
        """Send the request on untouched."""
        return self._send(self._marked())


class AsyncExchange(_Exchange):
    """One request of an async client."""

    def __init__(self, family: Family, request: Any, send: Callable[[Any], Awaitable[Any]]) -> None:
        super().__init__(family, request, send)
        self._clock = pacing.LoopClock()
        self._started = self._clock.now()

    async def play(self, playback: Playback) -> Any:
        """`SyncExchange.play` for async clients, as are the methods that follow."""
        parts = pacing.aplay(self._schedule(playback, self._started), self._clock, self._read_timeout)
        try:
            head = await anext(parts)
        except Broken as broken:
            raise self._family.failure(broken.ending, answered=False) from None
        return self._played(head, self._family.async_body(self._family, parts))

    async def fail(self, plan: NoConnection) -> Any:
        """Raise what the library raises without a connection."""
        await self._clock.sleep(self._connect_timeout(plan))
        raise self._family.failure(plan.cause)

    async def record(self, forward: Forward) -> Any:
        """Send the request on, and record what comes back while the client reads it."""
        recorder = forward.recorder

        async def trace(event: str, info: Any) -> None:
            if event.endswith("send_request_headers.started"):
                recorder.sent(now())

        outgoing = self._outgoing(forward, trace)
        recorder.sent(now())
        try:
            response = await self._send(outgoing)
        except BaseException as problem:
            self._failed(forward, problem)
            raise
        with Harmless(recorder):
            status, headers = self._family.head(response)
            recorder.head(status, text(headers), now())
            live = response.stream
            ahead = AsyncReadAhead(
                partial(_chunks, aiter, live, outgoing),
                recorder,
                classify=self._family.classify,
                close=live.aclose,
                read_timeout=self._read_timeout,
            )
            recorder.awaited = lambda: ahead.awaited
            body = self._family.async_body(self._family, ahead)
            recorded = self._family.response(status, headers, body, response.extensions)
            ahead.start()
            return recorded
        return response

    async def pass_on(self) -> Any:
        """Send the request on untouched."""
        return await self._send(self._marked())


def handle(family: Family, session: Session | None, request: Any, send: Callable[[Any], Any]) -> Any:
    """Do with one request what its session says; it has none if `session` is None."""
    if session is None:
        return send(request)
    exchange = SyncExchange(family, request, send)
    return carry_out(session.decide(family.read(request)), exchange)


async def ahandle(
    family: Family, session: Session | None, request: Any, send: Callable[[Any], Awaitable[Any]]
) -> Any:
    """`handle` for async clients."""
    if session is None:
        return await send(request)
    exchange = AsyncExchange(family, request, send)
    return await carry_out(session.decide(await family.aread(request)), exchange)


def owner(family: Family, request: Any) -> Session | None:
    """The open session that a request belongs to, if any; not that of a request which goes to the network already."""
    return None if _HANDLED in request.extensions else owner_of(family.url(request))


class SyncBody:
    """What a client reads: the chunks of a playback, or of a live response that is being recorded."""

    def __init__(self, family: Family, source: Generator[Part, None, None] | ReadAhead) -> None:
        self._family = family
        self._source: Any = source

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._source
        except Broken as broken:
            raise self._family.failure(broken.ending) from None
        except TimeoutError:
            raise self._family.failure("timeout") from None

    def close(self) -> None:
        """Let go of the response."""
        self._source.close()


class AsyncBody:
    """The same for async clients; not a generator, which would need closing where a client lets go of it."""

    def __init__(self, family: Family, source: AsyncGenerator[Part, None] | AsyncReadAhead) -> None:
        self._family = family
        self._source: Any = source

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk: bytes = await anext(self._source)
        except Broken as broken:
            raise self._family.failure(broken.ending) from None
        except TimeoutError:
            raise self._family.failure("timeout") from None
        return chunk

    async def aclose(self) -> None:
        """Let go of the response."""
        await self._source.aclose()


# -- requests --------------------------------------------------------------------------------------------------------


def family(library: str) -> Family:
    """The `Family` of a library that has been imported.

    Raises:
        GeminiReplayError: the library is built otherwise than those that we know.
    """
    private.check(library, _NAMES, supported=_SUPPORTED[library])
    return _family(sys.modules[library])


@cache
def _family(module: Any) -> Family:  # a library may be removed and imported again, and is another one then
    return Family(module)


def described(library: Any, method: str, url: str, headers: RawHeaders, body: bytes) -> Request:
    """A request as the core knows it; `library` is the one that its client is of."""
    spelled = text(headers)
    client = client_name(spelled, f"{library.__name__} {library.__version__}", own_agent="python-httpx")
    return Request(method, url, spelled, body, client)


def for_host(host: bytes, headers: RawHeaders) -> RawHeaders:
    """The headers of a request that goes to another host than it was made for."""
    return [(b"Host", host), *((name, value) for name, value in headers if name.lower() != b"host")]


def text(headers: RawHeaders) -> Headers:
    """Headers as the core knows them."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _chunks(begin: Callable[[Any], Any], live: Any, outgoing: Any) -> Any:
    """Begin to read (by `iter` or `aiter`), without the read timeout: from now on the consumer's side keeps it."""
    outgoing.extensions["timeout"]["read"] = None
    return begin(live)


def _interrupt(response: Any) -> Callable[[], None] | None:
    """What makes a blocked read of this response return: ending its socket, where it has one to itself."""
    if response.extensions.get("http_version", b"").startswith(b"HTTP/2"):
        return None
    stream = response.extensions.get("network_stream")
    sock = stream.get_extra_info("socket") if stream is not None else None
    if sock is None:
        return None

    # The plain method: on a TLS socket the reader may be inside the TLS layer's own state just now.
    return partial(socket.socket.shutdown, sock, socket.SHUT_RDWR)
