"""Errors of this package end in the user's own code: the frames below say nothing that the message does not say."""

from __future__ import annotations

from sys import modules
from types import FrameType

import pytest

_PACKAGE = __name__.partition(".")[0]


def shorten(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """End the traceback of an error of this package in the user's own code; without such code, show the message only.

    The frames below are of this package or of a client library. The arguments there, which pytest prints, may hold a
    key.
    """
    errors = modules.get(f"{_PACKAGE}.errors")
    if call.excinfo is None or errors is None or not isinstance(call.excinfo.value, errors.GeminiReplayError):
        return
    error = call.excinfo.value
    root = str(item.config.rootpath)
    last, entry = None, error.__traceback__
    while entry is not None:
        if _is_users(entry.tb_frame, root):
            last = entry
        entry = entry.tb_next
    if last is not None:
        last.tb_next = None
        call.excinfo = pytest.ExceptionInfo.from_exception(error)
    else:  # a fixture of ours, which found out what the marker or a setting says
        failed = pytest.fail.Exception(str(error), pytrace=False)
        call.excinfo = pytest.ExceptionInfo.from_exception(failed.with_traceback(error.__traceback__))


def _is_users(frame: FrameType, root: str) -> bool:
    file = frame.f_code.co_filename
    ours = str(frame.f_globals.get("__name__", "")).partition(".")[0] == _PACKAGE
    return file.startswith(root) and "site-packages" not in file and not ours
