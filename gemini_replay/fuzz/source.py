"""Where the choices come from of which a document is built: Hypothesis, or dice that always fall the same way.

The case classes ask a ``Source`` and do not know which of the two it is, so that the same description serves the
search and the fixed cases.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Source:
    """Gives choices; all of them are made of ``integer``."""

    def integer(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``, both included; shrinks towards ``low``."""
        raise NotImplementedError

    def boolean(self) -> bool:
        """Shrinks towards False."""
        return self.integer(0, 1) == 1

    def choice(self, options: Sequence[T]) -> T:
        """One of ``options``; shrinks towards the first."""
        return options[self.integer(0, len(options) - 1)]

    def many(self, make: Callable[[], T], low: int = 0, high: int = 4) -> list[T]:
        """From ``low`` to ``high`` things; shrinks towards few. Each is asked for right behind its own "go on"."""
        made: list[T] = []
        while len(made) < low or (len(made) < high and self.integer(0, 3)):
            made.append(make())
        return made


class Least(Source):
    """Always the least: it makes the smallest document of a class."""

    def integer(self, low: int, high: int) -> int:
        """See `Source`."""
        return low


class Dice(Source):
    """Choices that depend on ``name`` only, on every machine and in every Python."""

    def __init__(self, name: str) -> None:
        self._random = random.Random(name)

    def integer(self, low: int, high: int) -> int:
        """See `Source`; ``random()`` is the one method whose sequence Python guarantees."""
        return low + int(self._random.random() * (high - low + 1))
