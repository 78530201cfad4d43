"""How one sequence becomes another with the fewest edits (Myers 1986)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

_MOST = 1500
"""Edits beyond which the whole is replaced: time and memory grow with the square of their number."""


class Edit(NamedTuple):
    """``old[a:b]`` becomes ``new[c:d]``.

    Attributes:
        same: whether the two are equal.
    """

    same: bool
    a: int
    b: int
    c: int
    d: int


def edits(old: Sequence[Hashable], new: Sequence[Hashable]) -> Iterator[Edit]:
    """The edits, in order; those that are the same, too."""
    a = c = 0
    for x, y, length in [*_runs(old, new), (len(old), len(new), 0)]:
        if x > a or y > c:
            yield Edit(False, a, x, c, y)
        if length:
            yield Edit(True, x, x + length, y, y + length)
        a, c = x + length, y + length


def _runs(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int, int]]:
    """The runs that the two have in common: where each begins in the one and in the other, and its length."""
    furthest = {1: 0}  # by diagonal (place in old - place in new): how far in old
    history = []
    for edit_count in range(min(len(old) + len(new), _MOST) + 1):
        history.append(dict(furthest))
        for diagonal in range(-edit_count, edit_count + 1, 2):
            x, _ = _next(furthest, diagonal, edit_count)
            y = x - diagonal
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            furthest[diagonal] = x
            if x >= len(old) and y >= len(new):
                return _traced(history, x, diagonal)
    return []


def _next(furthest: dict[int, int], diagonal: int, edit_count: int) -> tuple[int, int]:
    """How far in old one more edit leads on a diagonal, and the diagonal it comes from."""
    if diagonal == -edit_count or (diagonal != edit_count and furthest[diagonal - 1] < furthest[diagonal + 1]):
        return furthest[diagonal + 1], diagonal + 1  # an insertion
    return furthest[diagonal - 1] + 1, diagonal - 1  # a deletion


def _traced(history: list[dict[int, int]], x: int, diagonal: int) -> list[tuple[int, int, int]]:
    runs = []
    for edit_count in range(len(history) - 1, -1, -1):
        furthest = history[edit_count]
        begin, before = _next(furthest, diagonal, edit_count)
        if x > begin:
            runs.append((begin, begin - diagonal, x - begin))
        x, diagonal = furthest[before], before
    return runs[::-1]
