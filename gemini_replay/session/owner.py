"""Which session a request belongs to: one, none, or it is an error.

The session of the context that makes the request: the innermost that was opened there. While any session is open,
the threads that are started and the jobs that are submitted in such a context belong to its session, too. A context
that has none (a thread that ran before) belongs to the session that is open, if there is just one.
"""

from __future__ import annotations

import concurrent.futures
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import AmbiguousSessionError, NetworkBlockedError
from ..patching import Interception, Lock
from .hosts import Hosts, netloc
from .refusing import blocked
from .session import Session

_mine: ContextVar[_Activation | None] = ContextVar("gemini_replay_session", default=None)
_open: tuple[_Activation, ...] = ()
_lock = Lock()


class _Activation:
    """One time that a session is the current one, and what was so in that context before."""

    def __init__(self, session: Session, outer: _Activation | None) -> None:
        self.session = session
        self.outer = outer
        self.ended = False


def candidates() -> tuple[Session, ...]:
    """The sessions to one of which a request made here and now may belong; the first is that of this context."""
    mine = _mine.get()
    if mine is None:
        return _sessions(_open)
    if not mine.ended:
        return (mine.session,)
    # Made late for the session that has ended, or by a worker that serves another one now: nobody knows.
    return _sessions((mine, *_open))


def _sessions(activations: tuple[_Activation, ...]) -> tuple[Session, ...]:
    return tuple(dict.fromkeys(activation.session for activation in activations))


def owner_of(url: str) -> Session | None:
    """The session that a request to `url`, made here and now, belongs to; None: it is no session's business.

    Raises:
        AmbiguousSessionError: it may belong to one of several. Each of them counts it as a miss.
    """
    found = candidates()
    if not any(session.mode != "live" and session.owns(url) for session in found):
        return None
    if len(found) > 1:
        raise _ambiguous(netloc(url), found)
    return found[0]


def check_host(host: str, port: int | None = None) -> bool:
    """Called by the guard, when some client that no transport here sees is about to reach for `host`.

    Returns:
        Whether it concerns an open session, or one that a test is going to open.

    Raises:
        NetworkBlockedError: the host belongs to the session of this context, which only replays.
        AmbiguousSessionError: the host may belong to one of several, and one of them would refuse it.
    """
    return _check(host, lambda one: one.hosts.owns_host(host, port))


def check_url(url: str) -> bool:
    """Called by the guard, when a request to `url` is about to be sent on a connection. Otherwise as `check_host`."""
    return _check(netloc(url), lambda one: one.reaches(url))


def _check(where: str, owns: Callable[[Session | Expected], bool]) -> bool:
    found = candidates()
    if not found:
        expected = _expected[-1] if _expected else None
        if expected is not None and owns(expected):
            expected.meet(where)
        return expected is not None
    concerned = [session for session in found if session.guarded and owns(session)]
    if len(found) == 1 and concerned:
        found[0].meet(where)
    elif any(session.replay_only for session in concerned):
        raise _ambiguous(where, found)
    return any(session.active for session in found)


def _ambiguous(where: str, found: tuple[Session, ...]) -> AmbiguousSessionError:
    thread = threading.current_thread().name
    error = AmbiguousSessionError(
        f"It is not certain which of {len(found)} sessions a request to {where} belongs to:\n"
        + "\n".join(f"  - {_named(session)}" for session in found),
        suggestion=f"The thread {thread!r} made it, which no open session has started."
        if found[0].active
        else f"The thread {thread!r} made it, for the first of them or since then for another one.",
        hint="Start the thread or submit the job inside the session that it works for, or hand on the context there: "
        "contextvars.copy_context().run(function). Start a worker that serves one session after the other before "
        "all of them.",
    )
    for session in found:
        if session.active:
            session.refuse(error)
    return error


def _named(session: Session) -> str:
    test = f", of {session.test}" if session.test else ""
    return f"{session.path}{test}{'' if session.active else ' (has ended)'}"


# -- the session of a test that has not opened it yet ------------------------------------------------------------


class Expected:
    """The session that a test opens with one of its fixtures: before that and after it, nothing may pass it by.

    Args:
        path: the cassette of the session.
        test: the id of the test.
        fixture: the name of the fixture that opens it.
        hosts: the hosts that are the session's.
        replay_only: whether no request of the session may reach the network.
    """

    def __init__(self, path: Path, *, test: str, fixture: str, hosts: Hosts, replay_only: bool) -> None:
        self.hosts = hosts
        self._path = path
        self._test = test
        self._fixture = fixture
        self._replay_only = replay_only
        self._session: Session | None = None
        self._met: list[tuple[str, str | NetworkBlockedError]] = []

    def reaches(self, url: str) -> bool:
        """Whether a request to this URL would be the session's."""
        return self.hosts.owns(url) and not self.hosts.is_under_test(
            url, recorded=(), recording=not self._replay_only
        )

    def opened(self, session: Session) -> None:
        """The session is there, and is told of what came before it."""
        self._session = session
        for where, found in self._met:
            self._tell(session, where, found)

    def meet(self, where: str) -> None:
        """A request to a host of the session is made outside of it.

        Raises:
            NetworkBlockedError: the session only replays.
        """
        found: str | NetworkBlockedError
        when = "not open yet" if self._session is None else "no longer open"
        why = (
            f"The session of {self._path}, which would own it, is {when}: {self._fixture} opens it for {self._test}."
        )
        hint = (
            f"Make the request in the test, or in a fixture of function scope that takes {self._fixture} as an "
            "argument; fixtures of a wider scope and setUpClass run before it."
        )
        found = blocked(where, suggestion=why, hint=hint) if self._replay_only else f"{why} {hint}"
        if self._session is None:
            self._met.append((where, found))
        else:
            self._tell(self._session, where, found)
        if isinstance(found, NetworkBlockedError):
            raise found

    def _tell(self, session: Session, where: str, found: str | NetworkBlockedError) -> None:
        if isinstance(found, str):
            session.unrecorded(where, found)
        else:
            session.refuse(found)


