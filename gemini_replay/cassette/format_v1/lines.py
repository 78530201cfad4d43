"""The kinds of lines of format v1: a part of the model, the header, or a comment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model import Chunk, End, Request, Response

VERSION = 1
OUTER = "../"
"""The prefix of those keys in ``extra`` that belong to the object around a request or a response."""


@dataclass(frozen=True)
class Header:
    """The first line: who recorded the cassette, when, and for which test."""

    recorder: str | None = None
    recorded: str | None = None
    test: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comment:
    """A comment line without its line end; empty for an empty line."""

    text: str


Line = Header | Request | Response | Chunk | End | Comment
