"""The marker `gemini_cassette`."""

from __future__ import annotations

import os
from typing import Any

import pytest

NAME = "gemini_cassette"
HELP = (
    "gemini_cassette(name=None, *, speed=None, max_gap=None, rechunk=None, fault=None, match=None, provider=None): "
    "answer the test's Gemini requests from the cassette NAME.jsonl (by default MODULE/TEST.jsonl), or record them "
    "into it with --gemini-record."
)
_ARGUMENTS = ("name", "speed", "max_gap", "rechunk", "fault", "match", "provider")


def read_marker(item: pytest.Item, test: str) -> tuple[str | None, dict[str, Any]]:
    """The cassette's name and the arguments of the marker. Of several markers, the closest one's arguments win.

    Raises:
        UsageError: an unknown argument.
    """
    name: str | None = None
    given: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers(NAME))):
        unknown = [key for key in marker.kwargs if key not in _ARGUMENTS]
        if unknown or len(marker.args) > 1:
            from ..errors import UsageError, did_you_mean

            culprit = unknown[0] if unknown else repr(marker.args[1])
            raise UsageError(
                f"Unknown argument {culprit} in the marker gemini_cassette of {test}.",
                suggestion=did_you_mean(culprit, _ARGUMENTS, "{}=".format),
                hint="It takes a cassette name, speed=, max_gap=, rechunk=, fault=, match= and provider=: "
                '@pytest.mark.gemini_cassette("story", speed=4).',
            )
        given.update(marker.kwargs)
        name = given.pop("name", marker.args[0] if marker.args else name)
        if name is not None:
            name = _checked_name(test, name)
    return name, {key: value for key, value in given.items() if value is not None}


def _checked_name(test: str, name: object) -> str:
    found = os.fspath(name) if isinstance(name, (str, os.PathLike)) else None
    if isinstance(found, str) and found:
        return found
    from ..errors import UsageError

    raise UsageError(
        f"The marker gemini_cassette of {test} has the cassette name {name!r}.",
        hint='Give it a name such as "story", or none.',
    )
