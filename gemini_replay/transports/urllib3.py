"""urllib3, and requests, which rides on it: one seam for urllib3 1.26–2.x.

The seam is one attempt of a connection pool (`HTTPConnectionPool._make_request`): below retries, redirects and
pooling, above the connection. A replayed answer comes through urllib3's own connection, on a socket that plays.
"""

from __future__ import annotations

import http.client
import ssl
import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from .. import session
from ..cassette.model import Headers, Request, header
from ..engine import pacing
from ..engine.faults import NoConnection
from ..engine.player import Playback
from ..errors import GeminiReplayError, UsageError
from ..patching import Interception
from ..session import Recording
from . import http_client, private
from .http_client import PlayedSocket, RecordedResponse
from .observing import Harmless

_TUNNEL = "_gemini_replay_tunnel"
"""Attribute of a connection: makes the proxy's tunnel that was put off until it is known to be needed."""

_TLS = ("cert_reqs", "ca_certs", "ca_cert_dir", "cert_file", "key_file", "key_password")


_SUPPORTED = "urllib3 1.26 to 2.x"
_NAMES = (
    "__version__",
    "connection_from_url",
    "connection.HTTPConnection(host, port)",
    "connectionpool.HTTPConnectionPool._make_request(conn, method, url, body, headers, timeout)",
    "connectionpool.HTTPConnectionPool._new_conn",
    "connectionpool.HTTPConnectionPool._put_conn(conn)",
    "connectionpool.HTTPConnectionPool().conn_kw",
    "connectionpool.HTTPConnectionPool().host",
    "connectionpool.HTTPConnectionPool().port",
    "connectionpool.HTTPConnectionPool().scheme",
    "connectionpool.HTTPSConnectionPool._prepare_proxy(conn)",
    "exceptions.ConnectTimeoutError",
    "exceptions.EmptyPoolError",
    "exceptions.HTTPError",
    "exceptions.NewConnectionError",
    "exceptions.SSLError",
    "util.timeout.Timeout.connect_timeout",
)

_FUTURE_NAMES = ("HTTPConnectionPool._make_request(conn, method, url)", "AsyncHTTPConnectionPool._make_request(url)")
_FUTURE_TODO = (
    "urllib3 itself (URLLIB3_NO_OVERRIDE=1 pip install --force-reinstall --no-binary=urllib3-future urllib3-future "
    "urllib3 installs both, each under its own name), or httpx or aiohttp"
)


def interceptions(library: str) -> list[Interception]:
    """What to replace in urllib3, which has been imported.

    Raises:
        GeminiReplayError: this urllib3, or Python's http.client below it, is built otherwise than those that we know.
    """
    urllib3 = sys.modules[library]
    if hasattr(urllib3, "AsyncPoolManager"):
        return _refusals(library)
    private.check(library, _NAMES, supported=_SUPPORTED)
    http_client.check()
    pools = urllib3.connectionpool
    return [
        (pools.HTTPConnectionPool, "_make_request", _attempting),
        (pools.HTTPSConnectionPool, "_prepare_proxy", _tunnelling),
    ]


def _attempting(original: Callable[..., Any]) -> Callable[..., Any]:
    def _make_request(pool: Any, conn: Any, method: str, url: str, **options: Any) -> Any:
        send = partial(original, pool)
        here = session.owner_of(whole := _absolute(pool, url))
        if here is not None:
            options["body"] = _read(options.get("body"))
            asked = _asked(method, whole, options)
            plan = here.plan(asked)
            if isinstance(plan, Playback):
                return send(_played(plan, asked, conn), method, url, **options)
            if isinstance(plan, NoConnection):
                raise _unconnected(plan, pool, conn, options.get("timeout"))
            if isinstance(plan, Recording) and plan.url == whole:
                return _record(plan, send, conn, method, url, options)
            if isinstance(plan, Recording):
                return _record_elsewhere(plan, send, _connection(pool, plan.url), method, options)
        _tunnel(conn)
        return send(conn, method, url, **options)

    return _make_request


def _tunnelling(original: Callable[..., Any]) -> Callable[..., Any]:
    def _prepare_proxy(pool: Any, conn: Any) -> None:
        if all(one.mode == "live" for one in session.candidates()):
            original(pool, conn)
        else:  # a request that a cassette answers needs no tunnel, and the proxy shall not hear of it
            vars(conn)[_TUNNEL] = partial(original, pool, conn)

    return _prepare_proxy


def _tunnel(conn: Any) -> None:
    make = vars(conn).pop(_TUNNEL, None)
    if make is not None:
        make()


# -- urllib3-future --------------------------------------------------------------------------------------------------


