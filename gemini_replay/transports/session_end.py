"""The end of a session whose clients were intercepted: it is closed, then its problems are reported."""

from __future__ import annotations

from ..errors import GeminiReplayError, UnusedRecordingsError
from ..session import Session
from .read_ahead import join_abandoned


def close(session: Session, *, keep: bool = True) -> None:
    """Close a session: what its clients have read of unfinished responses is recorded. Never raises."""
    join_abandoned()
    session.close(keep=keep)


def ended_well(raised: BaseException | None) -> bool:
    """Whether a block that raised this, or nothing (None), has ended well.

    A generator that is closed early has: its reader needs no more. So has a program that calls ``sys.exit()`` or
    ``sys.exit(0)``.
    """
    if isinstance(raised, SystemExit):
        return raised.code in (None, 0)
    return raised is None or isinstance(raised, GeneratorExit)


def report_problems(session: Session, raised: BaseException | None, *more: GeminiReplayError) -> None:
    """Report the problems of a session that has been closed, and `more` of them, when a block ends.

    If the block ended well, the first problem is raised. If it raised an exception, that one goes on. Either has a
    note about each problem that it does not report itself; one that came several times, such as a request that an SDK
    sent again, is reported once. Recordings that were not used are no problem if the block has not come to its end.

    Args:
        session: the session.
        raised: the exception that the block raised, and nothing that was handled before; None: it raised none.
        more: problems that came up while interception ended.

    Raises:
        GeminiReplayError: the block ended well, and there is a problem.
    """
    problems = [*session.problems, *more]
    well = ended_well(raised)
    if not well:
        problems = [problem for problem in problems if not isinstance(problem, UnusedRecordingsError)]
    if not problems:
        return
    reporting = problems[0] if well or raised is None else raised
    reported = {str(error) for error in _related(reporting) if isinstance(error, GeminiReplayError)}
    for text in dict.fromkeys(map(str, problems)):
        if text not in reported:
            reporting.add_note(f"gemini-replay, at the end of the session of {session.path}: {text}")
    if well:
        raise reporting


def _related(error: BaseException) -> list[BaseException]:
    """An exception, what it came from, and the members of groups."""
    found: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None and not any(one is other for other in found):
            found.append(one)
            pending += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return found
