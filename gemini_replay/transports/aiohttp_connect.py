"""aiohttp: its own pool, parser, decoding and timers, over a connection that is played, or a real one, watched.

The seam is `BaseConnector.connect`. Every attempt of every request comes through it before a byte is sent, also one
that a pooled connection would serve; method, URL, headers and body are known there.
"""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from .. import session
from ..cassette.model import Request, header
from ..engine import pacing
from ..engine.faults import NoConnection
from ..engine.player import Playback
from ..session import Recording
from . import aiohttp_record, aiohttp_replay
from .observing import Harmless

_REFUSED = os.strerror(errno.ECONNREFUSED)
_ROUTED = "_gemini_replay_routed"


def connecting(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """`BaseConnector.connect`, which asks the current session first."""

    async def connect(connector: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        here = session.owner_of(str(_url(request)))
        if here is None:
            return await original(connector, request, *args, **kwargs)
        clock = pacing.LoopClock()
        began = clock.now()
        plan = here.plan(await _asked(request))
        if isinstance(plan, Playback):
            offline = aiohttp_replay.Offline(connector, plan, request, spent=clock.now() - began)
            return await original(offline, aiohttp_replay.Unpooled(request), *args, **kwargs)
        if isinstance(plan, NoConnection):
            raise await _unconnected(plan, request, args[-1] if args else kwargs.get("timeout"))
        if isinstance(plan, Recording):
            return await _record(plan, request, lambda: original(connector, request, *args, **kwargs))
        return await original(connector, request, *args, **kwargs)

    return connect


async def _unconnected(plan: NoConnection, request: Any, timeout: Any) -> Exception:
    """Aiohttp's own exception where there is no connection; a time limit is its own, too, where it has one."""
    key = request.connection_key
    if plan.cause == "tls":
        failed = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
        return aiohttp.ClientConnectorCertificateError(key, failed)
    if plan.cause == "refused":
        return aiohttp.ClientConnectorError(key, ConnectionRefusedError(errno.ECONNREFUSED, _REFUSED))
    limits = [timeout.connect, timeout.sock_connect if plan.cause == "connect-timeout" else None]
    limit = min((limit for limit in limits if limit), default=None)
    await pacing.LoopClock().sleep(plan.seconds(limit))
    if plan.cause == "connect-timeout" and limit is None:
        return aiohttp.ClientConnectorError(key, TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))
    return TimeoutError()  # its session makes its own of it


async def _record(recording: Recording, request: Any, connect: Callable[[], Awaitable[Any]]) -> Any:
    if "Upgrade" in request.headers:  # a websocket, which is no answer that ends
        recording.recorder.drop()
        return await connect()
    _route(request, recording.url)
    try:
        connection = await connect()
    except Exception as problem:
        with Harmless(recording.recorder):
            recording.unreachable(problem)
        raise
    except BaseException:  # cancelled meanwhile
        recording.recorder.drop()
        raise
    with Harmless(recording.recorder):
        aiohttp_record.watch(connection.protocol, recording.recorder)
    return connection


# -- the request -----------------------------------------------------------------------------------------------------


async def _asked(request: Any) -> Request:
    coding = "content-encoding" if request.compress else ""  # put on by aiohttp's writer: the body is plain here
    pairs = ((str(name), str(value)) for name, value in request.headers.items())
    headers = tuple(pair for pair in pairs if pair[0].lower() != coding)
    agent = (header(headers, "x-goog-api-client") or header(headers, "user-agent") or "").strip()
    named = f"aiohttp {aiohttp.__version__}"
    if agent and not agent.startswith("Python/"):  # aiohttp's own
        named += f"; {agent.split()[0]}"
    return Request(request.method, str(_url(request)), headers, await _body(request), named)


async def _body(request: Any) -> bytes:
    """The request's body, which stays sendable."""
    body = request.body
    if not isinstance(body, aiohttp.Payload):  # bytes until 3.12; a tuple of them where they were sent before
        return bytes(body) if isinstance(body, bytes | bytearray) else b"".join(body)
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
