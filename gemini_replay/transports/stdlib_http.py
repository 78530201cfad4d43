"""http.client, and what rides on it: urllib.request, httplib2 and others.

The seam is where a connection sends the head of a request (`HTTPConnection.endheaders`): before it connects, and
before a proxy hears of it. What is sent of a session's request is held back until the request is complete; then it is
either answered, through a socket that plays, or sent on. urllib3's connections have a seam of their own.
"""

from __future__ import annotations

import platform
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..cassette.model import Headers, Request, header
from ..engine import pacing
from ..engine.faults import NoConnection
from ..engine.player import Playback
from ..patching import Interception
from ..session import Forward, Session, owner_of
from . import http1, private
from .client_names import client_name
from .dispatch import carry_out
from .observing import Harmless

_NAMES = (
    "HTTPConnection.auto_open",
    "HTTPConnection.connect",
    "HTTPConnection.default_port",
    "HTTPConnection.endheaders(message_body, encode_chunked)",
    "HTTPConnection.response_class",
    "HTTPConnection()._buffer",
    "HTTPConnection()._tunnel_host",
    "HTTPConnection()._tunnel_port",
    "HTTPConnection().host",
    "HTTPConnection().port",
    "HTTPConnection().sock",
    "HTTPConnection().timeout",
    "HTTPSConnection()._context",
    "ResponseNotReady",
)
_HTTPLIB2_NAMES = (
    "HTTPConnectionWithTimeout.connect",
    "HTTPSConnectionWithTimeout.connect",
    "Http._conn_request(conn, request_uri)",
)
_DEFERRED = "_gemini_replay_deferred"
"""Attribute of one of httplib2's connections: it need not connect before its request is made."""

_OPENS = "_gemini_replay_opens"
"""Attribute of a connection that really connects now."""


def interceptions(library: str) -> list[Interception]:
    """What to replace in http.client or httplib2, which has been imported.

    Raises:
        GeminiReplayError: it is built otherwise than those that we know.
    """
    if library == "httplib2":
        private.check(library, _HTTPLIB2_NAMES, supported="httplib2 0.20 or later")
        httplib2 = sys.modules[library]
        return [
            (httplib2.HTTPConnectionWithTimeout, "connect", _connecting),
            (httplib2.HTTPSConnectionWithTimeout, "connect", _connecting),
            (httplib2.Http, "_conn_request", _deferring),
        ]
    private.check(library, _NAMES, supported="Python 3.11 to 3.14")
    from . import http_client

    http_client.check()
    client = sys.modules[library]
    kinds = (getattr(client, name, None) for name in ("HTTPConnection", "HTTPSConnection"))  # there may be no ssl
    opening: list[Interception] = [(kind, "connect", _connecting) for kind in kinds if kind is not None]
    return [*opening, (client.HTTPConnection, "endheaders", _sending)]


