"""Differences of cassettes, printed: lines with - and +, changed words in [-old-] and {+new+}."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..plain_text import plain
from .changes import Change, Difference, Piece
from .terminal import styled

_COLOURS = {"old": "red", "new": "green"}
_MARKS = {"old": ("[-", "-]"), "new": ("{+", "+}")}


def difference_lines(old: str, new: str, differences: Iterable[Difference]) -> Iterator[str]:
    """The lines to print.

    Args:
        old: the first file's name.
        new: the second's.
        differences: at least one.
    """
    yield styled(plain(f"--- {old}"), "bold")
    yield styled(plain(f"+++ {new}"), "bold")
    where = None
    for difference in differences:
        if difference.where != where:
            where = difference.where
            yield from ("", styled(plain(where), "bold", "cyan"))
        if difference.title:
            yield styled(plain(difference.title), "dim")
        yield from map(_line, difference.changes)


def _line(change: Change) -> str:
    if len(change.pieces) == 1 and change.pieces[0].kind != "same":
        kind, text = change.pieces[0]
        return styled(f"{'-' if kind == 'old' else '+'} {plain(text)}", _COLOURS[kind])
    return "  " + "".join(map(_marked, change.pieces))


def _marked(piece: Piece) -> str:
    if piece.kind == "same":
        return plain(piece.text)
    before, after = _MARKS[piece.kind]
    return styled(f"{before}{plain(piece.text)}{after}", _COLOURS[piece.kind])
