"""urllib3, and requests, which is built on it: one implementation for urllib3 1.26–2.x.

The replaced method is one attempt of a connection pool (`HTTPConnectionPool._make_request`): below retries, redirects
and pooling, above the connection. A replayed response comes through urllib3's own connection from a played socket.
"""

from __future__ import annotations

import http.client
import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..cassette.model import Headers, Request
from ..engine import pacing
from ..engine.faults import Cause, NoConnection
from ..engine.player import Playback
from ..errors import GeminiReplayError, UsageError
from ..patching import Interception
from ..session import Forward, candidates, owner_of
from ..urls import server_url
from . import private, sockets
from .dispatch import carry_out
from .observing import Harmless, report_unanswered
from .socket_failures import FAILURES
from .sockets import PlayedSocket, RecordedResponse, classify

_TUNNEL = "_gemini_replay_tunnel"
"""Attribute of a connection: a function that makes the proxy's tunnel, delayed until it is needed."""

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
_FUTURE_HINT = (
    "urllib3 itself (URLLIB3_NO_OVERRIDE=1 pip install --force-reinstall --no-binary=urllib3-future urllib3-future "
    "urllib3 installs both, each under its own name), or httpx or aiohttp"
)


def interceptions(library: str) -> list[Interception]:
    """The replacements in urllib3, which has been imported.

    Raises:
        GeminiReplayError: this urllib3, or Python's http.client below it, is not built as expected.
    """
    urllib3 = sys.modules[library]
    if hasattr(urllib3, "AsyncPoolManager"):
        return _refusals(library)
    private.check(library, _NAMES, supported=_SUPPORTED)
    sockets.check()
    pools = urllib3.connectionpool
    return [
        (pools.HTTPConnectionPool, "_make_request", _attempting),
        (pools.HTTPSConnectionPool, "_prepare_proxy", _tunnelling),
    ]


def _attempting(original: Callable[..., Any]) -> Callable[..., Any]:
    def _make_request(pool: Any, conn: Any, method: str, url: str, **options: Any) -> Any:
        attempt = _Attempt(partial(original, pool), pool, conn, method, url, options)
        session = owner_of(attempt.url, conn)
        return attempt.pass_on() if session is None else carry_out(session.decide(attempt.read()), attempt)

    return _make_request


def _tunnelling(original: Callable[..., Any]) -> Callable[..., Any]:
    def _prepare_proxy(pool: Any, conn: Any) -> None:
        if all(one.passes_all_on for one in candidates()):
            original(pool, conn)
        else:  # a request that a cassette answers needs no tunnel, and must not reach the proxy
            vars(conn)[_TUNNEL] = partial(original, pool, conn)

    return _prepare_proxy


def _tunnel(conn: Any) -> None:
    make = vars(conn).pop(_TUNNEL, None)
    if make is not None:
        make()


# -- urllib3-future --------------------------------------------------------------------------------------------------


def _refusals(library: str) -> list[Interception]:
    """urllib3-future, which niquests installs in place of urllib3: refuse a session's requests."""
    private.check(library, _FUTURE_NAMES, supported=_SUPPORTED)
    urllib3 = sys.modules[library]
    why = "it is urllib3-future, which comes with niquests and replaces urllib3 by connections of another kind"
    error = partial(private.incompatible, library, why, supported=_FUTURE_HINT)

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
    if owner_of(url) is not None:
        raise error()


# -- the request -----------------------------------------------------------------------------------------------------


def _absolute(pool: Any, url: str) -> str:
    """The URL of a request. It is absolute already if the request goes to a forwarding proxy."""
    if "://" in url.partition("?")[0]:
        return url
    return server_url(pool.scheme, pool.host, pool.port) + url


def _read(body: Any) -> bytes | None:
    """A request's body: text, bytes, a file, or an iterable of either."""
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


def _as_request(method: str, url: str, options: dict[str, Any]) -> Request:
    skipped = "@@@SKIP_HEADER@@@"  # urllib3.util.SKIP_HEADER: urllib3 must not add this header
    pairs = ((_text(name), _text(value)) for name, value in (options.get("headers") or {}).items())
    headers: Headers = tuple(pair for pair in pairs if pair[1] != skipped)
    client = f"urllib3 {sys.modules['urllib3'].__version__}"
    return Request(method.upper(), url, headers, options["body"] or b"", client)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


# -- one attempt -----------------------------------------------------------------------------------------------------


