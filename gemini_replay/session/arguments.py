"""The one place where the arguments of `record`, `replay`, `Session` and the explicit transports are checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from ..arguments import is_whole, require, require_path, shown, texts, wrong_argument
from ..cassette.matching import Ignored, IgnoredDrift, Matcher
from ..cassette.model import Interaction
from ..cassette.redaction import Redactor
from ..engine.faults import parse_faults
from ..engine.rechunking import parse_rechunk
from ..engine.timing import parse_max_gap, parse_speed
from ..errors import UsageError, did_you_mean
from ..hooks import check_hook
from ..provider import check_provider
from .hosts import base_url, parse_ignored, parse_patterns
from .settings import DEFAULTS, MODES, RedactionSettings, SessionSettings

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


@cache
def default_settings() -> Mapping[str, Any]:
    """The settings of a session that is given none, as `checked` returns them."""
    return checked(SessionSettings.__annotations__, **DEFAULTS)


_PATHS = (
    'the path of a cassette, such as "cassettes/story.jsonl", or several in a list; a decorator is spelled '
    '@replay("story.jsonl")'
)


def _paths(name: str, value: Any) -> tuple[Path, ...]:
    """One path, or several, of which the first is recorded into."""
    given = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not given:
        raise wrong_argument(name, value, _PATHS)
    return tuple(_path(name, one) for one in given)


def _path(name: str, value: Any) -> Path:
    require_path(name, value, _PATHS)
    path = value if isinstance(value, Path) else Path(value)
    text = os.fsencode(path)
    if len(text) > _LONGEST and any(len(os.fsencode(part)) > _LONGEST for part in path.parts):
        raise UsageError(f"{name} has a name of more than {_LONGEST} bytes.", hint=f"It takes {_PATHS}.")
    return path


def _mode(name: str, value: Any) -> str:
    if isinstance(value, str) and value in MODES:
        return value
    raise UsageError(
        f"Unknown record mode {shown(value)}.",
        suggestion=did_you_mean(value, MODES),
        hint=f"Use one of {', '.join(MODES)}.",
    )


_HOSTS = 'hosts as shell patterns, such as "*.example.org" or "127.0.0.1:8080"'


def _hosts(name: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    found = texts(name, value, f"{_HOSTS}; or None for every host")
    parse_patterns(found, name)
    return found


def _upstream(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise wrong_argument(name, value, 'a base URL, such as "http://127.0.0.1:8080", or None')
    return base_url(value)


def _redact(name: str, value: Any) -> tuple[str, ...]:
    try:
        found = texts(name, value, "")
    except UsageError:  # what was given is secret
        raise UsageError(
            f"{name} is a {type(value).__qualname__} that holds something other than text.",
            hint="It takes literal values that must not be stored, as text: one, or several in a list.",
        ) from None
    Redactor(found, environ={})  # refuses what is too short to search for
    return found


REDACTION = tuple(name for name in RedactionSettings.__annotations__ if name != "redact")
"""What the redactor takes besides literal values."""


def _redaction(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = (value,)
    if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes | bytearray):
        value = tuple(value)
    Redactor((), environ={}, **{name: value})
    return cast(tuple[Any, ...], value)


def _is_transport(value: Any) -> bool:
    methods = ("handle_request", "handle_async_request")
    return not isinstance(value, type) and any(callable(getattr(value, method, None)) for method in methods)


def _takes(takes: str, holds: Callable[[Any], bool], *, none: bool = False) -> Callable[[str, Any], Any]:
    """Check a value by one condition, which None need not meet if it is allowed; the value stays as it was given."""

    def checked(name: str, value: Any) -> Any:
        require(holds(value) or (none and value is None), name, value, takes)
        return value

    return checked


def _hook(*takes: str) -> Callable[[str, Any], Any]:
    """Check a function that is called with such arguments, or None."""

    def checked(name: str, value: Any) -> Any:
        if value is not None:
            check_hook(name, value, *takes)
        return value

    return checked


_FLAG = _takes("True or False", lambda value: isinstance(value, bool))


def _by(parse: Callable[[Any], object]) -> Callable[[str, Any], Any]:
    """Check a value with its parser, which names the argument itself; the value stays as it was given."""

    def checked(_: str, value: Any) -> Any:
        parse(value)
        return value

    return checked


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "path": _paths,
    "mode": _mode,
    "speed": _by(parse_speed),
    "max_gap": _by(parse_max_gap),
    "rechunk": _by(parse_rechunk),
    "fault": lambda _, value: parse_faults(value),
    "match": lambda _, value: Matcher(value).keys,
    "ignore": lambda _, value: Ignored(value).paths,
    "normalize": _hook("request"),
    "before_record": _hook("interaction"),
    "before_replay": _hook("interaction"),
    "hosts": _hosts,
    "ignore_hosts": lambda name, value: texts(name, value, _HOSTS),
    "upstream": _upstream,
    "redact": _redact,
    **dict.fromkeys(REDACTION, _redaction),
    "test": _takes("the id of a test as text, or None", lambda value: isinstance(value, str), none=True),
    "wire": _FLAG,
    "ignore_drift": lambda _, value: IgnoredDrift(value).paths,
    "decoded_limit": _takes("a number of bytes, above 0", lambda value: is_whole(value, 1)),
    "allow_unused": _FLAG,
    "repeat": _FLAG,
    "interactions": _takes(
        "a list of interactions, or None",
        lambda value: isinstance(value, list | tuple) and all(isinstance(one, Interaction) for one in value),
        none=True,
    ),
    "transport": _takes(
        "a transport of the client library, which carries the requests, or None", _is_transport, none=True
    ),
    "provider": _by(check_provider),
}
