"""aiohttp: its own pool, parser, decoding and timers, over a connection that is played, or a real one that is watched.

The seam is `BaseConnector.connect`. Every attempt of every request comes through it before a byte is sent, also one
that a pooled connection would serve; method, URL, headers and body are known there.

Replaying, the connector's own `connect` gives out a real `ResponseHandler` over a transport that plays HTTP/1.1
into it: one HTTP chunk for each recorded one, each in a call of its own. It is never pooled.

Recording, the connection is the real one and nothing is added to it: the wire's chunks are noted where aiohttp's
parser hands them to the body (before they are decompressed), while the consumer is busy elsewhere. aiohttp stops
reading from the socket when more than its own limit (128 KiB; 512 KiB since 3.14) lies unread, and a recording does
not change that: what comes after that has the time at which aiohttp took it up again.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import aiohttp

from .. import session
from ..cassette.model import End, EndKind, Request, header
from ..engine.player import Data, Head, Playback, Step
from ..engine.recorder import Recorder
from ..errors import GeminiReplayError, RecordingEndedError
from ..session import Recording
from .patching import Interception
from .read_ahead import now

try:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.http_parser import DeflateBuffer
    from aiohttp.payload import Payload
    from aiohttp.streams import StreamReader
except ImportError as moved:
    raise GeminiReplayError(
        f"aiohttp {aiohttp.__version__} is built otherwise than this release of gemini-replay knows: {moved}.",
        todo="Use aiohttp 3.9 to 3.14, or a newer gemini-replay.",
    ) from moved

Connect = Callable[..., Awaitable[Any]]

_TIMEOUT: type[Exception] = getattr(
    aiohttp, "SocketTimeoutError", aiohttp.ServerTimeoutError
)  # the former since 3.10
_DRY_S = 0.01
_ROUTED = "_gemini_replay_routed"


def interceptions(library: str) -> list[Interception]:
    """What to replace in aiohttp, which has been imported."""
    return [
        (aiohttp.BaseConnector, "connect", _connecting),
        (StreamReader, "feed_data", _reading),
        (StreamReader, "feed_eof", _ending),
        (DeflateBuffer, "feed_data", _inflating),
    ]


def _connecting(original: Connect) -> Connect:
    async def connect(connector: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        here = session.current()
        if here is None or not here.owns(str(_url(request))):
            return await original(connector, request, *args, **kwargs)
        plan = here.plan(await _asked(request))
        if isinstance(plan, Playback):
            return await original(_Offline(connector, plan, request), _Unpooled(request), *args, **kwargs)
        if isinstance(plan, Recording):
            return await _record(plan, request, lambda: original(connector, request, *args, **kwargs))
        return await original(connector, request, *args, **kwargs)

    return connect


# -- what is asked ---------------------------------------------------------------------------------------------------


async def _asked(request: Any) -> Request:
    headers = tuple((str(name), str(value)) for name, value in request.headers.items())
    agent = header(headers, "x-goog-api-client") or header(headers, "user-agent") or ""
    named = f"aiohttp {aiohttp.__version__}"
    if agent and not agent.startswith("Python/"):  # aiohttp's own
        named += f"; {agent.split()[0]}"
    return Request(request.method, str(_url(request)), headers, await _body(request), named)


async def _body(request: Any) -> bytes:
    """The request's body, which stays sendable."""
    body = request.body
    if not isinstance(body, Payload):
        return bytes(body)
    if hasattr(body, "as_bytes"):  # since 3.12; made to be called before the body is sent
        data: bytes = await body.as_bytes()
        return data
    collected = bytearray()

    class Collector:
        async def write(self, data: bytes) -> None:
            collected.extend(data)

    await body.write(Collector())  # type: ignore[arg-type]
    request.body = bytes(collected)  # it may have been an iterator or a file, which can be read only once
    return bytes(collected)


def _url(request: Any) -> Any:
    """The URL that the client asked for, also where a recording sends the request elsewhere."""
    asked, routed = vars(request).get(_ROUTED, (request.url, request.url))
    return asked if request.url is routed else request.url


def _route(request: Any, url: str) -> None:
    asked = _url(request)
    if url == str(asked):
        return
    routed = type(asked)(url, encoded=True)
    vars(request)[_ROUTED] = asked, routed  # a middleware may send the same request again
    request.url = routed
    request.headers["Host"] = urlsplit(url).netloc.rpartition("@")[2]


# -- recording -------------------------------------------------------------------------------------------------------