class _Attempt:
    """One attempt of a pool to send a request.

    Args:
        send: urllib3's own function.
        pool: the pool.
        conn: the connection that it chose.
        method: the request's method.
        target: the target in the request line.
        options: further arguments of urllib3's function.

    Attributes:
        url: the request's URL.
    """

    def __init__(
        self, send: Callable[..., Any], pool: Any, conn: Any, method: str, target: str, options: dict[str, Any]
    ) -> None:
        self._send = send
        self._pool = pool
        self._conn = conn
        self._method = method
        self._target = target
        self._options = options
        self.url = _absolute(pool, target)

    def read(self) -> Request:
        """The request as a cassette stores it."""
        self._options["body"] = _read(self._options.get("body"))
        self._asked = _as_request(self._method, self.url, self._options)
        return self._asked

    def play(self, playback: Playback) -> Any:
        """Answer through an open connection of urllib3's own class, on a socket that plays."""
        conn = sys.modules["urllib3"].connection.HTTPConnection(self._conn.host, self._conn.port)
        conn.sock = PlayedSocket(playback, self._asked)
        conn.is_verified = True  # nothing is sent, so urllib3 must not warn that the connection is insecure
        return self._send(conn, self._method, self._target, **self._options)

    def fail(self, failure: NoConnection) -> Any:
        """Raise urllib3's own exception for a missing connection, after the client's own time limit."""
        timeout = getattr(self._options.get("timeout"), "connect_timeout", None)
        timeout = timeout if isinstance(timeout, int | float) else None
        if failure.cause == "connect-timeout":  # here, the time limit for the pool is not known
            pacing.ThreadClock().sleep(failure.seconds(timeout))
        elif failure.cause == "pool-timeout":
            self._pool._put_conn(self._conn)  # urllib3 understands this error as a missing connection
        raise _FAILURES[failure.cause](sys.modules["urllib3"].exceptions, self._pool, self._conn, timeout)

    def record(self, forward: Forward) -> Any:
        """Send the request, and record what comes back while the client reads it."""
        if forward.url == self.url:
            return self._record(forward)
        try:
            self._options["headers"] = _without_host(self._options.get("headers"))
            parts = urlsplit(forward.url)
            self._target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
            self._conn = _connection(self._pool, forward.url)
        except Exception as problem:
            forward.recorder.fail(problem)
            raise
        try:
            return self._record(forward)
        finally:
            if self._conn.sock is not None:
                self._conn.sock.close()  # it is in no pool, and stays open until the response is read or closed

    def _record(self, forward: Forward) -> Any:
        conn = self._conn
        if not isinstance(conn, http.client.HTTPConnection):
            forward.recorder.drop()
            raise UsageError(
                f"A {type(conn).__module__}.{type(conn).__qualname__} cannot be recorded: "
                "it is not an HTTP/1.1 connection.",
                hint="Record without urllib3's HTTP/2, and without another tool that replaces its connections.",
            )
        sent: list[bool] = []
        vars(conn)["response_class"] = partial(RecordedResponse, forward.recorder, partial(sent.append, True))
        try:
            return self.pass_on()
        except BaseException as problem:
            if not sent:
                self._unanswered(forward, problem)
            raise
        finally:
            del conn.response_class

    def _unanswered(self, forward: Forward, problem: BaseException) -> None:
        """The request was not sent: urllib3 opens the connection after it has checked the headers."""
        with Harmless(forward.recorder):
            network = isinstance(problem, (OSError, sys.modules["urllib3"].exceptions.HTTPError))
            connected = self._conn.sock is not None
            unsendable = isinstance(problem, Exception) and not network
            report_unanswered(forward, problem, classify, connected=connected, unsendable=unsendable)

    def pass_on(self) -> Any:
        """Send the request."""
        _tunnel(self._conn)
        return self._send(self._conn, self._method, self._target, **self._options)


_FAILURES: dict[Cause, Callable[[Any, Any, Any, float | None], Exception]] = {
    "refused": lambda errors, pool, conn, timeout: errors.NewConnectionError(
        conn, f"Failed to establish a new connection: {FAILURES['refused']()}"
    ),
    "tls": lambda errors, pool, conn, timeout: errors.SSLError(FAILURES["tls"]()),
    "connect-timeout": lambda errors, pool, conn, timeout: errors.ConnectTimeoutError(
        conn, f"Connection to {conn.host} timed out. (connect timeout={timeout})"
    ),
    "pool-timeout": lambda errors, pool, conn, timeout: errors.EmptyPoolError(
        pool, "Pool reached maximum size and no more connections are allowed."
    ),
}
"""What each missing connection raises, given urllib3's exceptions, the pool, the connection and its time limit.

For endings, the socket raises errors, see `socket_failures.FAILURES`, which urllib3 turns into its own.
"""


def _connection(pool: Any, url: str) -> Any:
    """A new connection to another server, with the TLS settings of `pool` if it has any."""
    tls = {name: value for name in _TLS if (value := getattr(pool, name, None)) is not None}
    if context := pool.conn_kw.get("ssl_context"):
        tls["ssl_context"] = context
    secure = urlsplit(url).scheme == "https"
    conn = sys.modules["urllib3"].connection_from_url(url, **(tls if secure else {}))._new_conn()
    conn.is_verified = not secure  # a pool for HTTPS would warn of a plain connection
    return conn


def _without_host(headers: Any) -> Any:
    if not any(_text(name).lower() == "host" for name in headers or ()):
        return headers
    return {name: value for name, value in headers.items() if _text(name).lower() != "host"}
