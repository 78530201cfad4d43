"""One small module for each client library. An interceptor waits for its library and never imports it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module

from .. import session
from ..errors import GeminiReplayError
from ..patching import Interception, Lock, Patches, WhenImported
from . import guard, tls
from .private import incompatible

_INTERCEPTED = {
    "httpcore": "httpcore",
    "httpcore2": "httpcore",
    "aiohttp": "aiohttp",
    "urllib3": "urllib3",
    "http.client": "http_client",
    "httplib2": "http_client",
    "google.auth": "google_auth",
    "google.oauth2": "google_auth",
}
"""Client library → the module here whose `interceptions(library)` names what to replace in it."""


class _Installation:
    """Replacements that are in place while they have users. Uses nest, from any thread.

    Args:
        interceptions: returns the replacements for an imported library, or for None, those to make at once.
        libraries: the libraries to wait for.
        users: called with the number of users each time it changes.
    """

    def __init__(
        self,
        interceptions: Callable[[str | None], list[Interception]],
        libraries: Iterable[str],
        users: Callable[[int], None] = lambda number: None,
    ) -> None:
        self._interceptions = interceptions
        self._libraries = tuple(libraries)
        self._tell = users
        self._users = 0
        self._is_complete = False  # true once a user has put everything in place
        self._patches = Patches()
        self._waiting = WhenImported(self._failed)
        self._failures: dict[str, Exception] = {}
        self._lock = Lock()  # nothing is imported while this lock is held, since an importing thread may wait for it

    def install(self) -> None:
        """Put everything in place for one more user.

        Raises:
            GeminiReplayError: a loaded library is not built as expected. Nothing has changed.
        """
        self.hold()
        if self._users > 1 and self._is_in_place():
            return
        try:
            self._patches.apply(self._interceptions(None))
            self._waiting.call(self._intercept, *self._libraries)
            self._is_complete = True
        except BaseException:
            self.release()
            raise

    def _is_in_place(self) -> bool:
        """Whether everything is in place, including the replacements in libraries imported since."""
        complete = self._is_complete and self._waiting.listens and not self._failures
        return complete and self._patches.are_in_place()

    def hold(self) -> None:
        """Stay in place for one more user."""
        with self._lock:
            self._users += 1
            self._tell(self._users)

    def release(self) -> Exception | None:
        """Remove one user. After the last one, restore everything.

        Returns:
            Why a library that was imported in the meantime could not be intercepted; None if all were.
        """
        with self._lock:
            failure = next(iter(self._failures.values()), None)
            self._users -= 1
            self._tell(self._users)
            if self._users == 0:
                self._is_complete = False
                self._waiting.stop()
                self._patches.undo()
                self._failures.clear()
        return failure

    def _intercept(self, library: str) -> None:
        if getattr(sys.modules[library], "__file__", None) is None:
            return  # a folder with that name, or a test's stand-in
        try:
            interceptions = self._interceptions(library)
            with self._lock:
                if self._users:  # the last user may have left in the meantime
                    self._patches.apply(interceptions)
                    self._failures.pop(library, None)
        except GeminiReplayError:
            raise
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise incompatible(library, why, supported=f"another version of {library}") from error

    def _failed(self, library: str, error: Exception) -> None:
        """A library that has just been imported cannot be intercepted; open sessions report that when they end."""
        with self._lock:
            if self._users:
                self._failures[library] = error


def _in_clients(library: str | None) -> list[Interception]:
    if library is None:
        return [*tls.interceptions(), *session.handing_on(_hold, uninstall)]
    return _transport(_INTERCEPTED[library])(library)


@cache
def _transport(module: str) -> Callable[[str], list[Interception]]:
    """What names the interceptions of a client library, by its module here."""
    interceptions: Callable[[str], list[Interception]] = import_module(f".{module}", __name__).interceptions
    return interceptions


_clients = _Installation(_in_clients, _INTERCEPTED)
_guard = _Installation(guard.interceptions, guard.LIBRARIES, guard.listen_while_used)


def install() -> None:
    """Intercept every supported client, loaded already or imported later, and guard the network from all others.

    Calls nest; any thread may call.

    Raises:
        GeminiReplayError: a loaded library is not built as expected. Nothing stays replaced.
    """
    Lock.watch_forks()
    _guard.install()
    try:
        _clients.install()
    except BaseException:
        _guard.release()
        raise


def _hold() -> None:
    _guard.hold()
    _clients.hold()


def uninstall() -> Exception | None:
    """Undo one `install`. After the last one, everything is restored.

    Returns:
        Why a library that was imported in the meantime could not be intercepted; None if all were.
    """
    failure = _clients.release()
    return _guard.release() or failure


def start_guard() -> None:
    """Guard the hosts of open and expected sessions, and intercept no client. Calls nest."""
    Lock.watch_forks()
    _guard.install()


def stop_guard() -> None:
    """Undo one `start_guard`."""
    _guard.release()


def block_network(hosts: Iterable[str] = (), allowed: Iterable[str] = ()) -> None:
    """Refuse the provider's hosts and `hosts`, except the `allowed` ones, even without an open session."""
    guard.block(hosts, allowed)
    start_guard()


def unblock_network() -> None:
    """Undo `block_network`."""
    stop_guard()
    guard.block(None)
