"""Ends a session whose clients were intercepted: closes it, then reports its problems."""

from __future__ import annotations

from ..errors import GeminiReplayError, UnusedRecordingsError
from ..session import Session
from .read_ahead import join_abandoned


def close(session: Session, *, keep: bool = True) -> None:
    """Close a session. Unfinished responses are recorded as far as their clients have read them. Never raises."""
    join_abandoned()
    session.close(keep=keep)


def ended_well(raised: BaseException | None) -> bool:
    """Whether a block that raised this exception, or none (None), has ended well.

    A generator that is closed early has ended well, since its reader needs no more. So has a program that calls
    ``sys.exit()`` or ``sys.exit(0)``.
    """
    if isinstance(raised, SystemExit):
        return raised.code in (None, 0)
    return raised is None or isinstance(raised, GeneratorExit)


def report_problems(session: Session, raised: BaseException | None, *more: GeminiReplayError) -> None:
    """Report the problems of a session that has been closed, and `more` of them, when a block ends.

    If the block ended well, the first problem is raised. If it raised an exception, that one stays. Either gets a
    note about each other problem. A problem that came several times, such as a request that an SDK sent again, is
    reported once. Unused recordings are not a problem if the block did not run to its end.

    Args:
        session: the session.
        raised: the exception that the block raised, or None. It is not one that was handled before.
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
