"""A request of http.client, held back until it is complete; then it is answered, recorded or sent on."""

from __future__ import annotations

import platform
import socket
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from .. import http1, urls
from ..cassette.model import Headers, Request, header
from ..engine import pacing
from ..engine.faults import NoConnection
from ..engine.player import Playback
from ..session import Forward, Session
from .dispatch import carry_out
from .observing import report_unanswered
from .socket_failures import FAILURES
from .sockets import PlayedSocket, RecordedResponse, classify

OPENS = "_gemini_replay_opens"
"""Attribute of a connection that may really connect now."""


class HeldRequest:
    """Stands in for a connection's socket while a session's request is sent.

    Args:
        conn: the connection.
        session: the session that owns the request.
        url: the request's URL.

    Attributes:
        network: the connection's own socket, if it is open.
    """

    def __init__(self, conn: Any, session: Session, url: str) -> None:
        self._conn = conn
        self._session = session
        self._url = url
        self._sent = bytearray()
        self._head: bytes | None = None
        self._length = 0
        self._unframer: http1.Unframer | None = None  # for a body in HTTP chunks
        self._body = bytearray()
        self.network = conn.sock

    def sendall(self, data: Any) -> None:
        """Take a part of the request. After the last part, carry out the session's decision.

        Raises:
            TypeError: `data` is not bytes-like.
            Exception: whatever sending the request raises.
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
            self._length = int(length) if length.isdecimal() else 0
            self._unframer = http1.Unframer(chunked=True, length=None) if chunked else None
        if self._takes_last(data):
            self._decide(self._head)

    def _takes_last(self, data: bytes) -> bool:
        """Take a part of the body; returns whether the body is complete. A malformed chunked body never is."""
        if self._unframer is None:
            self._body += data
            return len(self._body) >= self._length
        with suppress(http1.FramingError):
            for piece in self._unframer.feed(data):
                self._body += piece
        return self._unframer.complete

    def settimeout(self, seconds: float | None) -> None:
        """Do nothing: the connection's own timeout counts."""

    def makefile(self, mode: str) -> Any:
        """A file for a response that is read before the request is complete. Reading it raises an error."""
        return http1.incoming(self._too_early, lambda: None)

    def _too_early(self) -> bytes:
        raise sys.modules["http.client"].ResponseNotReady(
            f"gemini-replay: the request to {server_url(self._conn)} is incomplete: "
            "its headers announce a longer body"
        )

    def close(self) -> None:
        """Close the connection's own socket."""
        if self.network is not None:
            self.network.close()

    def _decide(self, head: bytes) -> None:
        conn = self._conn
        conn.sock = self.network
        self._asked = _as_request(head, self._url, bytes(self._body))
        carry_out(self._session.decide(self._asked), self)

    # -- the ways to handle the request (`dispatch.Exchange`) --------------------------------------------------------

    def play(self, playback: Playback) -> None:
        """Answer from a socket that plays."""
        self._leave_network()
        self._conn.sock = PlayedSocket(playback, self._asked)
        self._conn.sock.settimeout(_timeout(self._conn))
        NextResponse(self._conn, None, single_use=True)

    def fail(self, failure: NoConnection) -> None:
        """Raise what a socket raises without a connection."""
        self._leave_network()
        if failure.cause.endswith("timeout"):
            pacing.ThreadClock().sleep(failure.seconds(_timeout(self._conn)))
        raise FAILURES[failure.cause]()

    def record(self, forward: Forward) -> None:
        """Send the request, and record what comes back."""
        conn = self._conn
        elsewhere = forward.url != self._url
        connected = False
        try:
            if elsewhere:
                self.close()
                conn.sock = _connection(conn, forward.url)
            else:
                _connect(conn)
            connected = True
            conn.sock.sendall(_readdressed(bytes(self._sent), forward.url) if elsewhere else self._sent)
        except BaseException as problem:
            report_unanswered(forward, problem, classify, connected=connected)
            raise
        NextResponse(conn, forward, single_use=elsewhere)

    def pass_on(self) -> None:
        """Send the request."""
        _connect(self._conn)
        self._conn.sock.sendall(self._sent)

    def _leave_network(self) -> None:
        """Close an open connection, which may lead to another server. `conn` opens a new one when it needs it."""
        if self.network is not None:
            self._conn.sock = None
            self.network.close()


