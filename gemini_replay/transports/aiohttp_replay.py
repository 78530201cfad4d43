"""Replaying through aiohttp: a real `ResponseHandler` over a transport that plays HTTP/1.1 into it.

Each recorded chunk is one HTTP chunk and comes in a call of its own, so that the parser sees the true boundaries.
Time limits, decompression, flow control and errors are aiohttp's.
"""

from __future__ import annotations

import asyncio
import errno
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from ..cassette.model import End
from ..engine.player import Data, Head, Playback, Silence, Step, Stop
from ..errors import RecordingEndedError
from ..loops import AsyncioClock, Timer
from . import http1

_Moment = tuple[float, bytes | End | Exception]

_DRY_S = 0.01
"""How often to look whether a client has read all that a cancelled recording holds."""


class Offline:
    """A connector, but for where its connections come from: limits, traces and closing are the real one's."""

    def __init__(self, connector: Any, playback: Playback, request: Any, *, spent: float) -> None:
        self._connector = connector
        self._playback = playback
        self._request = request
        self._spent = spent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    async def _create_connection(self, _request: Any, _traces: Any, timeout: Any) -> ResponseHandler:
        protocol = _Handler(asyncio.get_running_loop())
        protocol.connection_made(_Played(protocol, self._playback, self._request, self._spent, timeout.total))
        protocol.force_close()  # it is good for this one request and never goes to the pool
        return protocol


class Unpooled:
    """A request, but for its place in the connector's pool: one where no connection ever rests."""

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
    """The real one; it tells the transport when the request has been sent, and remembers the body."""

    body: Any = None

    def start_timeout(self) -> None:
        super().start_timeout()
        if isinstance(self.transport, _Played):
            self.transport.start()

    def feed_data(self, item: Any, *size: int) -> Any:
        self.body = item[1]
        return super().feed_data(item, *size)

    @property
    def unread(self) -> bool:
        return self.body is not None and bool(self.body._buffer)

    def fail(self, error: Exception) -> None:
        self.set_exception(error)
        if self.body is not None:
            self.body.set_exception(error)


class _Played(asyncio.Transport):
    """The connection: plays a recorded answer, each step at its moment.

    It needs no task, so that nothing is left where a loop ends in mid-stream.
    """

    def __init__(
        self, protocol: _Handler, playback: Playback, request: Any, spent: float, total: float | None
    ) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._clock = AsyncioClock(self._loop)
        self._began = self._clock.now() - spent
        self._protocol = protocol
        steps = playback.steps(request.headers.get("Accept-Encoding", ""))
        self._moments = _moments(steps, request.method, lambda: protocol._read_timeout, total)
        self._moment: _Moment | None = None
        self._handle: Timer | None = None
        self._started = False
        self._paused = False
        self._closing = False
        self._asks_to_go_on = request.headers.get("Expect", "").lower() == "100-continue"

    # -- the far side ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The request has been sent."""
        if not self._started:
            self._started = True
            self._moment = next(self._moments)
            self._arm()

    def _arm(self) -> None:
        # Each moment has a turn of the loop to itself, also where several are due: a client that keeps up sees each.
        if self._handle is None and self._moment is not None and not self._paused and not self._closing:
            self._handle = self._clock.call_at(self._began + self._moment[0], self._play)

    def _play(self) -> None:
        assert self._moment is not None
        _, what = self._moment
        self._moment = next(self._moments, None)
        self._handle = None
        if isinstance(what, bytes):
            self._protocol.data_received(what)
        elif isinstance(what, Exception):
            self._protocol.fail(what)
        else:
            self._stop(what)
        self._arm()

    def _stop(self, end: End) -> None:
        if end.kind == "timeout":
            self._protocol.fail(_read_timeout())
        elif end.kind == "cancelled" and self._protocol.unread:
            # The client shall have all there is before it hears that there is no more.
            self._moment = (self._clock.now() - self._began + _DRY_S, end)
        elif end.kind == "cancelled":
            self._protocol.fail(RecordingEndedError())
        elif end.kind == "reset" and end.how is None:
            self._lose(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
        else:
            self._protocol.eof_received()
            self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._protocol.connection_lost(error)

    # -- what a protocol does with its transport ---------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take a part of the request, which is known already."""
        if self._asks_to_go_on:
            self._asks_to_go_on = False
            self._loop.call_soon(self._protocol.data_received, b"HTTP/1.1 100 Continue\r\n\r\n")

    def pause_reading(self) -> None:
        """Play nothing until `resume_reading`."""
        self._paused = True
        self._cancel()

    def resume_reading(self) -> None:
        """Go on, at once with what is due."""
        if self._paused:
            self._paused = False
            self._arm()

    def is_closing(self) -> bool:
        """Whether the connection has ended, or is about to."""
        return self._closing

    def close(self) -> None:
        """End the connection from the client's side."""
        if not self._closing:
            self._closing = True
            self._cancel()
            if not self._loop.is_closed():
                self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        """`close`, since nothing waits to be sent."""
        self.close()

    def _cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class _Broken(Exception):
    def __init__(self, by: End | Exception) -> None:
        self.by = by


def _read_timeout() -> Exception:
    # Since 3.10 it has a name of its own.
    kind = getattr(aiohttp, "SocketTimeoutError", aiohttp.ServerTimeoutError)
    error: Exception = kind("Timeout on reading data from socket")
    return error


def _moments(
    steps: Iterator[Step], method: str, patience: Callable[[], float | None], total: float | None
) -> Iterator[_Moment]:
    """What is due when: the packets of the answer, then how the connection ends.

    Args:
        steps: of one playback.
        method: of the request.
        patience: gives the client's limit for one read, in seconds.
        total: its limit for the whole request. Aiohttp's own timers keep both, but not where nobody waits.
    """
    at = silent = 0.0

    def before_the_end() -> Iterator[Head | Data]:
        nonlocal at, silent
        for step in steps:
            at = step.at
            if isinstance(step, Silence):
                limit = patience()
                read_until = silent + limit if limit and step.seconds > limit else math.inf
                silent += step.seconds
                if total and min(silent, read_until) > total:
                    raise _Broken(TimeoutError())
                if read_until < math.inf:
                    raise _Broken(_read_timeout())
            elif not isinstance(step, Stop):
                yield step
            elif step.end.kind != "eof":
                raise _Broken(step.end)

    try:
        for packet in http1.packets(before_the_end(), method):
            yield at, packet
    except _Broken as broken:
        yield at, broken.by
    else:
        yield at, End()
