"""Users' functions that settings name: checking and calling them, and the errors if one fails."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any

from .arguments import shown, wrong_argument
from .errors import HookError


def name_of(hook: object) -> str:
    """The name of a function in messages."""
    return str(getattr(hook, "__qualname__", None) or shown(hook))


def check_hook(name: str, value: object, *takes: str) -> None:
    """Raise a `UsageError` unless the setting `name` is a function that can be called with arguments like `takes`."""
    if callable(value):
        try:
            inspect.signature(value).bind(*takes)
        except TypeError:
            pass
        except ValueError:  # the parameters of some functions written in C are not known
            return
        else:
            return
    raise wrong_argument(name, value, f"a function that can be called with ({', '.join(takes)})")


def call_hook(setting: str, hook: Callable[..., Any], *args: object) -> Any:
    """Call a user's function, and return its result.

    Raises:
        HookError: it raised an exception, which is the cause.
    """
    try:
        return hook(*args)
    except Exception as problem:
        trace = problem.__traceback__ and problem.__traceback__.tb_next  # without this frame
        problem.__traceback__ = trace
        said = f"{type(problem).__name__}: {problem}{_place(trace)}"
        raise HookError(f"{name_of(hook)}, which the setting {setting} names, raised {said}") from problem


def wrong_result(setting: str, hook: object, result: object, takes: str) -> HookError:
    """The error about what a function returned; `takes` says what it may return."""
    return HookError(
        f"{name_of(hook)}, which the setting {setting} names, returned {shown(result)}.",
        hint=f"It returns {takes}.",
    )


def _place(trace: TracebackType | None) -> str:
    """Where in the function's own file an exception was raised."""
    if trace is None:
        return ""
    file, last = trace.tb_frame.f_code.co_filename, trace
    entry = trace.tb_next
    while entry is not None:
        if entry.tb_frame.f_code.co_filename == file:
            last = entry
        entry = entry.tb_next
    return f" (at {file}:{last.tb_lineno})"
