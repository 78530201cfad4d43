"""Stops requests to an API's hosts that no transport sees, from any Python client.

A request needs its host's name twice: to look it up, and to name it on the connection. Names are looked up through
Python's socket module (whose audit events report it, even if code has imported a function by name), or by an event
loop or a gRPC channel in C. On any connection, names are sent to a proxy, in TLS, or in a request's head.

While the guard has no users, nothing is replaced, and the audit hook, which Python cannot remove, only compares one
number. The guard does not see other processes, or C code that looks up names and encrypts by itself (curl).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from .. import session
from ..patching import Interception, Wrap
from . import first_bytes

LIBRARIES = ("asyncio", "uvloop", "winloop", "trio", "websockets", "grpc")
"""Libraries in which functions are replaced once they have been imported."""

_blocked: session.Hosts | None = None
_allowed: tuple[session.Pattern, ...] = ()
_users = 0
_hook_added = False


def listen_while_used(users: int) -> None:
    """Listen to the socket module's audit events while the guard has users. The hook stays as long as the process."""
    global _users, _hook_added
    _users = users
    if users and not _hook_added:
        _hook_added = True
        sys.addaudithook(_on_audit_event)


def block(hosts: Iterable[str] | None, allowed: Iterable[str] = ()) -> None:
    """Refuse the provider's hosts and these, except the `allowed` ones, even without an open session; None ends this.

    Raises:
        UsageError: a host is not a shell pattern.
    """
    global _blocked, _allowed
    _blocked = None if hosts is None else session.Hosts(hosts, (), None)
    _allowed = session.parse_patterns(allowed, "allow_hosts")


def _is_allowed(host: str, port: int | None) -> bool:
    return any(pattern.matches(session.normal_host(host), port) for pattern in _allowed)


def interceptions(library: str | None) -> list[Interception]:
    """The replacements in a library that has been imported, or for None, in the modules socket and ssl."""
    if library == "grpc":
        return list(_in_grpc())
    found = []
    for path, functions in _IN[library].items():
        owner = _find(path)
        for name, asks in functions.items():
            if hasattr(owner, name):  # some functions are missing on some systems or in some versions
                found.append((owner, name, _asking(asks)))
    return found


def _find(path: str) -> Any:
    """The owner of functions; None if there is none."""
    first, *way = path.split(".")
    owner: Any = sys.modules.get(first) or import_module(first)
    for number, part in enumerate(way):
        # A module whose import is just ending is not yet an attribute of its package.
        module = sys.modules.get(".".join([first, *way[: number + 1]]))
        owner = module or getattr(owner, part, None)
    return owner


Asks = Callable[..., None]
"""Called with a function's arguments before the function is; raises if it must not be called."""


