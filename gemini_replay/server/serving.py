"""Serves a session over HTTP: as a replay server, or as a recording proxy if the session may record."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import DriftError, FaultUnusedError, RecordingError, UsageError
from ..session import Session
from . import running
from .entrance import DEFAULT_RULES, Rules
from .proxy import RecordingProxy
from .replay import ReplayServer

_log = logging.getLogger("gemini_replay.server")


def app(session: Session, *, base: str | None = None) -> ReplayServer:
    """The app for a session: a replay server, or a recording proxy in front of `base` if the session may record.

    Raises:
        UsageError: the session's speed is "virtual", or `base` is not a base URL.
    """
    if session.virtual:
        raise UsageError(
            "A server cannot play in virtual time: its clients are other processes, with clocks of their own.",
            hint='Use a factor such as 4, or "instant" (in a test: @pytest.mark.gemini_cassette(speed="instant")); '
            "or let gemini_cassette answer a client in this process.",
        )
    if session.replay_only:
        return ReplayServer(session, base=base)
    return RecordingProxy(session, base=base)


@contextmanager
def serving(session: Session, *, base: str | None = None, rules: Rules = DEFAULT_RULES) -> Iterator[str]:
    """Serve a session on a free port of this machine for a with-block; gives the server's base URL.

    Raises:
        MissingExtraError: uvicorn is not installed.
        UsageError: `base` is not a base URL.
    """
    with running.Running(app(session, base=base), rules=rules, provider=session.provider) as server:
        yield server.url


def serve_forever(
    session: Session,
    *,
    base: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    rules: Rules = DEFAULT_RULES,
    announce: Callable[[str], object],
) -> None:
    """Serve a session until SIGINT or SIGTERM, then close it: what it recorded replaces its cassette.

    `base` is the upstream of a session that records; for the other arguments, see `running.serve_forever`.

    Raises:
        MissingExtraError: uvicorn is not installed.
        UsageError: the address cannot be listened on, or `base` is not a base URL.
        RecordingError: a recording failed, which is also logged when it happens.
        DriftError: in mode "verify": live answers have another form than their recordings.
    """
    served = app(session, base=base)
    session.on_recording_failure(lambda failure: _log.error("%s", failure))
    try:
        with rare_collections():
            running.serve_forever(
                served, host=host, port=port, rules=rules, provider=session.provider, announce=announce
            )
    finally:
        session.close()
    if served.missed:
        _log.warning("Requests that no recording answered: %d", served.missed)
    for problem in session.problems:
        if isinstance(problem, RecordingError | DriftError):
            raise problem
        if isinstance(problem, FaultUnusedError):
            _log.warning("%s", problem)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Make Python's full garbage collections ten times rarer, and exempt the objects that exist now.

    A full collection visits all that a thousand streams hold, which makes them late, and finds nothing.
    """
    young, middle, old = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(young, middle, 10 * old)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)
        gc.unfreeze()
