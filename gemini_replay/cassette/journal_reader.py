"""Reads journals and truncated cassettes, as far as they go. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import CassetteFormatError
from .format_v1 import Comment, Header, Line, decode_line
from .model import End, Interaction, Request
from .reader import Draft

_MARKER = re.compile(r"#\| (\d{1,9}|discarded)$")


@dataclass
class Salvage:
    """What could be read of a journal or a truncated cassette."""

    header: Header
    interactions: list[Interaction] = field(default_factory=list)
    comments: tuple[str, ...] = ()
    trailing_comments: tuple[str, ...] = ()


def read_journal(lines: Iterable[bytes], path: Path | None = None) -> Salvage:
    """Read a journal, or a cassette whose end is missing, as far as it goes.

    An interaction without its end line gets one: "cancelled", with ``"salvaged": true``. A last line that breaks
    off is dropped.

    Raises:
        CassetteFormatError: there is no header line, or a line before the last is no cassette line.
    """
    header: Header | None = None
    before_header: tuple[str, ...] = ()
    comments: list[str] = []
    drafts: dict[int, Draft] = {}
    ends: dict[int, End] = {}
    current = 0
    marked = False
    for number, item in _readable(lines, path):
        if isinstance(item, Comment):
            if marker := _MARKER.match(item.text):
                if marker[1] != "discarded":
                    current, marked = int(marker[1]), True
            else:
                comments.append(item.text)
        elif header is None:
            if not isinstance(item, Header):
                raise CassetteFormatError("the first line is no header", path=path, line=number)
            header, before_header, comments = item, tuple(comments), []
        elif isinstance(item, Request):
            if not marked or current in drafts:
                current = max(drafts, default=0) + 1
            drafts[current] = Draft(item, comments, number)
            comments, marked = [], False
        elif isinstance(item, Header) or current not in drafts or current in ends:
            raise CassetteFormatError(
                f"a line of a {type(item).__name__.lower()} outside any interaction", path=path, line=number
            )
        else:
            marked = False
            if isinstance(item, End):
                ends[current] = item
            else:
                drafts[current].add(item, path=path, number=number)
    if header is None:
        raise CassetteFormatError("nothing can be salvaged: there is no whole header line", path=path)
    cut = End("cancelled", extra={"salvaged": True})
    interactions = [drafts[number].finish(ends.get(number, cut)) for number in sorted(drafts)]
    return Salvage(header, interactions, before_header, tuple(comments))


def _readable(lines: Iterable[bytes], path: Path | None) -> Iterable[tuple[int, Line]]:
    for number, raw in enumerate(lines, 1):
        try:
            item = decode_line(raw, path=path, number=number)
        except CassetteFormatError:
            if raw.endswith(b"\n"):
                raise
            return
        yield number, item