async def _record(recording: Recording, request: Any, connect: Callable[[], Awaitable[Any]]) -> Any:
    recorder = recording.recorder
    if "Upgrade" in request.headers:  # a websocket is no stream of responses
        recorder.drop()
        return await connect()
    _route(request, recording.url)
    try:
        connection = await connect()
    except Exception as problem:
        recording.unreachable(problem)
        raise
    except BaseException:  # cancelled
        recorder.drop()
        raise
    recorder.sent(now())
    protocol = connection.protocol
    protocol.gemini_replay_watch = _Watch(recorder, protocol)
    protocol.__class__ = _watched(type(protocol))
    return connection


class _Watch:
    """What is noted of one exchange on a real connection."""

    def __init__(self, recorder: Recorder, protocol: Any) -> None:
        self._recorder = recorder
        self._protocol = protocol
        self._unwatched = type(protocol)
        self._early: list[bytes | None] | None = []
        self.compressed = False
        self.timer: Any = None

    def head(self, message: Any, body: Any) -> None:
        if 100 <= message.code < 200 or self._early is None:
            return
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in message.raw_headers)
        self._recorder.head(message.code, headers, now())
        early, self._early = self._early, None
        for data in early:
            self.chunk(data) if data is not None else self.end("eof")
        if body.is_eof():  # it has none
            self.end("eof")

    def chunk(self, data: bytes) -> None:
        if self._early is not None:  # the parser tells of the head when it has parsed all that came with it
            self._early.append(data)
        elif data:
            self._recorder.chunk(data, now())

    def eof(self) -> None:
        if self._early is not None:
            self._early.append(None)
        else:
            self.end("eof")

    def let_go(self) -> None:
        """The client closes the connection: by a time limit of its own for the whole request, or at will."""
        self.end("timeout" if getattr(self.timer, "_cancelled", False) else "cancelled")

    def end(self, kind: EndKind, how: Literal["closed"] | None = None) -> None:
        self._recorder.end(kind, now(), how=how)  # passed over where it has ended
        self._protocol.__class__ = self._unwatched


class _Watched(ResponseHandler if TYPE_CHECKING else object):
    """Mixed into the class of a connection's `ResponseHandler` for the length of one exchange."""

    __slots__ = ()
    gemini_replay_watch: _Watch

    def set_response_params(self, *, timer: Any = None, **params: Any) -> None:
        self.gemini_replay_watch.timer = timer
        super().set_response_params(timer=timer, **params)

    def feed_data(self, item: Any, *size: int) -> Any:
        self.gemini_replay_watch.head(*item)
        return super().feed_data(item, *size)

    def set_exception(self, exc: Any, *cause: Any) -> None:
        super().set_exception(exc, *cause)
        timed_out = isinstance(exc, aiohttp.ServerTimeoutError)
        closed = isinstance(exc, aiohttp.ServerDisconnectedError)
        self.gemini_replay_watch.end("timeout" if timed_out else "reset", "closed" if closed else None)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)  # which is the regular end of a body that has no length
        self.gemini_replay_watch.end("reset", "closed" if exc is None else None)

    def close(self) -> None:
        self.gemini_replay_watch.let_go()
        super().close()

    def abort(self) -> None:
        self.gemini_replay_watch.let_go()
        super().abort()


@cache
def _watched(handler: type) -> type:
    return type(handler.__name__, (_Watched, handler), {"__slots__": ()})


def _watch(body: Any) -> _Watch | None:
    protocol = body._protocol
    return protocol.gemini_replay_watch if isinstance(protocol, _Watched) else None


def _reading(original: Callable[..., Any]) -> Callable[..., Any]:
    def feed_data(body: Any, data: bytes, *size: int) -> Any:
        if (watch := _watch(body)) is not None and not watch.compressed:
            watch.chunk(data)
        return original(body, data, *size)

    return feed_data


def _inflating(original: Callable[..., Any]) -> Callable[..., Any]:
    def feed_data(inflating: Any, data: bytes, *size: int) -> Any:
        if (watch := _watch(inflating.out)) is not None:
            watch.compressed = True
            watch.chunk(data)
        return original(inflating, data, *size)

    return feed_data


def _ending(original: Callable[..., Any]) -> Callable[..., Any]:
    def feed_eof(body: Any) -> Any:
        if (watch := _watch(body)) is not None:
            watch.eof()
        return original(body)

    return feed_eof


# -- replaying -------------------------------------------------------------------------------------------------------