def _refusals(library: str) -> list[Interception]:
    """urllib3-future, which niquests installs in urllib3's place: no request that a session owns goes through it."""
    private.check(library, _FUTURE_NAMES, supported=_SUPPORTED)
    urllib3 = sys.modules[library]
    why = "it is urllib3-future, which comes with niquests and replaces urllib3 by connections of another kind"
    error = partial(private.incompatible, library, why, supported=_FUTURE_TODO)

    def refusing(original: Callable[..., Any]) -> Callable[..., Any]:
        def _make_request(pool: Any, conn: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
            _refuse(_absolute(pool, url), error)
            return original(pool, conn, method, url, *args, **options)

        return _make_request

    def refusing_async(original: Callable[..., Any]) -> Callable[..., Any]:
        async def _make_request(pool: Any, conn: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
            _refuse(_absolute(pool, url), error)
            return await original(pool, conn, method, url, *args, **options)

        return _make_request

    return [
        (urllib3.HTTPConnectionPool, "_make_request", refusing),
        (urllib3.AsyncHTTPConnectionPool, "_make_request", refusing_async),
    ]


def _refuse(url: str, error: Callable[[], GeminiReplayError]) -> None:
    if session.owner_of(url) is not None:
        raise error()


# -- what is asked ---------------------------------------------------------------------------------------------------


def _absolute(pool: Any, url: str) -> str:
    """The URL of a request; to a proxy that forwards, it is absolute already."""
    if "://" in url.partition("?")[0]:
        return url
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    default = {"http": 80, "https": 443}.get(pool.scheme)
    port = "" if pool.port in {None, default} else f":{pool.port}"
    return f"{pool.scheme}://{host}{port}{url}"


def _read(body: Any) -> bytes | None:
    """A request's body, whatever urllib3 takes as one: text, bytes, a file, an iterable of either."""
    if body is None:
        return None
    if isinstance(body, str):
        return body.encode("utf-8")
    if hasattr(body, "read"):
        return _read(body.read())
    try:
        return bytes(memoryview(body))
    except TypeError:
        return b"".join(_read(part) or b"" for part in body)


def _asked(method: str, url: str, options: dict[str, Any]) -> Request:
    skipped = "@@@SKIP_HEADER@@@"  # urllib3.util.SKIP_HEADER: do not send the one that you would add
    pairs = ((_text(name), _text(value)) for name, value in (options.get("headers") or {}).items())
    headers: Headers = tuple(pair for pair in pairs if pair[1] != skipped)
    agent = (header(headers, "x-goog-api-client") or header(headers, "user-agent") or "").strip()
    named = f"urllib3 {sys.modules['urllib3'].__version__}"
    if agent and not agent.startswith("python-urllib3"):
        named += f"; {agent.split()[0]}"
    return Request(method.upper(), url, headers, options["body"] or b"", named)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


# -- playing ---------------------------------------------------------------------------------------------------------


def _played(playback: Playback, asked: Request, conn: Any) -> Any:
    """A connection of urllib3's own class that is open already, on a socket that plays."""
    made = sys.modules["urllib3"].connection.HTTPConnection(conn.host, conn.port)
    made.sock = PlayedSocket(playback, asked)
    made.is_verified = True  # nothing about it is insecure, so there is nothing to warn of
    return made


def _unconnected(plan: NoConnection, pool: Any, conn: Any, timeout: Any) -> Exception:
    """urllib3's own exception where there is no connection, when a client would get it."""
    errors = sys.modules["urllib3"].exceptions
    limit = getattr(timeout, "connect_timeout", None)
    limit = limit if isinstance(limit, int | float) else None
    if plan.cause == "connect-timeout":  # how long it would wait for its pool, urllib3 does not say down here
        pacing.WallClock().sleep(plan.seconds(limit))
    error: Exception
    if plan.cause == "tls":
        error = errors.SSLError(
            ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
        )
    elif plan.cause == "connect-timeout":
        error = errors.ConnectTimeoutError(conn, f"Connection to {conn.host} timed out. (connect timeout={limit})")
    elif plan.cause == "pool-timeout":
        pool._put_conn(conn)  # urllib3 takes the error to mean that it never had one
        error = errors.EmptyPoolError(pool, "Pool reached maximum size and no more connections are allowed.")
    else:
        message = "Failed to establish a new connection: [Errno 111] Connection refused"
        error = errors.NewConnectionError(conn, message)
    return error


# -- recording -------------------------------------------------------------------------------------------------------


def _record(
    recording: Recording, send: Callable[..., Any], conn: Any, method: str, url: str, options: dict[str, Any]
) -> Any:
    """Send a request on, and record what comes back while the client reads it."""
    if not isinstance(conn, http.client.HTTPConnection):
        recording.recorder.drop()
        raise UsageError(
            f"A {type(conn).__module__}.{type(conn).__qualname__} cannot be recorded: it is no HTTP/1.1 connection.",
            hint="Record without urllib3's HTTP/2, and without another tool that replaces its connections.",
        )
    sent: list[bool] = []
    vars(conn)["response_class"] = partial(RecordedResponse, recording.recorder, partial(sent.append, True))
    try:
        _tunnel(conn)
        return send(conn, method, url, **options)
    except BaseException as problem:
        if not sent:
            with Harmless(recording.recorder):
                recording.unreachable(problem)
        raise
    finally:
        del conn.response_class


def _record_elsewhere(
    recording: Recording, send: Callable[..., Any], conn: Any, method: str, options: dict[str, Any]
) -> Any:
    """The same with a connection of its own, to the server that the recording is made from."""
    options["headers"] = _without_host(options.get("headers"))
    parts = urlsplit(recording.url)
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    try:
        return _record(recording, send, conn, method, target, options)
    finally:
        if conn.sock is not None:
            conn.sock.close()  # no pool has it; it lives on until the response is read or closed


def _connection(pool: Any, url: str) -> Any:
    """A new connection to another server, with the TLS settings of `pool` where it has any."""
    tls = {name: value for name in _TLS if (value := getattr(pool, name, None)) is not None}
    if context := pool.conn_kw.get("ssl_context"):
        tls["ssl_context"] = context
    secure = urlsplit(url).scheme == "https"
    conn = sys.modules["urllib3"].connection_from_url(url, **(tls if secure else {}))._new_conn()
    conn.is_verified = not secure  # a pool for HTTPS would warn of the plain connection that was asked for
    return conn


def _without_host(headers: Any) -> Any:
    if not any(_text(name).lower() == "host" for name in headers or ()):
        return headers
    return {name: value for name, value in headers.items() if _text(name).lower() != "host"}
