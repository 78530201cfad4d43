"""One request of httpx, httpx2, httpcore or httpcore2: answered from a session, or recorded for one."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar

from ..engine import pacing
from ..engine.faults import NoConnection
from ..engine.player import Playback
from ..engine.schedule import Head, Schedule
from ..session import Forward, Session, owner_of
from ..urls import address
from .async_read_ahead import AsyncReadAhead
from .dispatch import carry_out
from .httpx_family import Family, text
from .observing import Harmless, now, report_unanswered
from .read_ahead import ReadAhead
from .wire_reads import before_reads_of

_HANDLED = "gemini_replay.handled"
"""Request extension: a decision was made to send the request, so an inner transport must not ask a session again."""


class _Exchange:
    """Shared by sync and async exchanges.

    Args:
        family: the client's library.
        request: that library's request.
        send: sends a request on, as if there were no session.
    """

    _find_clock: ClassVar[staticmethod[[], Any]]
    """Returns the clock of the client's thread or loop."""

    def __init__(self, family: Family, request: Any, send: Callable[[Any], Any]) -> None:
        self._family = family
        self._request = request
        self._send = send
        self._clock = self._find_clock()
        self._started = self._clock.now()

    @property
    def _read_timeout(self) -> float | None:
        timeout: float | None = self._request.extensions.get("timeout", {}).get("read")
        return timeout

    def _connect_timeout(self, failure: NoConnection) -> float:
        """The client's own time limit for connecting, in seconds."""
        limits = self._request.extensions.get("timeout", {})
        return failure.seconds(
            {"connect-timeout": limits.get("connect"), "pool-timeout": limits.get("pool")}.get(failure.cause)
        )

    def _schedule(self, playback: Playback, started: float) -> Schedule:
        accepted = self._family.accepted_codings(self._request) if playback.may_encode else ""
        return playback.schedule(accepted, started)

    def _marked(self) -> Any:
        self._request.extensions = {**self._request.extensions, _HANDLED: True}
        return self._request

    def _outgoing(self, forward: Forward, trace: Callable[..., Any]) -> Any:
        """The request to send; None if making it has failed, and the client's own request has to be sent unchanged.

        Raises:
            Exception: making it has failed, and the client's own request would go to another server.
        """
        try:
            return self._copied(forward, trace)
        except Exception as problem:
            if self._family.refuses_to_send(problem):
                forward.recorder.drop()
            else:
                forward.recorder.fail(problem)
            if forward.url != self._family.url(self._request):
                raise
            return None

    def _copied(self, forward: Forward, trace: Callable[..., Any]) -> Any:
        request = self._request
        extensions = {**request.extensions, _HANDLED: True, "timeout": {**request.extensions.get("timeout", {})}}
        extensions.setdefault("trace", trace)  # a user's own trace stays; the recorded time is then a little early
        return self._family.outgoing(request, forward.url, extensions)

    def _failed(self, forward: Forward, problem: BaseException) -> None:
        with Harmless(forward.recorder):
            report_unanswered(
                forward,
                problem,
                self._family.classify,
                connected=not self._family.never_connected(problem),
                unsendable=self._family.refuses_to_send(problem),
            )


class SyncExchange(_Exchange):
    """One request of a sync client."""

    _find_clock = staticmethod(pacing.ThreadClock)

    def play(self, playback: Playback) -> Any:
        """Return a response that is played as it is read, when its head is due."""
        # The response does not refer to this exchange: only the garbage collector frees a response of httpx.
        schedule = self._schedule(playback, self._started)
        parts = self._family.sync_played(schedule, self._clock, self._read_timeout, self._family.broken)
        head: Head = next(iter(parts))
        return self._family.response(head.status, head.fields, parts, {"http_version": b"HTTP/1.1"})

    def fail(self, failure: NoConnection) -> Any:
        """Raise what the library raises without a connection."""
        self._clock.sleep(self._connect_timeout(failure))
        raise self._family.failure(failure.cause)

    def record(self, forward: Forward) -> Any:
        """Send the request on, and record what comes back while the client reads it."""
        recorder = forward.recorder

        def trace(event: str, info: Any) -> None:
            if event.endswith("send_request_headers.started"):
                recorder.sent(now())

        outgoing = self._outgoing(forward, trace)
        if outgoing is None:
            return self.pass_on()
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
                before_reads=before_reads_of(_own_stream(response)),
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

    _find_clock = staticmethod(pacing.loop_clock)

    async def play(self, playback: Playback) -> Any:
        """`SyncExchange.play` for async clients. The other methods correspond too."""
        schedule = self._schedule(playback, self._started)
        parts = self._family.async_played(schedule, self._clock, self._read_timeout, self._family.async_broken)
        head: Head = await anext(parts)
        return self._family.response(head.status, head.fields, parts, {"http_version": b"HTTP/1.1"})

    async def fail(self, failure: NoConnection) -> Any:
        """Raise what the library raises without a connection."""
        await self._clock.sleep(self._connect_timeout(failure))
        raise self._family.async_failure(failure.cause, address(self._family.url(self._request)))

    async def record(self, forward: Forward) -> Any:
        """Send the request on, and record what comes back while the client reads it."""
        recorder = forward.recorder

        async def trace(event: str, info: Any) -> None:
            if event.endswith("send_request_headers.started"):
                recorder.sent(now())

        outgoing = self._outgoing(forward, trace)
        if outgoing is None:
            return await self.pass_on()
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
                before_reads=before_reads_of(_own_stream(response)),
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
    """Carry out the session's decision about one request; `session` is None if it has none."""
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
    """The open session that owns a request, if any; None for a request that is already on its way to the network."""
    return None if _HANDLED in request.extensions else owner_of(family.url(request))


def _chunks(begin: Callable[[Any], Any], live: Any, outgoing: Any) -> Any:
    """Begin to read (with `iter` or `aiter`) without the read timeout, which the client's side keeps from now on."""
    outgoing.extensions["timeout"]["read"] = None
    return begin(live)


def _own_stream(response: Any) -> Any:
    """The stream of this response's connection; None if there is none, or if others share it."""
    if response.extensions.get("http_version", b"").startswith(b"HTTP/2"):
        return None
    return response.extensions.get("network_stream")


def _interrupt(response: Any) -> Callable[[], None] | None:
    """A function that makes a blocked read of this response return: it shuts down the socket, unless it is shared."""
    stream = _own_stream(response)
    sock = stream.get_extra_info("socket") if stream is not None else None
    if sock is None:
        return None

    # The plain method: on a TLS socket, the reader may be inside the TLS layer at this moment.
    return partial(socket.socket.shutdown, sock, socket.SHUT_RDWR)
