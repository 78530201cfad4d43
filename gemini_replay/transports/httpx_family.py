"""httpx, httpcore and their kin, sync and async: one implementation that takes the library as a parameter.

Clients are intercepted at httpcore's connection pools, see `httpcore`; the explicit transports and the recording
proxy record and replay httpx's own requests.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from functools import cache, partial
from typing import Any

from .. import session
from ..cassette.model import Headers, Request, header
from ..engine import pacing
from ..engine.faults import Cause, NoConnection
from ..engine.player import Data, Head, Playback, Step
from ..errors import GeminiReplayError, RecordingEndedError
from ..session import Plan, Recording
from . import http1, private
from .observing import Ending, Harmless, now, tell_end
from .read_ahead import AsyncReadAhead, ReadAhead

_HANDLED = "gemini_replay.handled"
"""Request extension: a request that goes on to the network, which an inner seam must not plan again."""


_ERRORS: dict[pacing.Ending, tuple[str, str]] = {
    "timeout": ("ReadTimeout", "The read operation timed out"),
    "reset": ("ReadError", "[Errno 104] Connection reset by peer"),
    "closed": (
        "RemoteProtocolError",
        "peer closed connection without sending complete message body (incomplete chunked read)",
    ),
}
_NO_ANSWER = "Server disconnected without sending a response."

NO_CONNECTION: dict[Cause, tuple[str, str]] = {
    "refused": ("ConnectError", "[Errno 111] Connection refused"),
    "tls": ("ConnectError", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"),
    "connect-timeout": ("ConnectTimeout", "timed out"),
    "pool-timeout": ("PoolTimeout", ""),
}
"""What is raised for each reason for which there is no connection: name and message, see `failure`."""


def failure(ending: pacing.Ending, *, answered: bool) -> tuple[str, str]:
    """What a real connection raises that ends so: its name, which httpx, httpcore and their kin share, and message.

    Args:
        ending: how the playback broke; not "cancelled".
        answered: whether the head had come.
    """
    name, message = _ERRORS[ending]
    return name, _NO_ANSWER if ending == "closed" and not answered else message


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
    """Everything that is peculiar to one library; `library` is the imported module, httpx or its kin.

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

    def broken(self, broken: pacing.Broken, *, answered: bool = True) -> Exception:
        """The library's own exception for a playback that did not end well; `answered`: with its head."""
        if broken.ending == "cancelled":
            return RecordingEndedError()
        name, message = failure(broken.ending, answered=answered)
        error: Exception = getattr(self.library, name)(message)
        return error

    def unconnected(self, cause: Cause) -> Exception:
        """The library's own exception where there is no connection."""
        name, message = NO_CONNECTION[cause]
        error: Exception = getattr(self.library, name)(message)
        return error

    def classify(self, problem: BaseException) -> Ending | None:
        """How an exception ends a response that is being recorded; None: it is no doing of the wire's."""
        if isinstance(problem, self.library.TimeoutException):
            return "timeout", None
        if isinstance(problem, self.library.RemoteProtocolError):
            return "reset", "closed"
        if isinstance(problem, (self.library.NetworkError, self.library.ProtocolError)):
            return "reset", None
        if isinstance(problem, RecordingEndedError):  # the client reads on, in a recording that is recorded again
            return "cancelled", None
        return None if isinstance(problem, Exception) else ("cancelled", None)

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

    # -- playing ---------------------------------------------------------------------------------------------------

    def play(self, playback: Playback, request: Any, started: float) -> Any:
        """A response that is played as it is read; returns when its head is due after `started`."""
        steps = pacing.play(self._steps(playback, request), read_timeout=_read_timeout(request), started=started)
        try:
            head = next(steps)
        except pacing.Broken as broken:
            raise self.broken(broken, answered=False) from None
        assert isinstance(head, Head)
        return self._played(head, self.sync_body(self, steps))

    async def aplay(self, playback: Playback, request: Any, started: float) -> Any:
        """`play` for async clients."""
        steps = pacing.aplay(self._steps(playback, request), read_timeout=_read_timeout(request), started=started)
        try:
            head = await anext(steps)
        except pacing.Broken as broken:
            raise self.broken(broken, answered=False) from None
        assert isinstance(head, Head)
        return self._played(head, self.async_body(self, steps))

    def _steps(self, playback: Playback, request: Any) -> Iterator[Step]:
        return playback.steps(self.accepted_codings(request))

    def _played(self, head: Head, stream: Any) -> Any:
        return self.response(head.status, http1.fields(head.headers), stream, {"http_version": b"HTTP/1.1"})

    # -- recording -------------------------------------------------------------------------------------------------

    def record(self, recording: Recording, request: Any, send: Callable[[Any], Any]) -> Any:
        """Send a request on, and record what comes back while the client reads it."""
        recorder = recording.recorder

        def trace(event: str, info: Any) -> None:
            if event.endswith("send_request_headers.started"):
                recorder.sent(now())

        outgoing = self._outgoing(recording, request, trace)
        recorder.sent(now())
        try:
            response = send(outgoing)
        except BaseException as problem:
            self._failed(recording, problem)
            raise
        with Harmless(recorder):
            status, headers = self.head(response)
            recorder.head(status, text(headers), now())
            live = response.stream
            ahead = ReadAhead(
                partial(_chunks, iter, live, outgoing),
                recorder,
                classify=self.classify,
                wake=_wake(response),
                close=live.close,
                patience=_read_timeout(outgoing),
            )
            recorder.awaited = lambda: ahead.awaited
            recorded = self.response(status, headers, self.sync_body(self, ahead), response.extensions)
            ahead.start()
            return recorded
        return response

    async def arecord(self, recording: Recording, request: Any, send: Callable[[Any], Awaitable[Any]]) -> Any:
        """`record` for async clients."""
        recorder = recording.recorder

        async def trace(event: str, info: Any) -> None:
            if event.endswith("send_request_headers.started"):
                recorder.sent(now())

        outgoing = self._outgoing(recording, request, trace)
        recorder.sent(now())
        try:
            response = await send(outgoing)
        except BaseException as problem:
            self._failed(recording, problem)
            raise
        with Harmless(recorder):
            status, headers = self.head(response)
            recorder.head(status, text(headers), now())
            live = response.stream
            ahead = AsyncReadAhead(
                partial(_chunks, aiter, live, outgoing),
                recorder,
                classify=self.classify,
                close=live.aclose,
                patience=_read_timeout(outgoing),
            )
            recorder.awaited = lambda: ahead.awaited
            recorded = self.response(status, headers, self.async_body(self, ahead), response.extensions)
            ahead.start()
            return recorded
        return response

    def _outgoing(self, recording: Recording, request: Any, trace: Callable[..., Any]) -> Any:
        extensions = {**request.extensions, _HANDLED: True, "timeout": {**request.extensions.get("timeout", {})}}
        extensions.setdefault("trace", trace)  # a trace of the user's own stays; the moment is then a little early
        return self.outgoing(request, recording.url, extensions)

    def _failed(self, recording: Recording, problem: BaseException) -> None:
        with Harmless(recording.recorder):
            if self.never_connected(problem):
                recording.unreachable(problem)
            elif isinstance(problem, (GeminiReplayError, self.library.LocalProtocolError)):
                recording.recorder.drop()  # refused below, by another session; or it could not be sent as it is
            else:
                tell_end(recording.recorder, problem, self.classify)


