"""httpx and httpx2, sync and async: one implementation that takes the library as a parameter.

The seam is the library's own network transport (`HTTPTransport.handle_request`, `AsyncHTTPTransport.
handle_async_request`), the same in httpx 0.24–0.28 and httpx2 2.x. Clients, proxies, mounts, decoding and error
handling above it are the real ones.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from functools import cache, partial
from typing import Any

from .. import session
from ..cassette.model import Headers, Request, header
from ..engine import pacing
from ..engine.faults import Cause, NoConnection
from ..engine.player import Data, Head, Playback, Step
from ..errors import GeminiReplayError, RecordingEndedError
from ..patching import Interception
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


_SUPPORTED = {"httpx": "httpx 0.26 to 0.28", "httpx2": "httpx2 2.x"}
_NAMES = (
    "__version__",
    "AsyncByteStream",
    "AsyncHTTPTransport.handle_async_request(request)",
    "ConnectError",
    "ConnectTimeout",
    "HTTPTransport.handle_request(request)",
    "Headers.raw",
    "LocalProtocolError",
    "PoolTimeout",
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
    "TransportError",
    "URL.netloc",
    "UnsupportedProtocol",
)


class Family:
    """Everything that is peculiar to httpx and its kin; `library` is the imported module."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.sync_body = type("SyncBody", (_SyncBody, library.SyncByteStream), {})
        self.async_body = type("AsyncBody", (_AsyncBody, library.AsyncByteStream), {})

    # -- library objects to ours, and back -----------------------------------------------------------------------

    def asked(self, request: Any) -> Request:
        """The request as the core knows it; its body must have been read."""
        headers = _headers(request.headers)
        agent = (header(headers, "x-goog-api-client") or header(headers, "user-agent") or "").strip()
        named = f"{self.library.__name__} {self.library.__version__}"
        if agent and not agent.startswith("python-httpx"):
            named += f"; {agent.split()[0]}"
        return Request(request.method, str(request.url), headers, request.content, named)

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
        if isinstance(problem, self.library.TransportError):
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
        steps = pacing.play(_steps(playback, request), read_timeout=_read_timeout(request), started=started)
        try:
            head = next(steps)
        except pacing.Broken as broken:
            raise self.broken(broken, answered=False) from None
        assert isinstance(head, Head)
        return self._response(head, self.sync_body(self, steps))

    async def aplay(self, playback: Playback, request: Any, started: float) -> Any:
        """`play` for async clients."""
        steps = pacing.aplay(_steps(playback, request), read_timeout=_read_timeout(request), started=started)
        try:
            head = await anext(steps)
        except pacing.Broken as broken:
            raise self.broken(broken, answered=False) from None
        assert isinstance(head, Head)
        return self._response(head, self.async_body(self, steps))

    def _response(self, head: Head, stream: Any) -> Any:
        return self.library.Response(
            head.status,
            headers=http1.fields(head.headers),
            stream=stream,
            extensions={"http_version": b"HTTP/1.1"},
        )

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
            recorder.head(response.status_code, _headers(response.headers), now())
            live = response.stream
            ahead = ReadAhead(
                partial(_chunks, iter, live, outgoing),
                recorder,
                classify=self.classify,
                wake=_wake(response),
                close=live.close,
                patience=_read_timeout(outgoing),
            )
            recorded = self._recorded(response, self.sync_body(self, ahead))
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
            recorder.head(response.status_code, _headers(response.headers), now())
            live = response.stream
            ahead = AsyncReadAhead(
                partial(_chunks, aiter, live, outgoing),
                recorder,
                classify=self.classify,
                close=live.aclose,
                patience=_read_timeout(outgoing),
            )
            recorded = self._recorded(response, self.async_body(self, ahead))
            ahead.start()
            return recorded
        return response

    def _recorded(self, response: Any, stream: Any) -> Any:
        # A new one, since a transport that knows the whole body (a mock) may give a response that is read already.
        return self.library.Response(
            response.status_code, headers=response.headers.raw, stream=stream, extensions=response.extensions
        )

    def _outgoing(self, recording: Recording, request: Any, trace: Callable[..., Any]) -> Any:
        extensions = {**request.extensions, _HANDLED: True, "timeout": {**request.extensions.get("timeout", {})}}
        extensions.setdefault("trace", trace)  # a trace of the user's own stays; the moment is then a little early
        url = self.library.URL(recording.url)
        hosts: list[tuple[bytes, bytes]] = []
        headers: list[tuple[bytes, bytes]] = []
        for name, value in request.headers.raw:
            (hosts if name.lower() == b"host" else headers).append((name, value))
        if not hosts or url.netloc != request.url.netloc:
            hosts = [(b"Host", url.netloc)]
        return self.library.Request(
            request.method,
            url,
            headers=[*hosts, *headers],
            stream=request.stream,
            extensions=extensions,
        )

    def _failed(self, recording: Recording, problem: BaseException) -> None:
        with Harmless(recording.recorder):
            if self.never_connected(problem):
                recording.unreachable(problem)
            elif isinstance(problem, (GeminiReplayError, self.library.LocalProtocolError)):
                recording.recorder.drop()  # refused below, by another session; or it could not be sent as it is
            else:
                tell_end(recording.recorder, problem, self.classify)