@cache
def _asking(asks: Asks) -> Wrap:
    def asking(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            asks(*args, **kwargs)
            return original(*args, **kwargs)

        return call

    return asking


# -- the decision ----------------------------------------------------------------------------------------------------


def _host(host: Any, port: Any = None, *_: Any, **__: Any) -> None:
    """Check a host that is about to be looked up or contacted."""
    name = host.decode("latin-1") if isinstance(host, (bytes, bytearray)) else host
    if isinstance(name, str) and name:
        at = int(port) if isinstance(port, int) or (isinstance(port, (str, bytes)) and port.isdigit()) else None
        known = session.check_host(name, at)
        if not known and _blocked is not None and _blocked.owns_host(name, at) and not _is_allowed(name, at):
            raise _out_of_reach(name, _blocked)


def _address(address: Any) -> None:
    """Check an address that is about to be contacted. It may be a name that is looked up first."""
    if isinstance(address, tuple) and len(address) >= 2 and isinstance(address[0], (str, bytes, bytearray)):
        host = address[0] if isinstance(address[0], str) else address[0].decode("latin-1")
        if ":" not in host and not host.rpartition(".")[2].isdigit():  # not an IP address
            _host(host, address[1])


def _head(data: Any, scheme: str = "http") -> None:
    """Check bytes that are about to be sent. They may be the head of a request."""
    where = first_bytes.destination(data, scheme)
    if isinstance(where, tuple):
        _host(*where)
    elif where is not None:
        try:
            known = session.check_url(where)
        except ValueError:  # not a URL: the server will answer with an error
            return
        if not known and _blocked is not None and _blocked.owns(where) and not _is_allowed(*session.address(where)):
            raise _out_of_reach(where.partition("?")[0], _blocked)


def _out_of_reach(where: str, hosts: session.Hosts) -> Exception:
    return session.blocked(
        where,
        suggestion=f"No session is open, and {hosts.provider.name} hosts are out of reach (--gemini-block-network).",
        hint="Use the fixture or the marker gemini_cassette in the test that makes the request.",
    )


# -- the socket module -----------------------------------------------------------------------------------------------


def _on_audit_event(event: str, args: tuple[Any, ...]) -> None:
    if not _users:
        return
    asks = _EVENTS.get(event)
    if asks is not None:
        asks(*args)


_EVENTS: dict[str, Asks] = {
    "socket.getaddrinfo": _host,
    "socket.gethostbyname": _host,
    "socket.gethostbyaddr": _host,
    "socket.connect": lambda sock, address: _address(address),
    "socket.sendto": lambda sock, address: _address(address),
    "socket.sendmsg": lambda sock, address: _address(address),
}


def _to(sock: Any, address: Any = None, *_: Any, **__: Any) -> None:
    _address(address)


def _send(sock: Any, data: Any = b"", *_: Any, **__: Any) -> None:
    _head(data)


def _sendto(sock: Any, data: Any = b"", *more: Any, **__: Any) -> None:
    _address(more[-1] if more else None)


def _sendmsg(sock: Any, buffers: Any = (), *more: Any, **__: Any) -> None:
    if isinstance(buffers, (list, tuple)):
        _head(b"".join(bytes(part) for part in buffers[:8]))
    if len(more) > 2:
        _address(more[2])


# -- TLS -------------------------------------------------------------------------------------------------------------


# A connection to a named host is about to be encrypted, whatever its address.


def _wrap_socket(*args: Any, server_hostname: Any = None, **_: Any) -> None:
    _host(args[5] if len(args) > 5 else server_hostname)


def _wrap_bio(*args: Any, server_hostname: Any = None, **_: Any) -> None:
    _host(args[4] if len(args) > 4 else server_hostname)


def _encrypt(connection: Any, data: Any = b"", *_: Any) -> None:
    """Data is about to be sent encrypted, on a connection that may be older than the session."""
    _host(connection.server_hostname)
    _head(data, "https")


# -- event loops -----------------------------------------------------------------------------------------------------


def _create_connection(
    loop: Any,
    factory: Any = None,
    host: Any = None,
    port: Any = None,
    *_: Any,
    server_hostname: Any = None,
    **__: Any,
) -> None:
    _host(host, port)
    _host(server_hostname, port)


def _start_tls(*_: Any, server_hostname: Any = None, **__: Any) -> None:
    _host(server_hostname)


def _create_datagram_endpoint(
    loop: Any, factory: Any = None, local: Any = None, remote_addr: Any = None, *_: Any, **__: Any
) -> None:
    _address(remote_addr)


def _loop_getaddrinfo(loop: Any, host: Any = None, port: Any = None, *_: Any, **__: Any) -> None:
    _host(host, port)


def _sock_connect(loop: Any, sock: Any = None, address: Any = None) -> None:
    _address(address)


def _sock_sendall(loop: Any, sock: Any = None, data: Any = b"") -> None:
    _head(data)


def _writelines(transport: Any, pieces: Any = ()) -> None:
    if isinstance(pieces, (list, tuple)):
        _head(b"".join(bytes(piece) for piece in pieces[:8]))


def _websocket(connect: Any) -> None:
    uri = connect.ws_uri
    _host(uri.host, uri.port)


_LOOP: dict[str, Asks] = {
    "getaddrinfo": _loop_getaddrinfo,
    "create_connection": _create_connection,
    "create_datagram_endpoint": _create_datagram_endpoint,
    "start_tls": _start_tls,
    "sock_connect": _sock_connect,
    "sock_sendall": _sock_sendall,
}

_IN: dict[str | None, dict[str, dict[str, Asks]]] = {
    # Audit events report most look-ups. But another tool's getaddrinfo may know a name without looking it up, and
    # a name that is passed to connect has been looked up before the event.
    None: {
        "socket": dict.fromkeys(("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"), _host),
        "socket.socket": {
            "connect": _to,
            "connect_ex": _to,
            "send": _send,
            "sendall": _send,
            "sendto": _sendto,
            "sendmsg": _sendmsg,
        },
        "ssl.SSLContext": {"wrap_socket": _wrap_socket, "wrap_bio": _wrap_bio},
        "ssl.SSLSocket": {"send": _encrypt, "write": _encrypt},
        "ssl.SSLObject": {"write": _encrypt},
    },
    "asyncio": {
        "asyncio.BaseEventLoop": _LOOP,
        # An exception from the socket below would end the connection; from here, it reaches the caller that writes.
        "asyncio.selector_events._SelectorSocketTransport": {"write": _send, "writelines": _writelines},
        "asyncio.proactor_events._ProactorBaseWritePipeTransport": {"write": _send},
    },
    "uvloop": {"uvloop.Loop": _LOOP},
    "winloop": {"winloop.Loop": _LOOP},
    "trio": {"trio.SocketStream": {"send_all": _send}, "trio._socket._SocketType": {"send": _send}},
    "websockets": {"websockets.asyncio.client.connect": {"open_tcp_connection": _websocket}},
}
"""The replaced functions of each library, by their owners, and the functions that check their arguments."""


# -- gRPC ------------------------------------------------------------------------------------------------------------


def _in_grpc() -> Iterator[Interception]:
    """The replacements where channels are made, and where calls begin on a channel that is older than the session."""
    for path in ("grpc._channel", "grpc.aio._channel"):
        for kind in list(getattr(sys.modules.get(path), "__dict__", {}).values()):
            if not isinstance(kind, type) or kind.__module__ != path:
                continue
            if kind.__name__ == "Channel":
                yield kind, "__init__", _asking(_channel)
            elif kind.__name__.endswith("MultiCallable"):
                for method in ("__call__", "_blocking", "future"):
                    if method in vars(kind):
                        yield kind, method, _asking(_call)


def _target(target: Any) -> None:
    """A gRPC target, such as host, host:port, dns:///host:port."""
    where = (target.decode("latin-1") if isinstance(target, bytes) else str(target)).rpartition("/")[2]
    host, _, port = where.rpartition(":")
    if port.isdigit():
        _host(host, port)
    else:
        _host(where, 443)


def _channel(channel: Any, target: Any = "", *_: Any, **__: Any) -> None:
    _target(target)
    vars(channel)["_gemini_replay_seen"] = True


def _call(call: Any, *_: Any, **__: Any) -> None:
    if hasattr(call, "_target"):
        _target(call._target)
    elif not hasattr(getattr(call, "_python_channel", None), "_gemini_replay_seen"):
        method = str(getattr(call, "_method", b""), "latin-1")
        hosts = session.grpc_hosts(method) | (_blocked.grpc_hosts(method) if _blocked is not None else set())
        for host in hosts:
            _host(host, 443)
