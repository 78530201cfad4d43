"""A search within a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from gemini_replay import clocks, fuzz, parse_stream
from gemini_replay.errors import UsageError
from gemini_replay.fuzz.budget import Budget, seconds

NAMES = ["plain-text", "escapes", "wide-characters", "separators"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until a test moves it."""
    now = [0.0]
    monkeypatch.setattr(clocks, "now", lambda: now[0])
    return now


def test_each_class_gets_its_share_of_the_time(clock: list[float]) -> None:
    """Documents are drawn until it is over, and no class is left out."""
    bodies: set[bytes] = set()

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        body = b"".join(chunks)
        if body not in bodies:
            bodies.add(body)
            clock[0] += 0.01
        yield from (event.json for event in parse_stream([body]))

    results = fuzz.survey(parse, profiles=["gemini"], classes=NAMES, max_time=0.6, seed=1).results
    assert {one.verdict for one in results} == {"ok"}
    within = len(bodies)
    fuzz.survey(parse, profiles=["gemini"], classes=NAMES, seed=1)
    assert 40 < within < 80 < len(bodies)


def test_what_is_not_tried_is_told(clock: list[float]) -> None:
    """It is neither right nor wrong."""

    def slow(chunks: Iterable[bytes]) -> Iterator[Any]:
        clock[0] += 1
        yield from (event.json for event in parse_stream(chunks))

    results = fuzz.survey(slow, profiles=["gemini"], classes=NAMES, max_time=20).results
    assert [one.verdict for one in results] == ["ok", "not tried", "not tried", "not tried"]
    fuzz.check_parser(slow, classes=NAMES, max_time=20)


@pytest.mark.parametrize(("text", "value"), [("60", 60), ("60s", 60), ("1.5m", 90), ("1h", 3600)])
def test_a_time_has_a_unit(text: str, value: float) -> None:
    """Seconds without one."""
    assert seconds(text) == value


@pytest.mark.parametrize("value", [0, -1, "60", True])
def test_a_budget_is_a_number_above_0(value: Any) -> None:
    """Or None."""
    with pytest.raises(UsageError, match="max_time"):
        Budget(value)
