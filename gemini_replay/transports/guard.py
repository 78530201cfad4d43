"""Stops what no transport here sees: the look-up of a Gemini host's address, from any Python client.

Every client that resolves names through Python ends in `socket.getaddrinfo`: httpcore, urllib3, aiohttp, trio,
asyncio, http.client. What answers without a network (a mock) never comes here. Clients written in C (curl,
gRPC) resolve by themselves and are not seen.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any

from .. import session
from ..patching import Interception

_blocked: tuple[str, ...] | None = None


def interceptions() -> list[Interception]:
    """What to replace."""
    return [(socket, "getaddrinfo", _guarded)]


def block(hosts: Iterable[str] | None) -> None:
    """Refuse Google's Gemini hosts and these also where no session is open; None: do so no longer."""
    global _blocked
    _blocked = None if hosts is None else (*session.GEMINI_HOSTS, *hosts)


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str):
            at = int(port) if isinstance(port, int) or (isinstance(port, str) and port.isdecimal()) else None
            asked = session.check_host(name, at)
            if not asked and _blocked is not None and session.is_gemini_host(name, _blocked, at):
                raise session.blocked(name)
        return original(host, port, *args, **kwargs)

    return getaddrinfo