class SyncBody:
    """What a client reads: the chunks of a playback, or of a live response that is being recorded."""

    def __init__(self, family: Family, source: Generator[Head | Data, None, None] | ReadAhead) -> None:
        self._family = family
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        try:
            for item in self._source:
                yield _bytes(item)
        except pacing.Broken as broken:
            raise self._family.broken(broken) from None
        except TimeoutError:
            raise self._family.broken(pacing.Broken("timeout")) from None

    def close(self) -> None:
        """Let go of the response."""
        self._source.close()


class AsyncBody:
    """The same for async clients; no generator, which would need closing where a client lets go of it."""

    def __init__(self, family: Family, source: AsyncGenerator[Head | Data, None] | AsyncReadAhead) -> None:
        self._family = family
        self._source = source

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            item = await anext(self._source)
        except pacing.Broken as broken:
            raise self._family.broken(broken) from None
        except TimeoutError:
            raise self._family.broken(pacing.Broken("timeout")) from None
        return _bytes(item)

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


def handle(kin: Family, here: session.Session | None, request: Any, send: Callable[[Any], Any]) -> Any:
    """Do with one request what the session says; it is no session's where `here` is None."""
    if here is None:
        return send(request)
    started = pacing.WallClock().now()
    plan: Plan = here.plan(kin.read(request))
    if isinstance(plan, Playback):
        return kin.play(plan, request, started)
    if isinstance(plan, NoConnection):
        pacing.WallClock().sleep(unconnected_after(plan, request))
        raise kin.unconnected(plan.cause)
    if isinstance(plan, Recording):
        return kin.record(plan, request, send)
    return send(_marked(request))


