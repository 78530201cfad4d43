"""http.client and the libraries on top of it: urllib.request, httplib2 and others.

The replaced method is the one with which a connection sends the head of a request (`HTTPConnection.endheaders`). It
comes before connecting and before a proxy gets the request. From there on, a session's request is held back, see
`held_request`. urllib3's connections are intercepted in another place.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..errors import UsageError
from ..patching import Interception
from ..session import owner_of
from . import private, sockets
from .held_request import OPENS, HeldRequest, NextResponse, server_url

_NAMES = (
    "HTTPConnection.auto_open",
    "HTTPConnection.connect",
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
"""Attribute of a connection of httplib2's: it need not connect before it sends its request."""


def interceptions(library: str) -> list[Interception]:
    """The replacements in http.client or httplib2, which has been imported.

    Raises:
        GeminiReplayError: it is not built as expected.
        UsageError: another tool has replaced its connections.
    """
    if library == "httplib2":
        private.check(library, _HTTPLIB2_NAMES, supported="httplib2 0.20 or later")
        httplib2 = sys.modules[library]
        return [
            (httplib2.HTTPConnectionWithTimeout, "connect", _connecting),
            (httplib2.HTTPSConnectionWithTimeout, "connect", _connecting),
            (httplib2.Http, "_conn_request", _deferring),
        ]
    other = sys.modules[library].HTTPConnection.__module__
    if other != library:  # the original methods cannot be reached
        raise UsageError(
            f"{other} has replaced the connections of {library} before the session was opened.",
            hint='Open the session first, or keep the other tool off them (VCR.py: skip_patchers=["httplib"]).',
        )
    private.check(library, _NAMES, supported="Python 3.11 to 3.14")
    sockets.check()
    client = sys.modules[library]
    kinds = (getattr(client, name, None) for name in ("HTTPConnection", "HTTPSConnection"))  # ssl may be missing
    opening: list[Interception] = [(kind, "connect", _connecting) for kind in kinds if kind is not None]
    return [*opening, (client.HTTPConnection, "endheaders", _sending)]


def _sending(original: Callable[..., Any]) -> Callable[..., Any]:
    def endheaders(conn: Any, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        if not _is_urllib3s(conn):
            NextResponse.withdraw(conn)
            if isinstance(conn.sock, HeldRequest):
                conn.sock = conn.sock.network
            url = _absolute(conn)
            session = None if url is None else owner_of(url)
            if session is not None and url is not None:
                conn.sock = HeldRequest(conn, session, url)
            else:
                vars(conn).pop(_DEFERRED, None)
        original(conn, message_body, encode_chunked=encode_chunked)

    return endheaders


def _is_urllib3s(conn: Any) -> bool:
    theirs = getattr(sys.modules.get("urllib3.connection"), "HTTPConnection", None)
    return theirs is not None and isinstance(conn, theirs)


def _absolute(conn: Any) -> str | None:
    """The URL of the request whose head a connection is about to send; None if that is not HTTP."""
    words = b" ".join(conn._buffer[:1]).decode("latin-1").split(" ")
    if len(words) != 3:
        return None
    target = words[1]
    if "://" in target.partition("?")[0]:  # the request goes to a forwarding proxy
        return target
    return server_url(conn) + target


def _connecting(original: Callable[..., Any]) -> Callable[..., Any]:
    """Do not connect for a session's requests; a connection is opened when one of them needs it."""

    def connect(conn: Any) -> None:
        if OPENS in vars(conn) or not (_DEFERRED in vars(conn) or _is_sessions(conn)):
            original(conn)

    return connect


def _is_sessions(conn: Any) -> bool:
    return not _is_urllib3s(conn) and owner_of(server_url(conn)) is not None


def _deferring(original: Callable[..., Any]) -> Callable[..., Any]:
    """httplib2 connects before it sends the request: let it do so without a connection."""

    def _conn_request(http: Any, conn: Any, request_uri: str, *args: Any, **options: Any) -> Any:
        vars(conn)[_DEFERRED] = True
        try:
            return original(http, conn, request_uri, *args, **options)
        finally:
            vars(conn).pop(_DEFERRED, None)

    return _conn_request