class _Offline:
    """A connector, but for where its connections come from: limits, traces and closing are the real one's."""

    def __init__(self, connector: Any, playback: Playback, request: Any) -> None:
        self._connector = connector
        self._playback = playback
        self._request = request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    async def _create_connection(self, *_: Any) -> ResponseHandler:
        protocol = _Handler(asyncio.get_running_loop())
        protocol.connection_made(_Played(protocol, self._playback, self._request))
        protocol.force_close()
        return protocol


class _Unpooled:
    """A request, but for its place in the connector's pool, where no connection ever rests."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self.connection_key = _Key(request.connection_key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)


@dataclass(frozen=True)
class _Key:
    real: Any
    is_ssl: bool = False


class _Handler(ResponseHandler):
    """The real one; it lets the transport know when the request has been sent, and where the body is."""

    body: Any = None

    def start_timeout(self) -> None:
        super().start_timeout()
        if isinstance(self.transport, _Played):
            self.transport.start()

    def feed_data(self, item: Any, *size: int) -> Any:
        self.body = item[1]
        return super().feed_data(item, *size)

    def fail(self, error: Exception) -> None:
        self.set_exception(error)
        if self.body is not None:
            self.body.set_exception(error)


class _Played(asyncio.Transport):
    """The far side of a connection: plays a recorded answer as HTTP/1.1, on the loop's own clock."""

    def __init__(self, protocol: _Handler, playback: Playback, request: Any) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._steps: Iterator[Step] = playback.steps(request.headers.get("Accept-Encoding", ""))
        self._step: Step | None = None
        self._handle: asyncio.Handle | None = None
        self._began = self._loop.time()
        self._paused = False
        self._closing = False
        self._bodiless = request.method == "HEAD"
        self._chunked = False
        self._expected = request.headers.get("Expect", "").lower() == "100-continue"

    def start(self) -> None:
        """The request has been sent."""
        self._advance()

    def _advance(self) -> None:
        self._step = next(self._steps, None)
        self._arm()

    def _arm(self) -> None:
        # Each step in a turn of the loop of its own, also where several are due: a reader that keeps up sees each.
        if self._step is not None and not self._paused and not self._closing:
            self._handle = self._loop.call_at(self._began + self._step.at, self._play)

    def _play(self) -> None:
        step = self._step
        if isinstance(step, Head):
            self._protocol.data_received(self._head(step))
        elif isinstance(step, Data):
            if step.data:  # HTTP has no empty chunk
                self._protocol.data_received(self._framed(step.data))
        elif step is not None:
            self._stop(step.end)
        self._advance()

    def _head(self, head: Head) -> bytes:
        names = {name.lower() for name, _ in head.headers}
        headers = list(head.headers)
        if not self._bodiless and head.status not in {204, 304}:
            self._chunked = "transfer-encoding" in names or "content-length" not in names
        if self._chunked:
            headers = [pair for pair in headers if pair[0].lower() != "content-length"]
            if "transfer-encoding" not in names:
                headers.append(("Transfer-Encoding", "chunked"))
        phrase = HTTPStatus(head.status).phrase if head.status in HTTPStatus._value2member_map_ else ""
        lines = [f"HTTP/1.1 {head.status} {phrase}", *(f"{name}: {value}" for name, value in headers), "", ""]
        return "\r\n".join(lines).encode("latin-1", "replace")

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data

    def _stop(self, end: End) -> None:
        if end.kind == "eof" and self._chunked:
            self._protocol.data_received(b"0\r\n\r\n")
        elif end.kind == "timeout":
            self._protocol.fail(_TIMEOUT("Timeout on reading data from socket"))
        elif end.kind == "cancelled":
            self._run_dry()
        elif end.kind == "reset" and end.how is None:
            self._lose(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
        else:
            self._protocol.eof_received()
            self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._protocol.connection_lost(error)

    def _run_dry(self) -> None:
        """The recording has no more: an error, but not before the client has read what there is."""
        body = self._protocol.body
        if body is not None and body._buffer:
            self._handle = self._loop.call_later(_DRY_S, self._run_dry)
        else:
            self._protocol.fail(RecordingEndedError())

    # -- what a protocol does with its transport ---------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take a part of the request, which is known already."""
        if self._expected:
            self._expected = False
            self._loop.call_soon(self._protocol.data_received, b"HTTP/1.1 100 Continue\r\n\r\n")

    def pause_reading(self) -> None:
        self._paused = True
        self._cancel()

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            self._arm()

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """End the connection from the client's side."""
        if not self._closing:
            self._closing = True
            self._cancel()
            if not self._loop.is_closed():
                self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        """`close`: nothing waits to be sent."""
        self.close()

    def _cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
