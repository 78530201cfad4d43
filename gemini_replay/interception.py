"""`record` and `replay`: open a session and intercept every supported client. The pytest fixture uses the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from . import transports
from .cassette.matching import DEFAULT_KEYS
from .engine.virtual_time import virtual_time
from .session import Faults, Mode, Session, activated


@contextmanager
def intercepted(session: Session) -> Iterator[Session]:
    """Make `session` the current one, and answer every supported client from it, for a with-block.

    Where its speed is "virtual" and nothing can be recorded, time is virtual in the block.
    The session is not closed: who opened it says whether its recording is kept.
    """
    transports.install()
    try:
        with virtual_time() if session.virtual and session.replay_only else nullcontext(), activated(session):
            yield session
    finally:
        transports.uninstall()


@contextmanager
def replay(
    path: str | Path,
    *,
    speed: str | float = 1.0,
    max_gap: float | None = None,
    rechunk: str | int | None = None,
    fault: Faults = None,
    match: Sequence[str] = DEFAULT_KEYS,
    hosts: Iterable[str] = (),
) -> Iterator[Session]:
    """Answer every Gemini request in a with-block from a cassette; nothing reaches the network.

    Args:
        path: the cassette.
        speed: a factor of the recorded rhythm (1.0), "instant", or "virtual" (see `gemini_replay.virtual_time`).
        max_gap: the longest wait, in seconds; None: as recorded.
        rechunk: other chunk boundaries: "bytes", "events", "tcp", "random", or a size in bytes.
        fault: what goes wrong ("reset@event:3", "status:503;times=2"), or several; see `gemini_replay.faults`.
        match: what must be equal for a recording to answer, see `gemini_replay.cassette.matching`.
        hosts: further hosts whose requests are to be answered, as shell patterns.

    Raises:
        CassetteNotFoundError: there is no such file.
        CassetteError: the file cannot be read as a cassette.
        MissError: raised in the client by a request that nothing answers, and again at the end of the block
            where the code in it swallowed that.
        FaultUnusedError: at the end of the block: a fault struck no answer.
    """
    session = Session.replaying(
        path, speed=speed, max_gap=max_gap, rechunk=rechunk, fault=fault, match=match, hosts=hosts
    )
    with intercepted(session):
        try:
            yield session
        finally:
            session.close(keep=False)
    if session.problem is not None:
        raise session.problem


@contextmanager
def record(
    path: str | Path,
    *,
    mode: Mode = "rewrite",
    speed: str | float = 1.0,
    match: Sequence[str] = DEFAULT_KEYS,
    hosts: Iterable[str] = (),
    upstream: str | None = None,
    redact: Iterable[str] = (),
    wire: bool = False,
) -> Iterator[Session]:
    """Record every Gemini request in a with-block into a cassette, while the client streams as ever.

    The cassette is replaced when the block ends well; where it raises, the old one stays and what was recorded
    is left beside it as ``NAME.jsonl.part``.

    Args:
        path: the cassette; folders are made as needed.
        mode: "rewrite" everything, "new" (append what is missing), or "once" (only where there is no file).
        speed: of what is replayed, in the modes that do.
        match: what must be equal for a recording to answer, see `gemini_replay.cassette.matching`.
        hosts: further hosts whose requests are to be recorded, as shell patterns.
        upstream: a base URL that the requests are sent to in place of their own scheme and host.
        redact: further values that must not be stored; the usual secrets never are.
        wire: keep a compressed body as it came, instead of decoded.

    Raises:
        CassetteBusyError: another session is recording to the same cassette.
        CassetteError: the present file cannot be read (modes "new" and "once").
    """
    session = Session(
        path,
        mode=mode,
        speed=speed,
        match=match,
        hosts=hosts,
        upstream=upstream,
        redact=redact,
        wire=wire,
    )
    with intercepted(session):
        try:
            yield session
        except BaseException:
            session.close(keep=False)
            raise
        session.close()
    if session.misses:
        raise session.misses[0]
