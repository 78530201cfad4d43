"""Which session a request belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .session import Session

_mine: ContextVar[Session | None] = ContextVar("gemini_replay_session", default=None)
_open: list[Session] = []


def current() -> Session | None:
    """The session that a request made here and now belongs to.

    The innermost one of this context (task, thread); in a context that has none, such as a thread that the code
    under test started, the one opened last.
    """
    mine = _mine.get()
    if mine is not None and mine.active:
        return mine
    return _open[-1] if _open else None


@contextmanager
def activated(session: Session) -> Iterator[Session]:
    """Make a session the current one for the length of a with-block."""
    outer = _mine.get()
    _mine.set(session)
    _open.append(session)
    try:
        yield session
    finally:
        _open.remove(session)
        # Set, not reset by token: a fixture's generator may be closed in another context than it was begun in.
        _mine.set(outer)
