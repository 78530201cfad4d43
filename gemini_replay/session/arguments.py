"""The one place where the arguments of `record`, `replay`, `Session` and the explicit transports are checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from ..cassette.matching import Matcher
from ..cassette.redaction import Redactor
from ..engine.faults import parse_faults
from ..engine.rechunking import parse_rechunk
from ..engine.timing import parse_max_gap, parse_speed
from ..errors import UsageError, did_you_mean
from ..provider import Provider
from .hosts import base_url, parse_ignored, parse_patterns
from .settings import MODES, RedactionSettings

_LONGEST = 220  # bytes of a file name; file systems take 255, and a recording adds endings of its own


def checked(known: Iterable[str] | None = None, /, **given: Any) -> dict[str, Any]:
    """The arguments, with every iterable as a tuple, so that they can be used more than once.

    The settings that are `known` are allowed beside `path`: one of the groups in `settings`. None allows all that are
    given.

    Raises:
        UsageError: an unknown setting, or a value that cannot be used. The message names the setting, the value, and
            what it takes.
    """
    allowed = list(_CHECKS if known is None else known)
    for name in given:
        if name not in allowed and name != "path":
            raise UsageError(
                f"Unknown setting {name!r}.",
                suggestion=did_you_mean(name, allowed),
                hint=f"The settings are {', '.join(sorted(allowed))}.",
            )
    found = {name: _CHECKS[name](name, value) for name, value in given.items()}
    parse_ignored(found.get("ignore_hosts", ()), found.get("provider"))
    return found


def _wrong(name: str, value: object, takes: str) -> UsageError:
    return UsageError(f"{name} is {_shown(value)}.", hint=f"It takes {takes}.")


def _shown(value: object) -> str:
    named = getattr(value, "__qualname__", None)
    if callable(value) and named:
        return f"{'the class' if isinstance(value, type) else 'the function'} {named}"
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__qualname__}"
    return text if len(text) <= 80 else f"{text[:79]}…"


def _path(name: str, value: Any) -> str:
    takes = 'the path of a cassette, such as "cassettes/story.jsonl"; a decorator is spelled @replay("story.jsonl")'
    if not isinstance(value, str | os.PathLike):
        raise _wrong(name, value, takes)
    path = os.fspath(value)
    if not isinstance(path, str) or not path or "\0" in path:
        raise _wrong(name, value, takes)
    if any(len(os.fsencode(part)) > _LONGEST for part in path.replace(os.sep, "/").split("/")):
        raise UsageError(f"{name} has a name of more than {_LONGEST} bytes.", hint=f"It takes {takes}.")
    return path


def _mode(name: str, value: Any) -> str:
    if isinstance(value, str) and value in MODES:
        return value
    raise UsageError(
        f"Unknown record mode {_shown(value)}.",
        suggestion=did_you_mean(value, MODES),
        hint=f"Use one of {', '.join(MODES)}.",
    )


def _texts(name: str, value: Any, takes: str) -> tuple[str, ...]:
    """One text, or several in any iterable but a mapping."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes | bytearray):
        raise _wrong(name, value, takes)
    texts = tuple(value)
    for text in texts:
        if not isinstance(text, str):
            raise _wrong(name, value if isinstance(value, list | tuple | set) else texts, takes)
    return texts


_HOSTS = 'hosts as shell patterns, such as "*.example.org" or "127.0.0.1:8080"'


def _hosts(name: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    texts = _texts(name, value, f"{_HOSTS}; or None for every host")
    parse_patterns(texts, name)
    return texts


def _upstream(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _wrong(name, value, 'a base URL, such as "http://127.0.0.1:8080", or None')
    return base_url(value)


def _redact(name: str, value: Any) -> tuple[str, ...]:
    try:
        texts = _texts(name, value, "")
    except UsageError:  # what was given is secret
        raise UsageError(
            f"{name} is a {type(value).__qualname__} that holds something other than text.",
            hint="It takes literal values that must not be stored, as text: one, or several in a list.",
        ) from None
    Redactor(texts, environ={})  # refuses what is too short to search for
    return texts


REDACTION = tuple(name for name in RedactionSettings.__annotations__ if name != "redact")
"""What the redactor takes besides literal values."""


def _redaction(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = (value,)
    if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes | bytearray):
        value = tuple(value)
    Redactor((), environ={}, **{name: value})
    return cast(tuple[Any, ...], value)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_transport(value: Any) -> bool:
    methods = ("handle_request", "handle_async_request")
    return not isinstance(value, type) and any(callable(getattr(value, method, None)) for method in methods)


def _takes(takes: str, holds: Callable[[Any], bool], *, none: bool = False) -> Callable[[str, Any], Any]:
    """Check a value by one condition, which None need not meet if it is allowed; the value stays as it was given."""

    def check(name: str, value: Any) -> Any:
        if not holds(value) and not (none and value is None):
            raise _wrong(name, value, takes)
        return value

    return check


_FLAG = _takes("True or False", lambda value: isinstance(value, bool))


def _by(parse: Callable[[Any], object]) -> Callable[[str, Any], Any]:
    """Check a value with its parser, which names the argument itself; the value stays as it was given."""

    def check(_: str, value: Any) -> Any:
        parse(value)
        return value

    return check


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "path": _path,
    "mode": _mode,
    "speed": _by(parse_speed),
    "max_gap": _by(parse_max_gap),
    "rechunk": _by(parse_rechunk),
    "fault": lambda _, value: parse_faults(value),
    "match": lambda _, value: Matcher(value).keys,
    "hosts": _hosts,
    "ignore_hosts": lambda name, value: _texts(name, value, _HOSTS),
    "upstream": _upstream,
    "redact": _redact,
    **dict.fromkeys(REDACTION, _redaction),
    "test": _takes("the id of a test as text, or None", lambda value: isinstance(value, str), none=True),
    "wire": _FLAG,
    "decoded_limit": _takes("a number of bytes, above 0", _is_size),
    "repeat": _FLAG,
    "transport": _takes(
        "a transport of the client library, which carries the requests, or None", _is_transport, none=True
    ),
    "provider": _takes(
        "an object that has all that a `gemini_replay.provider.Provider` has, or None",
        lambda value: isinstance(value, Provider) and not isinstance(value, type),
        none=True,
    ),
}
