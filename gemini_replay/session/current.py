"""The current session of each context, and the sessions that are open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ..patching import Lock
from .session import Session

_current: ContextVar[Activation | None] = ContextVar("gemini_replay_session", default=None)
_open: tuple[Activation, ...] = ()
_lock = Lock()


@dataclass(eq=False)
class Activation:
    """One time that a session is the current one, and what was current in that context before."""

    session: Session
    outer: Activation | None
    ended: bool = False


def candidates() -> tuple[Session, ...]:
    """The sessions to one of which a request made now in this context may belong.

    That of the context comes first. A context without one (a thread that ran before any was opened) may belong to
    each session that is open.
    """
    own = _current.get()
    if own is None:
        return _sessions(_open)
    if not own.ended:
        return (own.session,)
    # A late request of the session that has ended, or a worker that serves another one by now: nobody knows.
    return _sessions((own, *_open))


def replays_only() -> bool:
    """Whether a session is open, and no request made now in this context may reach the network."""
    sessions = candidates()
    return bool(sessions) and all(session.replay_only for session in sessions)


def _sessions(activations: tuple[Activation, ...]) -> tuple[Session, ...]:
    return tuple(dict.fromkeys(activation.session for activation in activations))


@contextmanager
def activated(session: Session) -> Iterator[Session]:
    """Make a session the current one for the length of a with-block."""
    global _open
    own = Activation(session, _current.get())
    with _lock:
        _open = (*_open, own)
    _current.set(own)
    try:
        yield session
    finally:
        with _lock:
            _open = tuple(activation for activation in _open if activation is not own)
        own.ended = True
        # Set, not reset by token: a generator may be closed in another context than it was started in, or after one
        # that was started later.
        if _current.get() is own:
            _current.set(_still_open(own.outer))


def _still_open(activation: Activation | None) -> Activation | None:
    while activation is not None and activation.ended:
        activation = activation.outer
    return activation


class Suspended:
    """What is current in the body of a generator, kept while the generator is suspended; made when it first is.

    Whatever context resumes it, and whatever session was opened meanwhile, the body continues in its own.
    """

    def __init__(self) -> None:
        self._kept = _current.get()

    @contextmanager
    def resumed(self) -> Iterator[None]:
        """For the length of a with-block, the body runs."""
        before = _current.get()
        _current.set(_still_open(self._kept))
        try:
            yield
        finally:
            self._kept = _current.get()
            _current.set(_still_open(before))


# -- work that is handed to other threads ----------------------------------------------------------------------------


def current_activation() -> Activation | None:
    """What is current in this context, ended or not; None: nothing."""
    return _current.get()


def adopt(activation: Activation) -> None:
    """Make this current, unless the context has something current already."""
    if _current.get() is None:
        _current.set(activation)


@contextmanager
def made_current(activation: Activation | None) -> Iterator[None]:
    """Make this current for the length of a with-block."""
    before = _current.set(activation)
    try:
        yield
    finally:
        _current.reset(before)