async def ahandle(
    kin: Family, here: session.Session | None, request: Any, send: Callable[[Any], Awaitable[Any]]
) -> Any:
    """`handle` for async clients."""
    if here is None:
        return await send(request)
    started = pacing.LoopClock().now()
    plan: Plan = here.plan(await kin.aread(request))
    if isinstance(plan, Playback):
        return await kin.aplay(plan, request, started)
    if isinstance(plan, NoConnection):
        await pacing.LoopClock().sleep(unconnected_after(plan, request))
        raise kin.unconnected(plan.cause)
    if isinstance(plan, Recording):
        return await kin.arecord(plan, request, send)
    return await send(_marked(request))


def owner(kin: Family, request: Any) -> session.Session | None:
    """The open session that a request belongs to, if any; not one that goes on to the network already."""
    return None if _HANDLED in request.extensions else session.owner_of(kin.url(request))


def _marked(request: Any) -> Any:
    request.extensions = {**request.extensions, _HANDLED: True}
    return request


def described(library: Any, method: str, url: str, headers: RawHeaders, body: bytes) -> Request:
    """A request as the core knows it; `library` is the one that its client is of."""
    spelled = text(headers)
    agent = (header(spelled, "x-goog-api-client") or header(spelled, "user-agent") or "").strip()
    named = f"{library.__name__} {library.__version__}"
    if agent and not agent.startswith("python-httpx"):
        named += f"; {agent.split()[0]}"
    return Request(method, url, spelled, body, named)


def for_host(host: bytes, headers: RawHeaders) -> RawHeaders:
    """The headers of a request that goes to another host than it was made for."""
    return [(b"Host", host), *((name, value) for name, value in headers if name.lower() != b"host")]


def text(headers: RawHeaders) -> Headers:
    """Headers as the core knows them."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _bytes(item: bytes | Head | Data) -> bytes:
    assert not isinstance(item, Head)  # it was waited for before there was a response
    return item.data if isinstance(item, Data) else item


def _read_timeout(request: Any) -> float | None:
    timeout: float | None = request.extensions.get("timeout", {}).get("read")
    return timeout


def unconnected_after(plan: NoConnection, request: Any) -> float:
    """Seconds that a client waits for a connection: its own time limit."""
    limits = request.extensions.get("timeout", {})
    return plan.seconds(
        {"connect-timeout": limits.get("connect"), "pool-timeout": limits.get("pool")}.get(plan.cause)
    )


def _chunks(begin: Callable[[Any], Any], live: Any, outgoing: Any) -> Any:
    """Begin to read (by `iter` or `aiter`), without the read timeout: from now on the consumer's side keeps it."""
    outgoing.extensions["timeout"]["read"] = None
    return begin(live)


def _wake(response: Any) -> Callable[[], None] | None:
    """What makes a blocked read of this response return: ending its socket, where it has one to itself."""
    if response.extensions.get("http_version", b"").startswith(b"HTTP/2"):
        return None
    stream = response.extensions.get("network_stream")
    sock = stream.get_extra_info("socket") if stream is not None else None
    if sock is None:
        return None

    # The plain method: on a TLS socket the reader may be inside the TLS layer's own state just now.
    return partial(socket.socket.shutdown, sock, socket.SHUT_RDWR)
