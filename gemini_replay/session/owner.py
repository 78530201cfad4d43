"""Which session a request belongs to: one, none, or it is an error.

It belongs to the session of the context that makes it: the innermost that was opened there. Threads that are started
and jobs that are submitted in such a context belong to its session, too (`handing_on`). A context without a session
(a thread that ran before) belongs to the session that is open, if there is just one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..errors import AmbiguousSessionError
from ..urls import netloc
from .current import candidates
from .expected import Expected, expected_now
from .refusing import recorded_twice
from .session import Session


def owner_of(url: str, connection: object = None) -> Session | None:
    """The session that a request to `url`, made now in this context, belongs to; None: it belongs to no session.

    If it may belong to one of several, each of them counts the `AmbiguousSessionError` as a miss. So does a session
    the `RefusedError` about another recorder that handles the request, too: it has called the function that is
    running, or `connection`, which the client has chosen, is one of its own.
    """
    sessions = candidates()
    for session in sessions:
        if session.owns(url):
            break
    else:
        return None
    if len(sessions) > 1:
        raise _ambiguous(netloc(url), sessions)
    twice = None if sessions[0].mode == "live" else recorded_twice(connection)
    if twice is not None:
        raise sessions[0].refuse(twice)
    return sessions[0]


def check_host(host: str, port: int | None = None) -> bool:
    """Called by the guard, when a client that no transport sees is about to connect to `host`.

    Returns whether it concerns an open session, or one that a test is going to open.

    Raises:
        NetworkBlockedError: the host belongs to the session of this context, which only replays.
        AmbiguousSessionError: the host may belong to one of several, and one of them would refuse it.
    """
    return _check(host, lambda session: session.hosts.owns_host(host, port))


def check_url(url: str) -> bool:
    """Called by the guard, when a request to `url` is about to be sent on a connection. Otherwise as `check_host`."""
    return _check(netloc(url), lambda session: session.reaches(url))


def grpc_hosts(method: str) -> set[str]:
    """The hosts that serve a gRPC method, to the providers of open sessions and of the one that a test will open."""
    expected = expected_now()
    known = [session.hosts for session in candidates()] + ([expected.hosts] if expected is not None else [])
    return {host for hosts in known for host in hosts.grpc_hosts(method)}


def _check(where: str, owns: Callable[[Session | Expected], bool]) -> bool:
    sessions = candidates()
    if not sessions:
        expected = expected_now()
        if expected is not None and owns(expected):
            expected.handle_unseen(where)
        return expected is not None
    concerned = [session for session in sessions if session.guarded and owns(session)]
    if len(sessions) == 1 and concerned:
        sessions[0].handle_unseen(where)
    elif any(session.replay_only for session in concerned):
        raise _ambiguous(where, sessions)
    return any(session.active for session in sessions)


def _ambiguous(where: str, sessions: tuple[Session, ...]) -> AmbiguousSessionError:
    thread = threading.current_thread().name
    error = AmbiguousSessionError(
        f"A request to {where} may belong to any of {len(sessions)} sessions:\n"
        + "\n".join(f"  - {_named(session)}" for session in sessions),
        suggestion=f"The thread {thread!r} made it, which no open session has started."
        if sessions[0].active
        else f"The thread {thread!r} made it, for the first of them or since then for another one.",
        hint="Start the thread or submit the job inside the session that it works for, or pass the context on there: "
        "contextvars.copy_context().run(function). Start a worker that serves one session after the other before "
        "all of them.",
    )
    for session in sessions:
        if session.active:
            session.refuse(error)
    return error


def _named(session: Session) -> str:
    test = f", of {session.test}" if session.test else ""
    return f"{session.path}{test}{'' if session.active else ' (has ended)'}"
