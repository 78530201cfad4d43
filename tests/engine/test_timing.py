"""Speeds: which values are valid, and what they mean."""

import math

import pytest

from gemini_replay.engine.timing import INSTANT, is_virtual, parse_real_speed, parse_speed
from gemini_replay.errors import UsageError


@pytest.mark.parametrize(
    ("value", "factor"),
    [(1, 1.0), (4, 4.0), (0.5, 0.5), ("2.5", 2.5), ("instant", INSTANT), (" Instant ", INSTANT), (math.inf, INSTANT)],
)
def test_a_speed_is_a_positive_factor_or_instant(value: object, factor: float) -> None:
    """A speed is a number, a number as text, or the word instant."""
    assert parse_speed(value) == factor  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -1, "0", "fast", "", None, True, float("nan"), [1]], ids=repr)
def test_other_values_are_refused(value: object) -> None:
    """The error names the value and the possible ones."""
    with pytest.raises(UsageError, match="Unknown speed") as refused:
        parse_speed(value)  # type: ignore[arg-type]
    assert repr(value) in str(refused.value)
    assert '"instant"' in str(refused.value)


def test_virtual_is_the_recorded_rhythm_on_another_clock() -> None:
    """Virtual speed has the factor 1 and is marked as virtual."""
    assert parse_speed(" Virtual ") == 1.0
    assert [is_virtual(speed) for speed in ("virtual", " Virtual ", "instant", "1", 1, 4.0)] == [
        True,
        True,
        *[False] * 4,
    ]


def test_where_time_cannot_be_virtual_the_error_says_what_to_do() -> None:
    """Other speeds are accepted."""
    assert parse_real_speed("4", subject="A radio", hint="Turn it off.") == 4.0
    with pytest.raises(UsageError, match=r"A radio cannot play in virtual time\.\nTurn it off\."):
        parse_real_speed("virtual", subject="A radio", hint="Turn it off.")
    with pytest.raises(UsageError, match='or "instant"') as refused:
        parse_real_speed("fast", subject="A radio", hint="Turn it off.")
    assert "virtual" not in str(refused.value)