def _sending(original: Callable[..., Any]) -> Callable[..., Any]:
    def endheaders(conn: Any, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        if not _is_urllib3s(conn):
            _Answer.withdraw(conn)
            if isinstance(conn.sock, _Held):
                conn.sock = conn.sock.network
            url = _absolute(conn)
            session = None if url is None else owner_of(url)
            if session is not None and url is not None:
                conn.sock = _Held(conn, session, url)
            else:
                vars(conn).pop(_DEFERRED, None)
        original(conn, message_body, encode_chunked=encode_chunked)

    return endheaders


def _is_urllib3s(conn: Any) -> bool:
    theirs = getattr(sys.modules.get("urllib3.connection"), "HTTPConnection", None)
    return theirs is not None and isinstance(conn, theirs)


def _absolute(conn: Any) -> str | None:
    """The URL of the request whose head waits in a connection; None where it is none."""
    words = b" ".join(conn._buffer[:1]).decode("latin-1").split(" ")
    if len(words) != 3:
        return None
    target = words[1]
    if "://" in target.partition("?")[0]:  # to a proxy that forwards
        return target
    return _base(conn) + target


def _base(conn: Any) -> str:
    """The URL of a connection's server, without a path."""
    host, port = conn.host, conn.port
    if conn._tunnel_host:
        host, port = conn._tunnel_host, conn._tunnel_port
    named = f"[{host}]" if ":" in host else host
    port = "" if port == conn.default_port else f":{port}"
    return f"{'https' if _is_secure(conn) else 'http'}://{named}{port}"


def _is_secure(conn: Any) -> bool:
    kind = getattr(sys.modules["http.client"], "HTTPSConnection", None)  # a Python without ssl has none
    return kind is not None and isinstance(conn, kind)


# -- connecting before a request is made -----------------------------------------------------------------------------


def _connecting(original: Callable[..., Any]) -> Callable[..., Any]:
    """A connection whose requests are a session's is opened when one of them needs it."""

    def connect(conn: Any) -> None:
        if _OPENS in vars(conn) or not (_DEFERRED in vars(conn) or _is_sessions(conn)):
            original(conn)

    return connect


def _is_sessions(conn: Any) -> bool:
    return not _is_urllib3s(conn) and owner_of(_base(conn)) is not None


def _deferring(original: Callable[..., Any]) -> Callable[..., Any]:
    """httplib2 connects before it says what it asks for."""

    def _conn_request(http: Any, conn: Any, request_uri: str, *args: Any, **options: Any) -> Any:
        vars(conn)[_DEFERRED] = True
        try:
            return original(http, conn, request_uri, *args, **options)
        finally:
            vars(conn).pop(_DEFERRED, None)

    return _conn_request


# -- a request that is held back until it is complete ----------------------------------------------------------------


class _Held:
    """Stands in for a connection's socket while a request of a session's is made.

    Args:
        conn: the connection.
        session: the one that the request belongs to.
        url: where it goes.

    Attributes:
        network: the connection's own socket, if it is open.
    """

    def __init__(self, conn: Any, session: Session, url: str) -> None:
        self._conn = conn
        self._session = session
        self._url = url
        self._sent = bytearray()
        self._head: bytes | None = None
        self._body: _Counted | _Chunked = _Counted(0)
        self.network = conn.sock

    def sendall(self, data: Any) -> None:
        """Take a part of the request; with the last one, do what the session says.

        Raises:
            TypeError: as a socket does.
            Exception: whatever comes of sending the request.
        """
        data = bytes(memoryview(data))
        self._sent += data
        if self._head is None:
            head, found, data = bytes(self._sent).partition(b"\r\n\r\n")
            if not found:
                return
            self._head = head
            headers = _headers(head)
            length = header(headers, "content-length") or ""
            chunked = "chunked" in (header(headers, "transfer-encoding") or "").lower()
            self._body = _Chunked() if chunked else _Counted(int(length) if length.isdecimal() else 0)
        if self._body.takes(data):
            self._decide(self._head)

    def settimeout(self, seconds: float | None) -> None:
        """The connection's own timeout is what counts."""

    def makefile(self, mode: str) -> Any:
        """What a response that is asked for too early is read from."""
        from .http_client import incoming

        return incoming(self._too_early, lambda: None)

    def _too_early(self) -> bytes:
        raise sys.modules["http.client"].ResponseNotReady(
            f"gemini-replay: the request to {_base(self._conn)} is not complete: its headers promise more of a body"
        )

    def close(self) -> None:
        """Close the connection's own socket."""
        if self.network is not None:
            self.network.close()

    def _decide(self, head: bytes) -> None:
        conn = self._conn
        conn.sock = self.network
        self._asked = _asked(head, self._url, bytes(self._body.data))
        carry_out(self._session.decide(self._asked), self)

    # -- what can become of the request (`dispatch.Exchange`) --------------------------------------------------------

    def play(self, playback: Playback) -> None:
        """Answer through a socket that plays."""
        from .http_client import PlayedSocket

        self._leave_network()
        self._conn.sock = PlayedSocket(playback, self._asked)
        self._conn.sock.settimeout(_timeout(self._conn))
        _Answer(self._conn, None, lets_go=True)

    def fail(self, plan: NoConnection) -> None:
        """Raise what a socket raises without a connection."""
        from .http_client import FAILURES

        self._leave_network()
        if plan.cause.endswith("timeout"):
            pacing.WallClock().sleep(plan.seconds(_timeout(self._conn)))
        raise FAILURES[plan.cause]()

    def record(self, forward: Forward) -> None:
        """Send the request, and record what comes back."""
        conn = self._conn
        elsewhere = forward.url != self._url
        try:
            if elsewhere:
                self.close()
                conn.sock = _connection(conn, forward.url)
            else:
                _connect(conn)
            conn.sock.sendall(_readdressed(bytes(self._sent), forward.url) if elsewhere else self._sent)
        except BaseException as problem:
            with Harmless(forward.recorder):
                forward.unreachable(problem)
            raise
        _Answer(conn, forward, lets_go=elsewhere)

    def pass_on(self) -> None:
        """Send the request."""
        _connect(self._conn)
        self._conn.sock.sendall(self._sent)

    def _leave_network(self) -> None:
        """Close an open connection, which may be to another server; `conn` opens a new one when it needs it."""
        if self.network is not None:
            self._conn.sock = None
            self.network.close()


class _Counted:
    """The body of a request, of a known length.

    Args:
        length: in bytes.

    Attributes:
        data: what has come of it.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self.data = bytearray()

    def takes(self, data: bytes) -> bool:
        """Take what comes; whether the body is complete."""
        self.data += data
        return len(self.data) >= self._length


class _Chunked:
    """The body of a request, in HTTP chunks; one that is not framed as it should be is never complete."""

    def __init__(self) -> None:
        self._unframer = http1.Unframer(chunked=True, length=None)
        self.data = bytearray()

    def takes(self, data: bytes) -> bool:
        """Take what comes; whether the body is complete."""
        with suppress(http1.FramingError):
            for piece in self._unframer.feed(data):
                self.data += piece
        return self._unframer.complete


class _Answer:
    """Makes the next response of a connection, in place of its `response_class`.

    Args:
        conn: the connection.
        forward: has the recorder of the response; None: it is played.
        lets_go: whether the connection's socket serves this response only.
    """

    def __init__(self, conn: Any, forward: Forward | None, *, lets_go: bool) -> None:
        self._conn = conn
        self._forward = forward
        self._lets_go = lets_go
        self._own = vars(conn).get("response_class")
        vars(conn)["response_class"] = self

    def __call__(self, sock: Any, debuglevel: int = 0, **others: Any) -> Any:
        self._put_back()
        if self._forward is None:
            response = self._conn.response_class(sock, debuglevel, **others)
        else:
            from .http_client import RecordedResponse

            response = RecordedResponse(self._forward.recorder, lambda: None, sock, debuglevel=debuglevel, **others)
        if self._lets_go:
            self._conn.sock = None
            sock.close()  # it lives on until the response is read or closed
        return response

    def _put_back(self) -> None:
        del self._conn.response_class
        if self._own is not None:
            self._conn.response_class = self._own

    @staticmethod
    def withdraw(conn: Any) -> None:
        """The response that a connection was to make was not asked for."""
        answer = vars(conn).get("response_class")
        if isinstance(answer, _Answer):
            answer._put_back()
            if answer._forward is not None:
                answer._forward.recorder.drop()


# -- what is asked ---------------------------------------------------------------------------------------------------


def _headers(head: bytes) -> Headers:
    lines = (line.decode("latin-1").partition(":") for line in head.split(b"\r\n")[1:])
    return tuple((name, value.strip()) for name, _, value in lines)


def _asked(head: bytes, url: str, body: bytes) -> Request:
    headers = _headers(head)
    client = client_name(headers, f"http.client {platform.python_version()}", own_agent="Python-urllib")
    return Request(head.partition(b" ")[0].decode("latin-1").upper(), url, headers, body, client)


def _readdressed(sent: bytes, url: str) -> bytes:
    """A request as it goes to another server."""
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, _, version = first.split(b" ")
    parts = urlsplit(url)
    target = urlunsplit(("", "", parts.path or "/", parts.query, "")).encode("latin-1")
    others = [line for line in lines if line.partition(b":")[0].strip().lower() != b"host"]
    host = b"Host: " + parts.netloc.rpartition("@")[2].encode("latin-1")
    return b"\r\n".join([b" ".join([method, target, version]), host, *others, b"", body])


# -- connections -----------------------------------------------------------------------------------------------------


def _timeout(conn: Any) -> float | None:
    limit = conn.timeout
    return limit if limit is None or isinstance(limit, int | float) else socket.getdefaulttimeout()


def _connect(conn: Any) -> None:
    if conn.sock is not None:
        return
    vars(conn)[_OPENS] = True
    try:
        conn.connect()
    finally:
        del vars(conn)[_OPENS]


def _connection(conn: Any, url: str) -> Any:
    """A socket that is connected to another server, with the TLS settings of `conn` where it has any."""
    client, parts = sys.modules["http.client"], urlsplit(url)
    if parts.scheme == "https":
        context = getattr(conn, "_context", None)
        other = client.HTTPSConnection(parts.hostname, parts.port, timeout=conn.timeout, context=context)
    else:
        other = client.HTTPConnection(parts.hostname, parts.port, timeout=conn.timeout)
    _connect(other)
    return other.sock