_expected: list[Expected] = []


def expect(expected: Expected) -> None:
    """From now on, requests that belong to no open session are this one's."""
    _expected.append(expected)


def expect_no_longer(expected: Expected) -> None:
    """The test has ended."""
    if expected in _expected:
        _expected.remove(expected)


# -- the current session -------------------------------------------------------------------------------------------


@contextmanager
def activated(session: Session) -> Iterator[Session]:
    """Make a session the current one for the length of a with-block."""
    global _open
    mine = _Activation(session, _mine.get())
    with _lock:
        _open = (*_open, mine)
    _mine.set(mine)
    try:
        yield session
    finally:
        with _lock:
            _open = tuple(activation for activation in _open if activation is not mine)
        mine.ended = True
        # Set, not reset by token: a generator may be closed in another context than it was begun in, or after one
        # that was begun later.
        if _mine.get() is mine:
            _mine.set(_still_open(mine.outer))


def _still_open(activation: _Activation | None) -> _Activation | None:
    while activation is not None and activation.ended:
        activation = activation.outer
    return activation


class Suspended:
    """What is current in the body of a generator, kept while it waits to be advanced; made when it first waits.

    Whoever advances it, in whatever context, and whatever session was opened since: the body goes on in its own.
    """

    def __init__(self) -> None:
        self._kept = _mine.get()

    @contextmanager
    def resumed(self) -> Iterator[None]:
        """For the length of a with-block, the body runs."""
        before = _mine.get()
        _mine.set(_still_open(self._kept))
        try:
            yield
        finally:
            self._kept = _mine.get()
            _mine.set(_still_open(before))


@contextmanager
def _current(activation: _Activation | None) -> Iterator[None]:
    before = _mine.set(activation)
    try:
        yield
    finally:
        _mine.reset(before)


# -- handing on ------------------------------------------------------------------------------------------------------


_POOLS = ("concurrent.futures.thread", "anyio._backends._asyncio", "trio._core._thread_cache")


def handing_on(hold: Callable[[], object], release: Callable[[], object]) -> list[Interception]:
    """What to replace while a session is open: what hands work to other threads hands its session on, too.

    Args:
        hold: called when such work is handed over.
        release: called when it is done. In between, the session may end, and its requests are still to be refused.
    """

    def starting(original: Callable[..., Any]) -> Callable[..., Any]:
        def start(thread: threading.Thread) -> None:
            mine = _mine.get()
            if mine is None:
                original(thread)
                return
            if _serves_many(thread):
                with _current(None):
                    original(thread)
                return
            own, run = vars(thread).get("run"), thread.run

            def restore() -> None:
                del vars(thread)["run"]
                if own is not None:
                    vars(thread)["run"] = own

            def owned() -> None:
                restore()
                if _mine.get() is None:  # it may have been given a context of its own
                    _mine.set(mine)
                try:
                    run()
                finally:
                    release()

            vars(thread)["run"] = owned
            hold()
            try:
                original(thread)
            except BaseException:
                restore()
                release()
                raise

        return start

    def submitting(original: Callable[..., Any]) -> Callable[..., Any]:
        def submit(executor: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            mine = _mine.get()
            interpreters = sys.modules.get("concurrent.futures.interpreter")
            if mine is None or (interpreters and isinstance(executor, interpreters.InterpreterPoolExecutor)):
                return original(executor, function, *args, **kwargs)
            hold()
            try:
                future = original(executor, partial(_working_for, mine, function), *args, **kwargs)
            except BaseException:
                release()
                raise
            future.add_done_callback(lambda _: release())
            return future

        return submit

    return [
        (threading.Thread, "start", starting),
        (concurrent.futures.ThreadPoolExecutor, "submit", submitting),
    ]


def _serves_many(thread: threading.Thread) -> bool:
    """Whether it is a worker of a pool that hands on the session, or the whole context, with each job."""
    target = getattr(thread, "_target", None)
    return type(thread).__module__ in _POOLS or getattr(target, "__module__", None) in _POOLS


def _working_for(mine: _Activation, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    with _current(mine):
        return function(*args, **kwargs)
