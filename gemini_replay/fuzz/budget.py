"""The time that a search may take."""

from __future__ import annotations

import re

from .. import clocks
from ..arguments import require
from ..errors import UsageError

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """The seconds of a time on the command line: "60", "60s", "5m", "1h".

    Raises:
        UsageError: it is no time above 0.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", text.strip())
    number = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not number:
        raise UsageError(f"{text!r} is not a time.", hint="Write --max-time 60s, 5m or 1h.")
    return number


class Budget:
    """Seconds from now on, which are shared out among classes; None is without end."""

    def __init__(self, seconds: float | None) -> None:
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
        require(seconds is None or is_number, "max_time", seconds, "a number of seconds above 0, or None")
        self._end = None if seconds is None else clocks.now() + seconds

    def is_over(self) -> bool:
        """Whether no time is left."""
        return self._end is not None and clocks.now() >= self._end

    def share(self, parts: int) -> float | None:
        """The moment until which the next of so many parts may go on; what one leaves goes to the others."""
        return None if self._end is None else clocks.now() + (self._end - clocks.now()) / parts
