"""Whether a recording answers a request, and which one is the most similar if none does."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...errors import UsageError
from ..model import Request
from .differences import body_differences, difference
from .keys import KEYS_HINT, answered, canonical_body, has_marks, key_function

DEFAULT_KEYS = ("method", "model", "action", "alt", "body")
"""What must be equal by default: not the host, the API version, the key or any header."""

Values = tuple[Hashable, ...]
"""What is compared of a request."""

_MOST = 12


class Matcher:
    """Decides whether a recorded request and an asked one are the same.

    Args:
        keys: what must be equal: "method", "host", "path", "model", "action", "alt", "query", "body" (compared as
            JSON if both are) and "headers:NAME". "model" is compared with its kind (a tuned model is another one); of
            a URL without a model, it is the path without the API version and the project. If a URL names no action,
            "action" compares its query, without keys.

    Raises:
        UsageError: not a sequence of keys, or an unknown key.
    """

    def __init__(self, keys: Sequence[str] = DEFAULT_KEYS) -> None:
        if not isinstance(keys, Iterable) or isinstance(keys, Mapping | bytes):
            raise UsageError(f"match is {keys!r:.80}.", hint=KEYS_HINT)
        wanted = [keys] if isinstance(keys, str) else list(keys)
        if not wanted:
            raise UsageError("match= is empty, so any recording would answer any request.", hint=KEYS_HINT)
        functions = {str(key): key_function(key) for key in wanted}
        self.keys = tuple(functions)
        self._functions = tuple(functions.values())

    def values(self, request: Request) -> Values:
        """What is compared of a request, one value for each of the `keys`."""
        return tuple([function(request) for function in self._functions])

    def agree(self, recorded: Values, asked: Values) -> bool:
        """Whether a recording with the values `recorded` answers a request with the values `asked`."""
        return recorded == asked or not any(self._unlike(recorded, asked))

    def is_open(self, recorded: Values) -> bool:
        """Whether a recording with these values may answer a request with others."""
        return any(map(has_marks, recorded))

    def matches(self, recorded: Request, asked: Request) -> bool:
        """Whether a recording of `recorded` answers `asked`; the provider of `asked` reads the URLs of both."""
        return self.agree(self.values(recorded.of(asked.provider)), self.values(asked))

    def _unlike(self, recorded: Values, asked: Values) -> Iterator[str]:
        """The keys whose values differ."""
        for key, ours, theirs in zip(self.keys, recorded, asked, strict=True):
            if ours != theirs and not answered(key, ours, theirs):
                yield key

    def differences(self, recorded: Request, asked: Request) -> list[str]:
        """What differs, one line each; nothing if they match."""
        recorded = recorded.of(asked.provider)
        ours, theirs = self.values(recorded), self.values(asked)
        lines: list[str] = []
        for key in self._unlike(ours, theirs):
            at = self.keys.index(key)
            if key == "body":
                lines += body_differences(recorded, asked)
            elif (line := difference(key, ours[at], theirs[at])) not in lines:
                lines.append(line)
        if len(lines) > _MOST:
            lines[_MOST - 1 :] = [f"… and {len(lines) - _MOST + 1} more differences"]
        return lines

    def unlike(self, recorded: Values, asked: Values) -> int:
        """How many values, the body aside, differ."""
        return sum(key != "body" for key in self._unlike(recorded, asked))


def nearest(matcher: Matcher, asked: Request, recordings: Sequence[Request]) -> tuple[int, list[str]] | None:
    """The recording that is nearest to a request: its index and its differences; None without recordings.

    The nearest is first by what the requests are for, then by how much of the bodies differs.
    """
    if not recordings:
        return None
    values = matcher.values(asked)
    others = [matcher.unlike(matcher.values(recorded.of(asked.provider)), values) for recorded in recordings]
    fewest = min(others)
    theirs = _leaves(asked)
    index = min(
        (at for at, other in enumerate(others) if other == fewest),
        key=lambda at: _distance(_leaves(recordings[at]), theirs),
    )
    return index, matcher.differences(recordings[index], asked)


def _distance(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """From 0 (equal) to 1: how much of two bodies differs."""
    unlike = sum(_unlikeness(ours.get(path), theirs.get(path)) for path in ours.keys() | theirs.keys())
    return unlike / max(1, len(ours), len(theirs))


def _leaves(request: Request) -> dict[str, Any]:
    """The body as a map from places to plain values."""
    body = canonical_body(request)
    if isinstance(body, bytes):
        return {"": body.decode("utf-8", "replace")} if body else {}
    leaves: dict[str, Any] = {}
    stack = [("", json.loads(body))]
    while stack:
        place, value = stack.pop()
        if isinstance(value, dict):
            stack += [(f"{place}.{key}", member) for key, member in value.items()]
        elif isinstance(value, list):
            stack += [(f"{place}[{at}]", member) for at, member in enumerate(value)]
        else:
            leaves[place] = value
    return leaves


def _unlikeness(recorded: Any, asked: Any) -> float:
    """From 0 (equal) to 1 (nothing in common)."""
    if recorded == asked and type(recorded) is type(asked):
        return 0.0
    if isinstance(recorded, str) and isinstance(asked, str):
        # Cheap, and enough to tell a changed prompt from another one: what is equal at both ends.
        shorter = min(len(recorded), len(asked))
        head = next((at for at in range(shorter) if recorded[at] != asked[at]), shorter)
        tail = next((at for at in range(shorter - head) if recorded[-1 - at] != asked[-1 - at]), shorter - head)
        return 1.0 - (head + tail) / max(len(recorded), len(asked))
    return 1.0
