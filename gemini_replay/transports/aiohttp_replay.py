"""Replaying through aiohttp: a real `ResponseHandler` on a transport that plays HTTP/1.1 into it.

Each recorded chunk is one HTTP chunk and arrives in a call of its own, so that the parser sees the true boundaries.
Time limits, decompression, flow control and errors are aiohttp's own.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from .. import http1
from ..engine.player import Playback
from ..engine.schedule import Broken
from ..engine.timing import INSTANT
from ..errors import RecordingEndedError
from ..loops import AsyncioClock, Timer
from . import socket_failures

_ROUNDED_S = 0.01
"""By how much, in seconds, a recorded silence may be shorter than the limit that has ended it."""
_NEARLY = 0.9
"""The share of a limit for the whole request that is recorded: it also limits connecting."""
_DRY_S = 0.01
"""How often to check whether a client has read all of a cancelled recording, in seconds."""


FAILURES: dict[str, Callable[[Any], Exception]] = {
    # The name of a read timeout is new in aiohttp 3.10.
    "timeout": lambda key: getattr(aiohttp, "SocketTimeoutError", aiohttp.ServerTimeoutError)(
        "Timeout on reading data from socket"
    ),
    "total timeout": lambda key: TimeoutError(),  # aiohttp's session turns it into its own exception
    "reset": lambda key: socket_failures.FAILURES["reset"](),
    "cancelled": lambda key: RecordingEndedError(),
    "refused": lambda key: aiohttp.ClientConnectorError(key, socket_failures.FAILURES["refused"]()),
    "tls": lambda key: aiohttp.ClientConnectorCertificateError(key, socket_failures.FAILURES["tls"]()),
    "connect-timeout": lambda key: aiohttp.ClientConnectorError(
        key, TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    ),
    "pool-timeout": lambda key: TimeoutError(),
}
"""What each ending and each missing connection raises, given the request's connection key.

"closed" is the end of the connection's bytes, of which aiohttp makes its own exception.
"""


class Offline:
    """The real connector with its limits, traces and closing, except that its connections play.

    It has the attributes of the connector itself, which aiohttp reads and sets, and calls its methods.
    """

    __slots__ = ("__dict__", "_clock", "_connector", "_playback", "_request", "_spent")

    def __init__(
        self, connector: Any, playback: Playback, request: Any, *, clock: AsyncioClock, spent: float
    ) -> None:
        self.__dict__ = vars(connector)
        self._connector = connector
        self._playback = playback
        self._request = request
        self._clock = clock
        self._spent = spent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    async def _create_connection(self, _request: Any, _traces: Any, timeout: Any) -> ResponseHandler:
        started = self._clock.now() - self._spent
        protocol = _Handler(asyncio.get_running_loop())
        protocol.connection_made(
            _Played(protocol, self._playback, self._request, self._clock, started, timeout.total)
        )
        protocol.force_close()  # it serves only this request and never goes to the pool
        return protocol


class Unpooled:
    """The real request, except for its place in the connector's pool, where no connection is ever kept."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self.connection_key = _Key(request.connection_key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)


@dataclass(frozen=True)
class _Key:
    real: Any
    is_ssl: bool = False

    def __repr__(self) -> str:  # it is in aiohttp's warnings
        return repr(self.real)


class _Handler(ResponseHandler):
    """The real handler. It also tells the transport when the request has been sent, and keeps the body."""

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

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self.body = None  # which refers to this handler, so that only the garbage collector would free both

    def fail(self, error: Exception) -> None:
        self.set_exception(error)
        if self.body is not None:
            self.body.set_exception(error)


