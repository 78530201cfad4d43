"""One small module per client library. An interceptor waits for its library and never imports it for the user."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module

from .. import session
from ..errors import GeminiReplayError
from ..patching import Lock, Patches, WhenImported
from . import guard, tls
from .private import incompatible

_INTERCEPTED = {
    "httpcore": "httpcore",
    "httpcore2": "httpcore",
    "aiohttp": "aiohttp",
    "urllib3": "urllib3",
    "http.client": "stdlib_http",
    "httplib2": "stdlib_http",
    "google.auth": "google_auth",
    "google.oauth2": "google_auth",
}
"""Client library → the module here whose `interceptions(library)` names what to replace in it."""

_patches = Patches()
_blocks = Patches()
_users = 0
_failures: dict[str, Exception] = {}
_lock = Lock()
"""Guards the names above. Nothing is imported under it: a thread that imports a library may wait for it."""


def install() -> None:
    """Intercept every supported client, loaded already or imported later. Calls nest; any thread may call.

    Raises:
        GeminiReplayError: a library that is loaded is not built as this release knows it. Nothing is left replaced.
    """
    Lock.watch_forks()
    _hold()
    try:
        _patches.apply([*guard.interceptions(), *tls.interceptions(), *session.handing_on(_hold, uninstall)])
        for library in _INTERCEPTED:
            _waiting.call(library, _intercept)
    except BaseException:
        uninstall()
        raise


def _hold() -> None:
    global _users
    with _lock:
        _users += 1


def uninstall() -> Exception | None:
    """Undo one `install`; the last one puts everything back.

    Returns:
        Why a library that was imported meanwhile could not be intercepted, if there is one.
    """
    global _users
    with _lock:
        failure = next(iter(_failures.values()), None)
        _users -= 1
        if _users == 0:
            _waiting.stop()
            _patches.undo()
            _failures.clear()
    return failure


def block_network(hosts: Iterable[str] = ()) -> None:
    """Refuse Google's Gemini hosts and `hosts` also where no session is open."""
    guard.block(hosts)
    _blocks.apply(guard.interceptions())


def unblock_network() -> None:
    """Undo `block_network`."""
    _blocks.undo()
    guard.block(None)


def _intercept(library: str) -> None:
    if getattr(sys.modules[library], "__file__", None) is None:
        return  # a folder of that name, or a stand-in that a test has put there
    try:
        module = import_module(f".{_INTERCEPTED[library]}", __name__)
        interceptions = module.interceptions(library)
        with _lock:
            if _users:  # the last session may have ended meanwhile
                _patches.apply(interceptions)
                _failures.pop(library, None)
    except GeminiReplayError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise incompatible(library, why, supported=f"another version of {library}") from error


def _failed(library: str, error: Exception) -> None:
    """A library that has just been imported cannot be intercepted: the sessions that are open say so at their end."""
    with _lock:
        if _users:
            _failures[library] = error


_waiting = WhenImported(_failed)
