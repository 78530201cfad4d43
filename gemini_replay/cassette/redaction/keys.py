"""Finds keys in bytes by their format: not within base64 data, nor in a member with binary data or an id."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .key_formats import BEGINNINGS, BY_BEGINNING, CANDIDATE, LONGEST_BEGINNING, unfinished
from .randomness import could_be_secret, is_placeholder
from .secret_names import OPAQUE_MEMBERS
from .spans import Span

NAME = 56
"""Bytes before a value in which its name is."""
WORD = 64
"""Bytes of the longest row of token characters that is looked at as a word."""
_DATA = 64
"""No key begins after this many base64 characters in a row: that is data."""
_SURROUNDING = 32  # base64 characters around a match of a pattern that make it a part of base64 data
_OPAQUE = re.compile(rb'"(?:' + "|".join(sorted(OPAQUE_MEMBERS)).encode() + rb')\\*"\s{0,8}:\s{0,8}\\*"\Z')
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/+="


def can_begin_key(view: bytes, start: int, end: int, *, cut: bool = False) -> bool:
    """Whether a key can begin in a row of token characters, which may be `cut`. Most rows are single words."""
    row = view[start : min(end, start + WORD)]
    if row.isalnum() and end - start == len(row) and view[start - 1 : start] not in (b"\\", b"%"):
        return row[:2] in BEGINNINGS
    return cut or end - start > WORD or CANDIDATE.search(view, start, end) is not None


def find_keys(view: bytes, start: int, end: int, floor: int) -> Iterator[tuple[Span, int]]:
    """Keys of a known format in a row of token characters, each with the end of what can belong to it."""
    past = start
    for found in _key_starts(view, start, end, floor):
        begin = found.start()
        for key_format in BY_BEGINNING[found[0]] if begin >= past else ():
            key = key_format.pattern.match(view, begin)
            if key is None or _in_data(view, begin):
                continue
            rest = key[0][len(key_format.begins) :].decode("latin-1")
            if could_be_secret(rest) if key_format.random else not is_placeholder(rest):
                past = key.end()
                reach = len(view) - len(view[past:].lstrip(b".")) if "." in key_format.chars else past
                yield Span(begin, past, kind=key_format.kind), reach
                break


def open_key(view: bytes, start: int, floor: int) -> int:
    """Where the first key begins, from `floor` on, that the end of the view cuts in the row from `start` on.

    The end of the view if there is none.
    """
    end = len(view)
    if not can_begin_key(view, start, end, cut=True):
        return end
    for begins in _key_starts(view, start, end, floor):
        if unfinished().match(view, begins.start()) and not _in_data(view, begins.start()):
            return begins.start()
    # The end can also cut the beginning by which a key is known.
    found = unfinished().search(view, max(start, floor, end - LONGEST_BEGINNING))
    while found and _in_data(view, found.start()):
        found = unfinished().search(view, found.start() + 1)
    return end if found is None else found.start()


def _key_starts(view: bytes, start: int, end: int, floor: int) -> Iterator[re.Match[bytes]]:
    """Where keys can begin in a row of token characters, from `floor` on.

    That is near its start, or after a dot or a tilde, where base64 data ends.
    """
    at, stop = start, start + _DATA
    while at < end:
        last = min(end, stop + LONGEST_BEGINNING)
        found = CANDIDATE.search(view, max(at, floor), last)
        while found and found.start() < stop:
            yield found
            found = CANDIDATE.search(view, found.start() + 1, last)
        if stop >= end:
            return
        dot = max(view.rfind(b".", stop - _DATA, stop), view.rfind(b"~", stop - _DATA, stop))
        if dot < 0:
            dot = min(
                (dot for dot in (view.find(b".", stop, end), view.find(b"~", stop, end)) if dot >= 0), default=end
            )
        at, stop = max(stop, dot + 1), dot + 1 + _DATA


def _in_data(view: bytes, at: int) -> bool:
    """Whether an offset is within base64 data, or in a member with binary data or an id."""
    before = view[max(0, at - _DATA) : at]
    head = len(before) - len(before.rstrip(_BASE64))
    return head >= _DATA or _OPAQUE.search(view, max(0, at - head - NAME), at - head) is not None


def is_data(view: bytes, start: int, stop: int) -> bool:
    """Whether a match of a pattern is within base64 data, or in a member with binary data or an id."""
    before = view[max(0, start - _SURROUNDING) : start]
    after = view[stop : stop + _SURROUNDING]
    head, tail = len(before) - len(before.rstrip(_BASE64)), len(after) - len(after.lstrip(_BASE64))
    return head + tail >= _SURROUNDING or _OPAQUE.search(view, max(0, start - head - NAME), start - head) is not None
