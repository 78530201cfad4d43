"""Settings about time: speeds, and the longest gap."""

from __future__ import annotations

import math

from ..errors import UsageError

INSTANT = math.inf
_VIRTUAL = "virtual"


def parse_speed(value: str | float) -> float:
    """The factor by which a recorded rhythm is sped up.

    Args:
        value: a number, or its text: 1 is the recorded rhythm, 4 is four times as fast; "instant"; or "virtual", the
            recorded rhythm in virtual time.

    Returns:
        The factor: `INSTANT` (infinity) makes every wait zero; "virtual" is 1.

    Raises:
        UsageError: it is not a speed. Zero and negative numbers are not.
    """
    return 1.0 if is_virtual(value) else _factor(value, ', "instant" or "virtual"')


def _factor(value: str | float, words: str) -> float:
    """The factor of a speed that is not "virtual"; `words` says in the error which words are speeds, too."""
    if isinstance(value, str) and value.strip().lower() == "instant":
        return INSTANT
    try:
        if isinstance(value, bool):
            raise ValueError
        factor = float(value)
        if not factor > 0:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise UsageError(
            f"Unknown speed {value!r}.",
            hint=f"Use a number above 0 (1 is the recorded rhythm, 4 is four times as fast){words}.",
        ) from None
    return factor


def parse_max_gap(value: float | None) -> float:
    """The longest wait of a replay, in seconds; infinity for None.

    Raises:
        UsageError: it is not a number, or is below 0.
    """
    if value is None:
        return math.inf
    try:
        seconds = float(value)
        if isinstance(value, bool) or not seconds >= 0:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"max_gap cannot be {value!r}.", hint="Give seconds, 0 or more.") from None
    return seconds


def is_virtual(value: str | float) -> bool:
    """Whether a speed asks for virtual time."""
    return isinstance(value, str) and value.strip().lower() == _VIRTUAL


def parse_real_speed(value: str | float, *, subject: str, hint: str) -> float:
    """`parse_speed` for code that cannot play in virtual time.

    Args:
        value: the speed.
        subject: what plays, for the error.
        hint: what to do instead.

    Raises:
        UsageError: it is not a speed, or it is "virtual".
    """
    if is_virtual(value):
        raise UsageError(f"{subject} cannot play in virtual time.", hint=hint)
    return _factor(value, ' or "instant"')
