"""A search within a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from gemini_replay import clocks, fuzz, parse_stream
from gemini_replay.errors import UsageError
from gemini_replay.fuzz.budget import Budget, seconds
from gemini_replay.fuzz.junit import junit

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

    survey = fuzz.survey(slow, profiles=["gemini"], classes=NAMES, max_time=20)
    assert (survey.results[0].verdict, survey.results[-1].verdict) == ("ok", "not tried")
    assert "cuts" in survey.results[0].left_out
    assert survey.results[-1].left_out == "no time was left"
    assert survey.to_json()["results"][0]["left_out"] == survey.results[0].left_out
    assert f"not tried: {survey.results[0].left_out}" in str(survey)
    assert survey.incomplete in str(survey)
    suite = junit(survey, {})
    assert f"<system-out>not tried: {survey.results[0].left_out}</system-out>" in suite
    assert '<skipped message="not tried: no time was left" />' in suite
    with pytest.warns(fuzz.IncompleteSearchWarning, match=r"Not all was tried in 4 classes .* Give the search more"):
        fuzz.check_parser(slow, classes=NAMES, max_time=20)


def test_a_search_that_draws_nothing_keeps_to_its_time(clock: list[float]) -> None:
    """The profile smoke has no part for drawn documents in its budget."""

    def slow(chunks: Iterable[bytes]) -> Iterator[Any]:
        clock[0] += 0.1
        yield from (event.json for event in parse_stream(chunks))

    with pytest.warns(fuzz.IncompleteSearchWarning):
        fuzz.check_parser(slow, profile="smoke", max_time=1)


def test_a_slow_parser_is_tried_as_far_as_ten_seconds_go(clock: list[float]) -> None:
    """Each class gets its share, and what is left out is counted; a parser that waits has 30 s on the clock."""
    bodies: set[bytes] = set()

    def slow(chunks: Iterable[bytes]) -> Iterator[Any]:
        yield from (event.json for event in parse_stream(late(chunks)))

    def late(chunks: Iterable[bytes]) -> Iterator[bytes]:
        body = []
        for chunk in chunks:
            clock[0] += 0.001
            body.append(chunk)
            yield chunk
        bodies.add(b"".join(body))

    survey = fuzz.survey(slow, profiles=["gemini"], seed=1)
    assert clock[0] < 40
    ordinary = [one for one in survey.results if "event" not in one.name]
    assert {one.verdict for one in ordinary} <= {"ok", "behaviour"}
    assert sum("cuts" in one.left_out for one in ordinary) > 15
    assert len(bodies) > 100
    clock[0] = 0.0
    with pytest.warns(fuzz.IncompleteSearchWarning):
        fuzz.check_parser(slow, seed=1)
    assert clock[0] < 40


def test_nothing_is_left_out_if_time_is_no_matter(clock: list[float]) -> None:
    """One class of a slow parser fits into the time of a profile."""

    def slow(chunks: Iterable[bytes]) -> Iterator[Any]:
        chunks = list(chunks)
        clock[0] += 0.0002 * len(chunks)
        yield from (event.json for event in parse_stream(chunks))

    (result,) = fuzz.survey(slow, profiles=["gemini"], classes=["plain-text"], seed=1).results
    assert (result.verdict, result.left_out) == ("ok", "")


def test_a_large_event_is_left_out_if_it_would_take_too_long(clock: list[float]) -> None:
    """The time for a byte is known before; smaller ones are tried."""
    sizes: list[int] = []

    def slow(chunks: Iterable[bytes]) -> Iterator[Any]:
        chunks = list(chunks)
        sizes.append(sum(map(len, chunks)))
        clock[0] += 0.00001 * sizes[-1]
        yield from (event.json for event in parse_stream(chunks))

    names = ["event-of-70-kb", "event-of-5000-kb"]
    small, large = fuzz.survey(slow, profiles=["gemini"], classes=names).results
    assert (small.left_out, large.left_out) == ("", "1 of 1 sizes of chunks")
    assert 70_000 < max(sizes) < 100_000


@pytest.mark.parametrize(("text", "value"), [("60", 60), ("60s", 60), ("1.5m", 90), ("1h", 3600)])
def test_a_time_has_a_unit(text: str, value: float) -> None:
    """Seconds without one."""
    assert seconds(text) == value


@pytest.mark.parametrize("value", [0, -1, "60", True])
def test_a_budget_is_a_number_above_0(value: Any) -> None:
    """Or None."""
    with pytest.raises(UsageError, match="max_time"):
        Budget(value)
