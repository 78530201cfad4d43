"""aiohttp: its own pool, parser, decoding and timers work on a played connection, or on a real one that is watched.

The replaced method is `BaseConnector.connect`. Every attempt of every request calls it before a byte is sent, even if
it will use a pooled connection, and method, URL, headers and body are known there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp

from ..cassette.model import Ending, Request
from ..engine import pacing
from ..engine.faults import NoConnection
from ..engine.player import Playback
from ..loops import AsyncioClock
from ..session import Forward, owner_of
from ..urls import netloc
from . import aiohttp_record, aiohttp_replay
from .dispatch import carry_out
from .observing import Harmless, report_unanswered

_ROUTED = "_gemini_replay_routed"


def connecting(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """`BaseConnector.connect`, which asks the current session first."""

    async def connect(connector: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        attempt = _Attempt(original, connector, request, args, kwargs)
        session = owner_of(str(_url(request)))
        if session is None:
            return await attempt.pass_on()
        return await carry_out(session.decide(await attempt.read()), attempt)

    return connect


class _Attempt:
    """One attempt of a connector to connect for a request.

    Args:
        original: aiohttp's own function.
        connector: the connector.
        request: the request.
        args: further arguments of aiohttp's function.
        kwargs: likewise.
    """

    def __init__(
        self,
        original: Callable[..., Awaitable[Any]],
        connector: Any,
        request: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._connect = original
        self._connector = connector
        self._request = request
        self._args = args
        self._kwargs = kwargs

    async def read(self) -> Request:
        """The request as a cassette stores it. The time of a playback counts from here."""
        clock = pacing.loop_clock()
        assert isinstance(clock, AsyncioClock)  # aiohttp knows no other loops
        self._clock = clock
        self._began = self._clock.now()
        return await _as_request(self._request)

    async def play(self, playback: Playback) -> Any:
        """Give a connection that plays the recording."""
        spent = self._clock.now() - self._began
        offline = aiohttp_replay.Offline(self._connector, playback, self._request, clock=self._clock, spent=spent)
        return await self._connect(offline, aiohttp_replay.Unpooled(self._request), *self._args, **self._kwargs)

    async def fail(self, failure: NoConnection) -> Any:
        """Raise aiohttp's own exception without a connection, after its own time limit if it has one."""
        cause: str = failure.cause
        if cause.endswith("timeout"):
            timeout: Any = self._args[-1] if self._args else self._kwargs.get("timeout")
            limits = [timeout.connect, timeout.sock_connect if cause == "connect-timeout" else None]
            limit = min((limit for limit in limits if limit), default=None)
            if not failure.waits and timeout.total and timeout.total <= replace(failure, waits=True).seconds(limit):
                self._request._timer.timeout()  # the client's limit for the whole request, which comes first
            await self._clock.sleep(failure.seconds(limit))
            if limit is not None:
                cause = "total timeout"
        raise aiohttp_replay.FAILURES[cause](self._request.connection_key)

    async def record(self, forward: Forward) -> Any:
        """Connect to the server, and record what comes back on the connection."""
        if "Upgrade" in self._request.headers:  # a websocket's answer does not end
            forward.recorder.drop()
            return await self.pass_on()
        try:
            _route(self._request, forward.url)
        except Exception as problem:  # it must not reach the server that the client named
            forward.recorder.fail(problem)
            raise
        try:
            connection = await self.pass_on()
        except BaseException as problem:
            timed_out = getattr(self._request._timer, "_cancelled", False)  # the limit for the whole request
            report_unanswered(forward, TimeoutError() if timed_out else problem, _classify, connected=False)
            raise
        with Harmless(forward.recorder):
            aiohttp_record.watch(connection.protocol, forward.recorder)
        return connection

    async def pass_on(self) -> Any:
        """Connect as if there were no session."""
        return await self._connect(self._connector, self._request, *self._args, **self._kwargs)


def _classify(problem: BaseException) -> Ending | None:
    """The ending that an exception means for a request that has no connection yet."""
    return None if isinstance(problem, Exception) else "cancelled"


# -- the request -----------------------------------------------------------------------------------------------------


async def _as_request(request: Any) -> Request:
    coding = "content-encoding" if request.compress else ""  # aiohttp compresses later; here the body is plain
    pairs = [(str(name), str(value)) for name, value in request.headers.items()]
    headers = tuple([pair for pair in pairs if pair[0].lower() != coding] if coding else pairs)
    return Request(
        request.method, str(_url(request)), headers, await _body(request), f"aiohttp {aiohttp.__version__}"
    )


async def _body(request: Any) -> bytes:
    """The request's body. The request can still be sent afterwards."""
    body = request.body
    if not isinstance(body, aiohttp.Payload):  # bytes until 3.12; a tuple of bytes if they were sent before
        return bytes(body) if isinstance(body, bytes | bytearray) else b"".join(body)
    if hasattr(body, "as_bytes"):  # since 3.12; may be called before the body is sent
        data: bytes = await body.as_bytes()
        return data
    collected = bytearray()

    class Collector:
        async def write(self, data: bytes) -> None:
            collected.extend(data)

    await body.write(Collector())  # type: ignore[arg-type]
    request.body = bytes(collected)  # an iterator or a file can be read only once
    return bytes(collected)


def _url(request: Any) -> Any:
    """The URL that the client asked for, even if a recording sends the request elsewhere."""
    asked, routed = vars(request).get(_ROUTED, (request.url, request.url))
    return asked if request.url is routed else request.url


def _route(request: Any, url: str) -> None:
    asked = _url(request)
    if url == str(asked):
        return
    routed = type(asked)(url, encoded=True)
    vars(request)[_ROUTED] = asked, routed  # a middleware may send the same request again
    request.url = routed
    request.headers["Host"] = netloc(url)
