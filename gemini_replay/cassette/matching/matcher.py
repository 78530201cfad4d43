"""Whether a recording answers a request, and which one is the most similar if none does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import UsageError
from ..model import Request
from .differences import body_differences, difference
from .keys import KEYS_HINT, Reader, answered, canonical_body, reader

DEFAULT_KEYS = ("method", "model", "action", "alt", "body")
"""What must be equal by default: not the host, the API version, the key or any header."""

_MOST = 12


class Matcher:
    """Decides whether a recorded request and an asked one are the same.

    Args:
        keys: what must be equal: "method", "host", "path", "model", "action", "alt", "query", "body" (compared as
            JSON if both are) and "headers:NAME". Where a URL names no model, "model" and "action" compare its path
            without the API version and the project.

    Raises:
        UsageError: not a sequence of keys, or an unknown key.
    """

    def __init__(self, keys: Sequence[str] = DEFAULT_KEYS) -> None:
        if not isinstance(keys, Iterable) or isinstance(keys, Mapping | bytes):
            raise UsageError(f"match is {keys!r:.80}.", hint=KEYS_HINT)
        wanted = [keys] if isinstance(keys, str) else list(keys)
        if not wanted:
            raise UsageError("match= is empty, so any recording would answer any request.", hint=KEYS_HINT)
        self._readers = {str(key): reader(key) for key in wanted}
        self.keys = tuple(self._readers)

    def matches(self, recorded: Request, asked: Request) -> bool:
        """Whether a recording of `recorded` answers `asked`; the provider of `asked` reads the URLs of both."""
        recorded = recorded.of(asked.provider)
        return all(self._agree(key, read, recorded, asked) for key, read in self._readers.items())

    @staticmethod
    def _agree(key: str, read: Reader, recorded: Request, asked: Request) -> bool:
        ours, theirs = read(recorded), read(asked)
        return ours == theirs or answered(key, ours, theirs)

    def differences(self, recorded: Request, asked: Request) -> list[str]:
        """What differs, one line each; nothing if they match."""
        recorded = recorded.of(asked.provider)
        lines: list[str] = []
        for key, read in self._readers.items():
            if self._agree(key, read, recorded, asked):
                continue
            if key == "body":
                lines += body_differences(recorded, asked)
            elif (line := difference(key, read(recorded), read(asked))) not in lines:
                lines.append(line)
        if len(lines) > _MOST:
            lines[_MOST - 1 :] = [f"… and {len(lines) - _MOST + 1} more differences"]
        return lines

    def _distance(self, recorded: Request, asked: Request) -> tuple[float, float]:
        """First by what the requests are for, then by how much of the bodies differs."""
        other = sum(
            not self._agree(key, read, recorded, asked) for key, read in self._readers.items() if key != "body"
        )
        ours, theirs = _leaves(recorded), _leaves(asked)
        unlike = sum(_unlikeness(ours.get(path), theirs.get(path)) for path in ours.keys() | theirs.keys())
        return other, unlike / max(1, len(ours), len(theirs))


def nearest(matcher: Matcher, asked: Request, recordings: Sequence[Request]) -> tuple[int, list[str]] | None:
    """The recording that is nearest to a request: its index and its differences; None without recordings."""
    if not recordings:
        return None
    index = min(range(len(recordings)), key=lambda at: matcher._distance(recordings[at], asked))
    return index, matcher.differences(recordings[index], asked)


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
