"""One small module per client library. An interceptor waits for its library and never imports it for the user."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from importlib import import_module

from ..patching import Patches, WhenImported
from . import guard, tls

_INTERCEPTED = {"httpx": "httpx_family", "httpx2": "httpx_family", "aiohttp": "aiohttp", "urllib3": "urllib3"}
"""Client library → the module here whose `interceptions(library)` names what to replace in it."""

_patches = Patches()
_blocks = Patches()
_waiting = WhenImported()
_users = 0
_lock = threading.RLock()  # an import under way in `install` may call `_intercept`


def install() -> None:
    """Intercept every supported client, loaded already or imported later. Calls nest."""
    global _users
    with _lock:
        _users += 1
        _patches.apply([*guard.interceptions(), *tls.interceptions()])
        for library in _INTERCEPTED:
            _waiting.call(library, _intercept)


def uninstall() -> None:
    """Undo one `install`; the last one puts everything back."""
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            _waiting.stop()
            _patches.undo()


def block_network(hosts: Iterable[str] = ()) -> None:
    """Refuse Google's Gemini hosts and `hosts` also where no session is open."""
    guard.block(hosts)
    _blocks.apply(guard.interceptions())


def unblock_network() -> None:
    """Undo `block_network`."""
    _blocks.undo()
    guard.block(None)


def _intercept(library: str) -> None:
    module = import_module(f".{_INTERCEPTED[library]}", __name__)
    _patches.apply(module.interceptions(library))
