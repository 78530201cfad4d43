"""`record` and `replay`: open a session and intercept every supported client. The pytest fixture uses the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from types import TracebackType
from typing import ParamSpec, TypeVar, Unpack

from . import transports
from .decorating import decorated
from .errors import GeminiReplayError
from .patching import Lock
from .session import Session, activated, candidates
from .session.arguments import checked
from .session.settings import Paths, RecordSettings, ReplaySettings
from .transports.session_end import close, ended_well, report_problems
from .virtual_clock import virtual_time

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def intercepted(session: Session) -> Iterator[Session]:
    """Make `session` the current one, and answer every supported client from it, for a with-block.

    If its speed is "virtual" and nothing can be recorded, time is virtual in the block. The session stays open: the
    caller closes it, and decides whether its recording is kept.

    Raises:
        GeminiReplayError: a client library is not built as expected. If it was imported in the block, this is raised
            at the block's end.
    """
    transports.install()
    failure: Exception | None = None
    try:
        with virtual_time() if session.virtual and session.replay_only else nullcontext(), activated(session):
            yield session
    finally:
        failure = transports.uninstall()
    if failure is not None:
        raise failure


def replay(path: Paths, **settings: Unpack[ReplaySettings]) -> Block:
    """Answer every Gemini request in a with-block from a cassette; nothing reaches the network.

    It is also a decorator of functions, coroutine functions, generator functions and async generator functions. Each
    call is then a block of its own.

    Args:
        path: the cassette, or several in a list, which are replayed as if they were one.
        settings: see `session.settings.ReplaySettings`.

    Returns:
        What the with-statement takes; its target is the `Session`. It can be used again.

    Raises:
        UsageError: an argument cannot be used.
        CassetteNotFoundError: there is no such file.
        CassetteError: the file cannot be read as a cassette.
        MissError: raised in the client by a request that nothing answers, and again at the end of the block if the
            code in it swallowed the error.
        AmbiguousSessionError: raised likewise by a request that may belong to another open session.
        FaultUnusedError: raised at the end of the block: a fault was never applied.
        UnusedRecordingsError: raised at the end of the block, with ``allow_unused=False``: nothing asked for some
            recordings.
    """
    given = checked(ReplaySettings.__annotations__, path=path, **settings)
    return Block(partial(Session.replaying, given.pop("path"), **given), keeps=False)


def record(path: Paths, **settings: Unpack[RecordSettings]) -> Block:
    """Record every Gemini request in a with-block into a cassette, while the client streams as usual.

    The cassette is replaced when the block ends well; where it raises, the old one stays and what was recorded
    is left beside it as ``NAME.jsonl.part``. Also a decorator, like `replay`.

    Args:
        path: the cassette; folders are made as needed. Of several in a list, the first is recorded into; the others
            are replayed from.
        settings: see `session.settings.RecordSettings`; `mode` is "rewrite" by default.

    Returns:
        What the with-statement takes; its target is the `Session`. It can be used again.

    Raises:
        UsageError: an argument cannot be used.
        CassetteError: the present file cannot be read (modes "new" and "once").
        RecordingError: at the end of the block: the recording failed; the client got the live response all the same.
        DriftError: likewise, in mode "verify": live answers have another form than their recordings.
        MissError: in mode "once", see `replay`.
    """
    given = {"mode": "rewrite", **checked(RecordSettings.__annotations__, path=path, **settings)}
    return Block(partial(Session, given.pop("path"), **given), keeps=True)


class Block:
    """What `record` and `replay` return: a session for each with-block, or for each call of the decorated function.

    If the block raises an error, that error is raised, with a note if the session has a problem as well.
    """

    def __init__(self, make: Callable[[], Session], *, keeps: bool) -> None:
        self._make = make
        self._keeps = keeps
        self._opened: list[_Opened] = []
        self._lock = Lock()

    def __enter__(self) -> Session:
        opened = _Opened(self._make(), keeps=self._keeps)
        with self._lock:
            self._opened.append(opened)
        return opened.session

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        own = candidates()
        with self._lock:  # several tasks or threads may be in a block of this object at a time
            opened = next((one for one in reversed(self._opened) if one.session in own), self._opened[-1])
            self._opened.remove(opened)
        opened.__exit__(kind, problem, trace)

    async def __aenter__(self) -> Session:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, problem, trace)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Open a session for each call of `function`, while its body runs, and close it when that ends.

        Raises:
            UsageError: it is a class, or not a function.
        """
        return decorated(function, lambda: _Opened(self._make(), keeps=self._keeps))


class _Opened:
    """One session that is open, with every client intercepted."""

    def __init__(self, session: Session, *, keeps: bool) -> None:
        self.session = session
        self._keeps = keeps
        self._interception: AbstractContextManager[Session] = intercepted(session)
        try:
            self._interception.__enter__()
        except BaseException:
            session.close(keep=False)
            raise

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        """End the session after a block that raised this error, or None; see `session_end.ended_well`.

        Raises:
            GeminiReplayError: the block raised no error, and the session has a problem.
        """
        close(self.session, keep=self._keeps and ended_well(raised))
        failures: list[GeminiReplayError] = []
        try:
            self._interception.__exit__(None, None, None)
        except GeminiReplayError as failure:
            failures.append(failure)
        report_problems(self.session, raised, *failures)
