"""Rhythm as pure numbers: what a speed means, and when each step of a playback is due."""

from __future__ import annotations

import math

from ..errors import UsageError

INSTANT = math.inf


def parse_speed(value: str | float) -> float:
    """The factor by which a recorded rhythm is sped up.

    Args:
        value: a number (or its text): 1 is the recorded rhythm, 4 four times as fast; or "instant".

    Returns:
        The factor; `INSTANT` (infinity) makes every wait zero.

    Raises:
        UsageError: anything else, zero and negative numbers included.
    """
    if isinstance(value, str) and value.strip().lower() == "instant":
        return INSTANT
    try:
        if isinstance(value, bool):
            raise ValueError
        factor = float(value)
        if not factor > 0:
            raise ValueError
    except (TypeError, ValueError):
        raise UsageError(
            f"{value!r} is no speed.",
            todo='Use a number above 0 (1 is the recorded rhythm, 4 is four times as fast) or "instant".',
        ) from None
    return factor


def parse_max_gap(value: float | None) -> float:
    """The longest wait of a replay, in seconds; infinity for None.

    Raises:
        UsageError: no number, or one below 0.
    """
    if value is None:
        return math.inf
    try:
        seconds = float(value)
        if isinstance(value, bool) or not seconds >= 0:
            raise ValueError
    except (TypeError, ValueError):
        raise UsageError(f"max_gap is {value!r}.", todo="Give seconds, 0 or more.") from None
    return seconds
