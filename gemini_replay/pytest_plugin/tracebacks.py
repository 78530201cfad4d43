"""Errors of this package end in the user's own code: the frames below say nothing that the message does not say.

The frames between, of client libraries and of this package, are left out, too: the arguments there may hold a key.
An error that was raised from one of ours is shortened with it. With pytest's option ``--full-trace``, nothing is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from sys import modules
from types import FrameType, TracebackType
from typing import Any

import pytest

_PACKAGE = __name__.partition(".")[0]
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_SCOPE = "ScopeMismatch: "
_OF_A_TEST = ("gemini_cassette", "gemini_server", "check_gemini_client")
"""The fixtures of function scope."""


def shorten(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Leave out of the traceback of an error of this package what is not the user's own code.

    Where no such code is left, the error is shown as its message, with the place of the test.
    """
    if call.excinfo is None or _chosen(item, "fulltrace", False):
        return
    error = call.excinfo.value
    if isinstance(error, pytest.fail.Exception) and str(error).startswith(_SCOPE):
        if any(f" {name} " in str(error).partition("\n")[0] for name in _OF_A_TEST):
            call.excinfo = _message_alone(f"{error}\n{_scope_hint()}", error.__traceback__)
        return
    unexpected: Any = getattr(modules.get("doctest"), "UnexpectedException", ())
    for failure in getattr(error, "failures", [error]):  # a doctest may have several
        if isinstance(failure, unexpected):
            kind, found, _ = failure.exc_info
            _shorten_all(found)
            failure.exc_info = (kind, found, found.__traceback__)
    raised_at = error.__traceback__
    _shorten_all(error)
    if error.__traceback__ is raised_at:  # it is no error of ours, or the user's from top to bottom
        return
    if error.__traceback__ is None:  # a fixture of ours, which found out what the marker or a setting says
        path, line, name = item.location
        call.excinfo = _message_alone(f"{error}\n{path}:{(line or 0) + 1}: {name}", raised_at)
    else:
        call.excinfo = pytest.ExceptionInfo.from_exception(error)


def _shorten_all(error: BaseException) -> None:
    for one in _related(error):
        if _tells_ours(one):
            one.__traceback__ = _of_the_user(one.__traceback__)


def show_short(item: pytest.Item, raised: pytest.ExceptionInfo[BaseException], report: pytest.TestReport) -> None:
    """Show what `shorten` has left in pytest's short style, unless the user chose a style."""
    if _chosen(item, "fulltrace", False) or _chosen(item, "tbstyle", "auto") != "auto":
        return
    if report.failed and _tells_ours(raised.value):
        report.longrepr = raised.getrepr(style="short")


def _chosen(item: pytest.Item, option: str, default: Any) -> Any:
    """An option of pytest's terminal reporter, which a run can do without."""
    return getattr(item.config.option, option, default)


def _scope_hint() -> str:
    return (
        "gemini_cassette belongs to one test. A fixture of wider scope opens a cassette of its own with the fixture "
        'gemini_cassettes: with gemini_cassettes("NAME"): …\n'
        "[gemini-replay explain pytest]"
    )


def _message_alone(text: str, raised_at: TracebackType | None) -> pytest.ExceptionInfo[BaseException]:
    failed = pytest.fail.Exception(text, pytrace=False)
    return pytest.ExceptionInfo.from_exception(failed.with_traceback(raised_at))


def _tells_ours(error: BaseException) -> bool:
    """Whether an error is one of this package's, was raised from one, or is a group of such errors alone."""
    errors = modules.get(f"{_PACKAGE}.errors")
    if errors is None:
        return False
    seen: list[BaseException] = []

    def tells(one: BaseException | None) -> bool:
        if one is None or any(one is other for other in seen):
            return False
        seen.append(one)
        members = getattr(one, "exceptions", ())
        grouped = isinstance(one, BaseExceptionGroup) and all(map(tells, members))
        return isinstance(one, errors.GeminiReplayError) or grouped or tells(one.__cause__)

    return tells(error)


def _related(error: BaseException) -> Iterator[BaseException]:
    """An error, what it came from, and the members of groups."""
    seen: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None and not any(one is other for other in seen):
            seen.append(one)
            yield one
            pending += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def _of_the_user(entry: TracebackType | None) -> TracebackType | None:
    """The entries of a traceback that are the user's own code, linked anew."""
    first: TracebackType | None = None
    last: TracebackType | None = None
    while entry is not None:
        following = entry.tb_next
        if _is_users(entry.tb_frame):
            entry.tb_next = None
            if last is None:
                first = entry
            else:
                last.tb_next = entry
            last = entry
        entry = following
    return first


def _is_users(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    ours = str(frame.f_globals.get("__name__", "")).partition(".")[0] == _PACKAGE
    installed = any(folder in file for folder in _INSTALLED)
    return not (ours or installed or file.startswith((_STANDARD_LIBRARY, "<frozen ")))
