"""httpx and httpx2, sync and async: one implementation that takes the library as a parameter.

The seam is the library's own network transport (`HTTPTransport.handle_request`, `AsyncHTTPTransport.
handle_async_request`), the same in httpx 0.24–0.28 and httpx2 2.x. Clients, proxies, mounts, decoding and error
handling above it are the real ones.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from functools import cache
from typing import Any, Literal

from .. import session
from ..cassette.model import EndKind, Headers, Request, header
from ..engine import pacing
from ..engine.faults import Cause, NoConnection
from ..engine.player import Data, Head, Playback, Step
from ..errors import GeminiReplayError, RecordingEndedError
from ..patching import Interception
from ..session import Plan, Recording
from .read_ahead import AsyncReadAhead, ReadAhead, now

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
        agent = header(headers, "x-goog-api-client") or header(headers, "user-agent") or ""
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

    def classify(self, problem: BaseException) -> tuple[EndKind, Literal["closed"] | None]:
        """How an exception ends a response that is being recorded."""
        if isinstance(problem, self.library.ReadTimeout):
            return "timeout", None
        if isinstance(problem, self.library.RemoteProtocolError):
            return "reset", "closed"
        if isinstance(problem, self.library.TransportError):
            return "reset", None
        return "cancelled", None

    def never_connected(self, problem: BaseException) -> bool:
        """Whether there was no connection at all."""
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
            headers=list(head.headers),
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
        recorder.head(response.status_code, _headers(response.headers), now())
        live = response.stream
        ahead = ReadAhead(
            iter(live),
            recorder,
            classify=self.classify,
            wake=_wake(response),
            close=live.close,
            patience=_patience(outgoing),
        )
        return self._recorded(response, self.sync_body(self, ahead))

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
        recorder.head(response.status_code, _headers(response.headers), now())
        live = response.stream
        ahead = AsyncReadAhead(
            aiter(live), recorder, classify=self.classify, close=live.aclose, patience=_patience(outgoing)
        )
        return self._recorded(response, self.async_body(self, ahead))

    def _recorded(self, response: Any, stream: Any) -> Any:
        # A new one, since a transport that knows the whole body (a mock) may give a response that is read already.
        return self.library.Response(
            response.status_code, headers=response.headers.raw, stream=stream, extensions=response.extensions
        )

    def _outgoing(self, recording: Recording, request: Any, trace: Callable[..., Any]) -> Any:
        extensions = {**request.extensions, _HANDLED: True, "timeout": {**request.extensions.get("timeout", {})}}
        extensions.setdefault("trace", trace)  # a trace of the user's own stays; the moment is then a little early
        headers = [pair for pair in request.headers.raw if pair[0].lower() != b"host"]
        url = self.library.URL(recording.url)
        host = request.headers.get("host") if url.netloc == request.url.netloc else url.netloc.decode("ascii")
        return self.library.Request(
            request.method,
            url,
            headers=[(b"Host", host.encode("ascii")), *headers],
            stream=request.stream,
            extensions=extensions,
        )

    def _failed(self, recording: Recording, problem: BaseException) -> None:
        if self.never_connected(problem):
            recording.unreachable(problem)
        elif isinstance(problem, GeminiReplayError):  # refused below, by another session
            recording.recorder.drop()
        else:
            kind, how = self.classify(problem)
            recording.recorder.end(kind, now(), how=how)


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


@cache
def family(library: str) -> Family:
    """The `Family` of a library that has been imported."""
    return Family(sys.modules[library])


def interceptions(library: str) -> list[Interception]:
    """What to replace in a library that has been imported."""
    kin = family(library)

    def sync(original: Callable[..., Any]) -> Callable[..., Any]:
        def handle_request(transport: Any, request: Any) -> Any:
            return handle(kin, session.current(), request, lambda out: original(transport, out))

        return handle_request

    def asynchronous(original: Callable[..., Any]) -> Callable[..., Any]:
        async def handle_async_request(transport: Any, request: Any) -> Any:
            return await ahandle(kin, session.current(), request, lambda out: original(transport, out))

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


def _ours(here: session.Session | None, request: Any) -> bool:
    return here is not None and _HANDLED not in request.extensions and here.owns(str(request.url))


def _headers(headers: Any) -> Headers:
    return tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in headers.raw)


def _encoded(text: str) -> bytes:
    try:
        return text.encode("latin-1")  # as HTTP's own bytes were decoded
    except UnicodeEncodeError:
        return text.encode()  # a cassette written by hand


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


def _patience(outgoing: Any) -> float | None:
    """Take the read timeout away from the wire, once the head is there: from now on the consumer's side keeps it."""
    patience = _read_timeout(outgoing)
    outgoing.extensions["timeout"]["read"] = None
    return patience


def _wake(response: Any) -> Callable[[], None] | None:
    """What makes a blocked read of this response return: ending its socket, where it has one to itself."""
    if response.extensions.get("http_version", b"").startswith(b"HTTP/2"):
        return None
    stream = response.extensions.get("network_stream")
    sock = stream.get_extra_info("socket") if stream is not None else None
    if sock is None:
        return None

    def wake() -> None:
        # The plain method: on a TLS socket the reader may be inside the TLS layer's own state just now.
        with contextlib.suppress(OSError):  # it has ended meanwhile
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    return wake