class NextResponse:
    """Makes a connection's next response, in place of its `response_class`.

    Args:
        conn: the connection.
        forward: has the recorder of the response; None if the response is played.
        single_use: whether the connection's socket serves only this response.
    """

    def __init__(self, conn: Any, forward: Forward | None, *, single_use: bool) -> None:
        self._conn = conn
        self._forward = forward
        self._single_use = single_use
        self._own = vars(conn).get("response_class")
        vars(conn)["response_class"] = self

    def __call__(self, sock: Any, debuglevel: int = 0, **others: Any) -> Any:
        """Make the response, as a class does."""
        self._put_back()
        if self._forward is None:
            response = self._conn.response_class(sock, debuglevel, **others)
        else:
            response = RecordedResponse(self._forward.recorder, lambda: None, sock, debuglevel=debuglevel, **others)
        if self._single_use:
            self._conn.sock = None
            sock.close()  # the socket stays open until the response is read or closed
        return response

    def _put_back(self) -> None:
        del self._conn.response_class
        if self._own is not None:
            self._conn.response_class = self._own

    @staticmethod
    def withdraw(conn: Any) -> None:
        """Forget the response that a connection was about to make: the client never read it."""
        answer = vars(conn).get("response_class")
        if isinstance(answer, NextResponse):
            answer._put_back()
            if answer._forward is not None:
                answer._forward.recorder.drop()


# -- the request -----------------------------------------------------------------------------------------------------


def _headers(head: bytes) -> Headers:
    lines = (line.decode("latin-1").partition(":") for line in head.split(b"\r\n")[1:])
    return tuple((name, value.strip()) for name, _, value in lines)


def _as_request(head: bytes, url: str, body: bytes) -> Request:
    headers = _headers(head)
    method = head.partition(b" ")[0].decode("latin-1").upper()
    return Request(method, url, headers, body, f"http.client {platform.python_version()}")


def _readdressed(sent: bytes, url: str) -> bytes:
    """The request with another server's address."""
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, _, version = first.split(b" ")
    parts = urlsplit(url)
    target = urlunsplit(("", "", parts.path or "/", parts.query, "")).encode("latin-1")
    others = [line for line in lines if line.partition(b":")[0].strip().lower() != b"host"]
    host = b"Host: " + urls.netloc(url).encode("latin-1")
    return b"\r\n".join([b" ".join([method, target, version]), host, *others, b"", body])


def server_url(conn: Any) -> str:
    """The URL of a connection's server, without a path."""
    host, port = conn.host, conn.port
    if conn._tunnel_host:
        host, port = conn._tunnel_host, conn._tunnel_port
    return urls.server_url("https" if _is_secure(conn) else "http", host, port)


def _is_secure(conn: Any) -> bool:
    kind = getattr(sys.modules["http.client"], "HTTPSConnection", None)  # a Python without ssl has none
    return kind is not None and isinstance(conn, kind)


# -- connections -----------------------------------------------------------------------------------------------------


def _timeout(conn: Any) -> float | None:
    limit = conn.timeout
    return limit if limit is None or isinstance(limit, int | float) else socket.getdefaulttimeout()


def _connect(conn: Any) -> None:
    if conn.sock is not None:
        return
    vars(conn)[OPENS] = True
    try:
        conn.connect()
    finally:
        del vars(conn)[OPENS]


def _connection(conn: Any, url: str) -> Any:
    """A socket that is connected to another server, with the TLS settings of `conn` if it has any."""
    client, parts = sys.modules["http.client"], urlsplit(url)
    if parts.scheme == "https":
        context = getattr(conn, "_context", None)
        other = client.HTTPSConnection(parts.hostname, parts.port, timeout=conn.timeout, context=context)
    else:
        other = client.HTTPConnection(parts.hostname, parts.port, timeout=conn.timeout)
    _connect(other)
    return other.sock
