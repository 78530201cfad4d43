"""Shared by all searches for secrets: the place of a secret, and the characters of tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+~"
"""The characters of keys and tokens."""
_ROWS = bytes(120 if byte in TOKEN else 32 for byte in range(256))


class Span(NamedTuple):
    """Where a secret is, and its kind.

    ``number`` means that it is a known value of digits only, which can be a JSON number.
    """

    start: int
    end: int
    number: bool = False
    kind: str = ""


def rows_of(view: bytes) -> bytes:
    """The same length, with an "x" for each token character and a space for each other byte.

    So one search finds a row of a given number of token characters.
    """
    return view.translate(_ROWS)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, with overlapping ones joined."""
    apart: list[Span] = []
    for span in sorted(spans):
        if span.start >= span.end:
            continue
        if apart and span.start < apart[-1].end:
            last = apart.pop()
            span = Span(last.start, max(last.end, span.end), last.number and span.number, last.kind or span.kind)
        apart.append(span)
    return apart
