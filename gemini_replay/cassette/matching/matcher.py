"""Decides whether a recording answers a request, and which is the most similar if none does."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from ...errors import UsageError
from ...hooks import call_hook, check_hook, name_of, wrong_result
from ..model import Request
from .differences import Difference, body_differences, common_length, key_difference
from .ignoring import Ignored
from .keys import KEYS_HINT, answered, canonical_body, has_marks, key_function

DEFAULT_KEYS = ("method", "model", "action", "alt", "body")
"""What must be equal by default: not the host, the API version, the key or any header."""

Agreement = Callable[[Request, Request], bool | str]
"""Called with the recorded and the asked request. Returns True if they agree; False, or a text that says why not."""

Key = str | Agreement
"""The name of a value that must be equal, or a function that decides."""

Normalize = Callable[[Request], Request]
"""Turns a request into the one to compare."""

Values = tuple[Hashable, ...]
"""The values of a request that are compared by name."""

_MOST = 12


class Compared:
    """The compared parts of a request.

    Attributes:
        request: the request, normalized, without ignored fields.
        values: one value for each key that is a name.
    """

    __slots__ = ("request", "values")

    def __init__(self, request: Request, values: Values) -> None:
        self.request = request
        self.values = values


class Matcher:
    """Decides whether a recorded request and an asked one are the same.

    Args:
        keys: what must be equal: "method", "host", "path", "model", "action", "alt", "query", "body" (compared as
            JSON if both are) and "headers:NAME". "model" is compared with its kind (a tuned model is another one); of
            a URL without a model, it is the path without the API version and the project. If a URL names no action,
            "action" compares its query, without keys. A key can be a function, too (`Agreement`). It is asked last,
            about requests that agree in all that is named.
        ignore: paths that are not compared, see `ignoring`.
        normalize: turns each request, recorded or asked, into the one to compare.

    Attributes:
        keys: as given, in a tuple.
        hooked: whether user's functions are called. They may only get requests without secrets.

    Raises:
        UsageError: not a sequence of keys, an unknown key, a wrong path, or a function with wrong parameters.
    """

    def __init__(
        self,
        keys: Key | Sequence[Key] = DEFAULT_KEYS,
        *,
        ignore: Iterable[str] = (),
        normalize: Normalize | None = None,
    ) -> None:
        wanted = [keys] if isinstance(keys, str) or callable(keys) else keys
        if not isinstance(wanted, Iterable) or isinstance(wanted, Mapping | bytes):
            raise UsageError(f"match is {keys!r:.80}.", hint=KEYS_HINT)
        wanted = list(wanted)
        if not wanted:
            raise UsageError("match= is empty, so any recording would answer any request.", hint=KEYS_HINT)
        self._agreements: list[Agreement] = []
        functions = {}
        for key in wanted:
            if callable(key):
                check_hook("match", key, "recorded", "asked")
                self._agreements.append(key)
            else:
                functions[str(key)] = key_function(key)
        if normalize is not None:
            check_hook("normalize", normalize, "request")
        self.keys: tuple[Key, ...] = tuple(dict.fromkeys(wanted))
        self.hooked = bool(self._agreements) or normalize is not None
        self._names = tuple(functions)
        self._key_functions = tuple(functions.values())
        self._ignored = Ignored(ignore)
        self._normalize = normalize

    def compared(self, request: Request) -> Compared:
        """The compared parts of a request.

        Raises:
            HookError: `normalize` failed.
        """
        if self._normalize is not None:
            normal = call_hook("normalize", self._normalize, request)
            if not isinstance(normal, Request):
                raise wrong_result("normalize", self._normalize, normal, "a gemini_replay.Request")
            request = normal.of(request.provider)
        if self._ignored.paths:
            request = self._ignored.removed_from(request)
        target = request.target
        return Compared(request, tuple([function(request, target) for function in self._key_functions]))

    def agree(self, recorded: Compared, asked: Compared) -> bool:
        """Whether a recording answers a request.

        Raises:
            HookError: a function of `keys` failed.
        """
        if recorded.values != asked.values and self._unlike(recorded.values, asked.values):
            return False
        return not self._agreements or not any(self._refused(recorded, asked))

    def is_open(self, recorded: Compared) -> bool:
        """Whether a recording may answer a request with other values than its own."""
        return any(map(has_marks, recorded.values))

    def matches(self, recorded: Request, asked: Request) -> bool:
        """Whether a recording of `recorded` answers `asked`; the provider of `asked` reads the URLs of both."""
        return self.agree(self.compared(recorded.of(asked.provider)), self.compared(asked))

    def _unlike(self, recorded: Values, asked: Values) -> list[str]:
        """The names whose values differ."""
        return [
            key
            for key, ours, theirs in zip(self._names, recorded, asked, strict=True)
            if ours != theirs and not answered(key, ours, theirs)
        ]

    def _refused(self, recorded: Compared, asked: Compared) -> Iterator[str]:
        """The reason of each function that does not agree, on one line."""
        for function in self._agreements:
            said = call_hook("match", function, recorded.request, asked.request)
            if not isinstance(said, bool | str):
                raise wrong_result("match", function, said, "True, False, or a text that says why not")
            if said is not True:
                yield f"{name_of(function)}: {' '.join(said.split()) if said else 'it returned ' + repr(said)}"

    def differences(self, recorded: Request, asked: Request) -> list[Difference]:
        """The differences; none if they match. Functions are called only if all named values agree."""
        return self.differences_of(self.compared(recorded.of(asked.provider)), self.compared(asked))

    def differences_of(self, ours: Compared, theirs: Compared) -> list[Difference]:
        """`differences`, given the compared parts of both requests."""
        found: list[Difference] = []
        for key in self._unlike(ours.values, theirs.values):
            at = self._names.index(key)
            if key == "body":
                found += body_differences(ours.request, theirs.request)
            else:
                found.append(key_difference(key, ours.values[at], theirs.values[at]))
        return found or [Difference(line) for line in self._refused(ours, theirs)]

    def unlike(self, recorded: Compared, asked: Compared) -> int:
        """How many values differ, not counting the body."""
        names = self._unlike(recorded.values, asked.values)
        return len(names) - ("body" in names)


def lines(differences: Sequence[Difference]) -> list[str]:
    """The first differences, one line each."""
    found = [difference.line for difference in differences]
    if len(found) > _MOST:
        found[_MOST - 1 :] = [f"… and {len(found) - _MOST + 1} more differences"]
    return found


def nearest(matcher: Matcher, asked: Compared, recordings: Sequence[Compared]) -> tuple[int, list[Difference]] | None:
    """The recording nearest to a request: its index and its differences; None without recordings.

    The values other than the body count first, then how much of the bodies differs.

    Raises:
        HookError: a function of the matcher's failed.
    """
    if not recordings:
        return None
    others = [matcher.unlike(recorded, asked) for recorded in recordings]
    fewest = min(others)
    body = _body(asked.request)
    index = min(
        (at for at, other in enumerate(others) if other == fewest),
        key=lambda at: _distance(_body(recordings[at].request), body),
    )
    return index, matcher.differences_of(recordings[index], asked)


_ABSENT = object()
"""Marks a place where only the other body has a value."""


def _body(request: Request) -> Any:
    """The body as JSON, as a text if it is not JSON, or `_ABSENT`."""
    body = canonical_body(request)
    if isinstance(body, bytes):
        return body.decode("utf-8", "replace") if body else _ABSENT
    return json.loads(body)


def _distance(recorded: Any, asked: Any) -> float:
    """The share of plain values that differ between two bodies, from 0 (equal) to 1."""
    unlike, ours, theirs = 0.0, 0, 0
    pairs = [(recorded, asked)]
    for one, other in pairs:  # it grows on the way
        kind, same_kind = type(one), type(one) is type(other)
        if same_kind and kind is dict:
            names = one if one.keys() == other.keys() else one.keys() | other.keys()
            pairs += [(one.get(name, _ABSENT), other.get(name, _ABSENT)) for name in names]
        elif same_kind and kind is list:
            pairs += zip_longest(one, other, fillvalue=_ABSENT)
        elif kind in _CONTAINERS or type(other) in _CONTAINERS:
            pairs += [(value, _ABSENT) for value in _values(one)]
            pairs += [(_ABSENT, value) for value in _values(other)]
        else:
            ours += one is not _ABSENT
            theirs += other is not _ABSENT
            if not (same_kind and one == other):
                unlike += _unlikeness(one, other) if same_kind and kind is str else 1.0
    return unlike / max(1, ours, theirs)


_CONTAINERS = frozenset({dict, list})


def _values(value: Any) -> Iterable[Any]:
    """The members of an object, the items of a list, or only the plain value."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else () if value is _ABSENT else (value,)


def _unlikeness(recorded: str, asked: str) -> float:
    """How different two texts are, from 0 (equal) to 1 (both ends differ).

    Comparing both ends is cheap, and enough to distinguish a changed prompt from a different one.
    """
    head = common_length(recorded, asked)
    tail = common_length(recorded[head:][::-1], asked[head:][::-1])
    return 1.0 - (head + tail) / max(len(recorded), len(asked))
