"""Checks of arguments. A wrong one is the same kind of error everywhere: it has the name and the valid values."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from .errors import UsageError


def wrong_argument(name: str, value: object, takes: str) -> UsageError:
    """The error about an argument that cannot be used.

    Args:
        name: the argument.
        value: what was given.
        takes: what it takes, such as "a number above 0, or None".
    """
    return UsageError(f"{name} is {shown(value)}.", hint=f"It takes {takes}.")


def require(holds: bool, name: str, value: object, takes: str) -> None:
    """Raise `wrong_argument` unless the condition holds."""
    if not holds:
        raise wrong_argument(name, value, takes)


def shown(value: object) -> str:
    """A value in an error's message: short, and whatever its ``repr`` does."""
    named = getattr(value, "__qualname__", None)
    if callable(value) and named:
        return f"{'the class' if isinstance(value, type) else 'the function'} {named}"
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__qualname__}"
    return text if len(text) <= 80 else f"{text[:79]}…"


def is_whole(value: object, least: int | None = None) -> bool:
    """Whether it is a whole number of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)


def is_path(value: object) -> bool:
    """Whether it can be the path of a file: text, or a path object."""
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    return isinstance(path, str) and bool(path) and "\0" not in path


def items(name: str, value: object, takes: str) -> tuple[object, ...]:
    """One text as a tuple, or the items of any other iterable except a mapping or bytes.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes | bytearray):
        raise wrong_argument(name, value, takes)
    return tuple(value)


def texts(name: str, value: object, takes: str) -> tuple[str, ...]:
    """One text, or several in an iterable; errors as for `items`."""
    found = items(name, value, takes)
    for text in found:
        if not isinstance(text, str):
            raise wrong_argument(name, value if isinstance(value, list | tuple | set) else found, takes)
    return found  # type: ignore[return-value]  # each is a text


def require_flag(name: str, value: object) -> None:
    """Raise a `UsageError` unless it is True or False."""
    require(isinstance(value, bool), name, value, "True or False")


def require_path(name: str, value: object, takes: str) -> None:
    """Raise a `UsageError` unless it can be the path of a file."""
    require(is_path(value), name, value, takes)


def require_whole(name: str, value: object, least: int | None = None) -> None:
    """Raise a `UsageError` unless it is a whole number of at least `least`."""
    limit = "" if least is None else f", {least} or more"
    require(is_whole(value, least), name, value, f"a whole number{limit}")


def require_callable(name: str, value: object, takes: str) -> None:
    """Raise a `UsageError` unless it can be called."""
    require(callable(value), name, value, takes)
