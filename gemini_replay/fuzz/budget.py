"""The time that a search may take, and what is left out for lack of it."""

from __future__ import annotations

import re
from collections import Counter

from .. import clocks
from ..arguments import require
from ..errors import UsageError

USUAL = 10.0
"""Seconds of processor time that a search may take for each profile, if nobody says how long."""

_SPARE = 3.0  # an ordinary parser may take this many times as long, since the machine may be slow or busy
_WAITING = 3.0  # a search may take this many times as long on the clock, for parsers that wait
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}

NO_TIME = "no time was left"
STUCK = "the parser does not end any more"
"""Why a class was not tried."""


class IncompleteSearchWarning(UserWarning):
    """A parser is so slow that some of what there is to try was left out. No bug was found in the rest."""


def seconds(text: str) -> float:
    """The seconds of a time on the command line: "60", "60s", "5m", "1h".

    Raises:
        UsageError: it is no time above 0.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", text.strip())
    number = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not number:
        raise UsageError(f"{text!r} is not a time above 0.", hint="Write --max-time 60s, 5m or 1h.")
    return number


class Effort:
    """The work since this was made: processor time, or a third of the time on the clock if that is more.

    Processor time alone never ends for a parser that waits. The clock alone depends on how busy the machine is.
    """

    def __init__(self) -> None:
        self._cpu, self._clock = clocks.real.process_time(), clocks.now()

    def seconds(self) -> float:
        """The work since then."""
        worked: float = clocks.real.process_time() - self._cpu
        return max(worked, (clocks.now() - self._clock) / _WAITING)


class Budget:
    """A time from now on, which is shared out among the steps of a search.

    Args:
        seconds: on the clock; None is 10 s of work (see `Effort`) for each profile if the parser is known to need
            more than that, else 30 s, so that nothing is left out on a slow machine.
        profiles: how many of them are tried.

    Attributes:
        tight: whether each step is limited to its share. Some take much longer than others, which does not matter if
            there is time for all.
        chunk: seconds that the parser takes for a chunk.
    """

    def __init__(self, seconds: float | None = None, *, profiles: int = 1) -> None:
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
        require(seconds is None or is_number, "max_time", seconds, "a number of seconds above 0, or None")
        self._usual = USUAL * profiles
        self._limit = _SPARE * self._usual if seconds is None else seconds
        self._effort = Effort() if seconds is None else None
        self._began = clocks.now()
        self._parts = 0
        self.chunk = 0.0
        self.tight = seconds is not None

    def spent(self) -> float:
        """Seconds since it began."""
        return clocks.now() - self._began if self._effort is None else self._effort.seconds()

    def left(self) -> float:
        """Seconds that are left."""
        return self._limit - self.spent()

    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.left() <= 0

    def expect(self, parts: int, seconds: float, *, chunk: float) -> None:
        """Steps of so many parts are to come, in which the parser takes about so long, and so long for each chunk."""
        self._parts += parts
        self.chunk = chunk
        if not self.tight and seconds > self._usual:
            self.tight, self._limit = True, self._usual

    def share(self, parts: int) -> Share:
        """The time of the next step, which is so many of the parts that are to come; others get what it leaves."""
        of = max(self._parts, parts, 1)  # a search that draws nothing has steps of no parts
        self._parts = of - parts
        left = self.left()
        return Share(self, self.spent() + (left * parts / of if self.tight else left))

    def refund(self, seconds: float) -> None:
        """Time that was spent to shrink a bug does not count, unless someone said how long all may take."""
        if self._effort is not None:
            self._limit += seconds


class Share:
    """A part of a budget."""

    def __init__(self, budget: Budget, end: float) -> None:
        self._budget, self._end = budget, end

    def left(self) -> float:
        """Seconds that are left of it."""
        return self._end - self._budget.spent()

    def is_over(self, chunks: int = 0) -> bool:
        """Whether no seconds are left, or too few for a stream of so many chunks."""
        return self.left() <= chunks * self._budget.chunk


class Tally:
    """How much there was to try of each thing, and how much of that was left out."""

    def __init__(self) -> None:
        self._all: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    def count(self, what: str, number: int = 1, *, left_out: bool = False) -> None:
        """There are so many more of these."""
        self._all[what] += number
        self._left_out[what] += number * left_out

    def __str__(self) -> str:
        """What was left out, such as "310 of 420 cuts"; empty if nothing was."""
        return ", ".join(
            f"{number:,} of {self._all[what]:,} {what}" for what, number in self._left_out.items() if number
        )