class _SyncBody:
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
        self._source.close()


class _AsyncBody:
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
        await self._source.aclose()


# -- interception ----------------------------------------------------------------------------------------------------


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


def interceptions(library: str) -> list[Interception]:
    """What to replace in a library that has been imported.

    Raises:
        GeminiReplayError: the library is built otherwise than those that we know.
    """
    kin = family(library)

    def sync(original: Callable[..., Any]) -> Callable[..., Any]:
        def handle_request(transport: Any, request: Any) -> Any:
            return handle(kin, _owner(request), request, lambda out: original(transport, out))

        return handle_request

    def asynchronous(original: Callable[..., Any]) -> Callable[..., Any]:
        async def handle_async_request(transport: Any, request: Any) -> Any:
            return await ahandle(kin, _owner(request), request, lambda out: original(transport, out))

        return handle_async_request

    return [
        (kin.library.HTTPTransport, "handle_request", sync),
        (kin.library.AsyncHTTPTransport, "handle_async_request", asynchronous),
    ]


def handle(kin: Family, here: session.Session | None, request: Any, send: Callable[[Any], Any]) -> Any:
    """Do with one request what the session says."""
    if not _ours(here, request):
        return send(request)
    assert here is not None
    started = pacing.WallClock().now()
    request.read()
    plan: Plan = here.plan(kin.asked(request))
    if isinstance(plan, Playback):
        return kin.play(plan, request, started)
    if isinstance(plan, NoConnection):
        pacing.WallClock().sleep(unconnected_after(plan, request))
        raise kin.unconnected(plan.cause)
    if isinstance(plan, Recording):
        return kin.record(plan, request, send)
    return send(request)


async def ahandle(
    kin: Family, here: session.Session | None, request: Any, send: Callable[[Any], Awaitable[Any]]
) -> Any:
    """`handle` for async clients."""
    if not _ours(here, request):
        return await send(request)
    assert here is not None
    started = pacing.LoopClock().now()
    await request.aread()
    plan: Plan = here.plan(kin.asked(request))
    if isinstance(plan, Playback):
        return await kin.aplay(plan, request, started)
    if isinstance(plan, NoConnection):
        await pacing.LoopClock().sleep(unconnected_after(plan, request))
        raise kin.unconnected(plan.cause)
    if isinstance(plan, Recording):
        return await kin.arecord(plan, request, send)
    return await send(request)


def _owner(request: Any) -> session.Session | None:
    return None if _HANDLED in request.extensions else session.owner_of(str(request.url))


def _ours(here: session.Session | None, request: Any) -> bool:
    return here is not None and _HANDLED not in request.extensions and here.owns(str(request.url))


def _headers(headers: Any) -> Headers:
    return tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in headers.raw)


def _bytes(item: bytes | Head | Data) -> bytes:
    assert not isinstance(item, Head)  # it was waited for before there was a response
    return item.data if isinstance(item, Data) else item


def _steps(playback: Playback, request: Any) -> Iterator[Step]:
    return playback.steps(request.headers.get("accept-encoding", ""))


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