class _Played(asyncio.Transport):
    """A connection that plays a recorded response, each part when it is due.

    It needs no task, so that nothing is left if a loop ends in mid-stream.
    """

    def __init__(
        self,
        protocol: _Handler,
        playback: Playback,
        request: Any,
        clock: AsyncioClock,
        started: float,
        total: float | None,
    ) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._protocol = protocol
        self._playback = playback
        self._schedule = playback.schedule(request.headers.get("Accept-Encoding", ""), started)
        self._framer = http1.Framer(request.method)
        self._skips_stalls = playback.speed == INSTANT
        self._total = total
        self._due: Iterator[bytes] = iter(())  # the bytes of the parts that are due
        self._next: bytes | None = None  # the next of them
        self._handle: Timer | asyncio.Handle | None = None
        self._started = False
        self._paused = False
        self._closing = False
        self._asks_to_go_on = request.headers.get("Expect", "").lower() == "100-continue"

    # -- the far side ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The request has been sent."""
        if not self._started:
            self._started = True
            self._arm()

    def _arm(self) -> None:
        # Each part has its own turn of the loop, even if several are due, so a fast client sees each.
        if self._handle or self._paused or self._closing or not self._started:
            return
        if self._next is None and (wait := self._schedule.wait(self._clock.now(), self._limit)) > 0.0:
            self._handle = self._clock.call_later(wait, self._play)
        else:
            self._handle = self._loop.call_soon(self._play)

    @property
    def _limit(self) -> float | None:
        """Seconds for which silence is played; None: for ever, since aiohttp's own timers keep its time limits."""
        if not self._skips_stalls:
            return None
        limits = [limit for limit in (self._protocol._read_timeout, self._total_left) if limit is not None]
        return min(limits, default=None)

    @property
    def _total_left(self) -> float | None:
        return self._total - self._schedule.skipped if self._total else None

    def _play(self) -> None:
        self._handle = None
        data = self._next
        if data is None:
            try:
                parts = self._schedule.take()
            except Broken as broken:
                self._break(broken.ending)
                return
            if not parts:
                if self._framer.end:
                    self._protocol.data_received(self._framer.end)
                self._break("closed")
                return
            self._due = self._framer.frames(parts)
            data = next(self._due)
        self._next = next(self._due, None)
        if data:
            self._protocol.data_received(data)
        if self._next is not None and not (self._handle or self._paused or self._closing):
            self._handle = self._loop.call_soon(self._play)
        else:
            self._arm()

    def _break(self, ending: str) -> None:
        if ending == "cancelled" and self._protocol.unread:
            # The client gets all chunks before it gets the error that there are no more.
            self._handle = self._clock.call_later(_DRY_S, self._play)
        elif ending == "closed":
            self._protocol.eof_received()
            self._lose(None)
        elif ending == "reset":
            self._lose(FAILURES[ending](None))
        else:
            cause = "total timeout" if ending == "timeout" and self._total_was_reached() else ending
            self._protocol.fail(FAILURES[cause](None))

    def _total_was_reached(self) -> bool:
        """Whether a timeout was that of the whole request, and not of a read: they raise different exceptions.

        A cassette does not tell them apart. With both limits, it was a read if the silence before it was long enough.
        """
        total, limit = self._total, self._protocol._read_timeout
        if not total or not limit:
            return bool(total)
        script = self._playback.script
        if self._skips_stalls and script is not None and script.stalls:
            return total - self._schedule.skipped <= limit
        recorded = self._playback.interaction
        return recorded.end.after < limit - _ROUNDED_S and recorded.duration > _NEARLY * total

    def _lose(self, error: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._protocol.connection_lost(error)

    # -- the methods that a protocol calls ---------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Ignore the request, which is known already, but answer ``Expect: 100-continue``."""
        if self._asks_to_go_on:
            self._asks_to_go_on = False
            self._loop.call_soon(self._protocol.data_received, b"HTTP/1.1 100 Continue\r\n\r\n")

    def pause_reading(self) -> None:
        """Play nothing until `resume_reading`."""
        self._paused = True
        self._cancel()

    def resume_reading(self) -> None:
        """Go on. Parts that are due already are played at once."""
        if self._paused:
            self._paused = False
            self._arm()

    def is_closing(self) -> bool:
        """Whether the connection has ended or is about to."""
        return self._closing

    def close(self) -> None:
        """End the connection from the client's side."""
        if not self._closing:
            self._closing = True
            self._cancel()
            if not self._loop.is_closed():
                self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        """The same as `close`: nothing is waiting to be sent."""
        self.close()

    def _cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
