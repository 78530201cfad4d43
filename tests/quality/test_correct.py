"""The kit accuses no correct parser."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_replay import fuzz
from gemini_replay.fuzz.classes import classes_of
from quality.correct import CORRECT, Correct, our_own

QUICK = {
    "our_own": fuzz.PROFILES,
    "our_own_asynchronously": ("gemini",),
    "our_own_strictly": ("hostile",),
    "byte_by_byte": ("sse",),
    "line_by_line": ("gemini",),
    "by_regular_expression": ("gateway",),
    "universal_newlines": ("sse",),
    "whole_body": ("gateway",),
    "httpx2_event_source": ("gateway",),
    "async_that_raises_errors": ("gateway",),
    "array_at_once_asynchronously": ("json-array",),
    "array_by_brackets": ("json-array",),
}


def pairs(*, quick: bool) -> list[Any]:
    return [
        pytest.param(one, profile, id=f"{one.name} {profile}")
        for one in CORRECT
        for profile in one.profiles
        if not quick or profile in QUICK.get(one.name, ())
    ]


@pytest.mark.parametrize(("correct", "profile"), pairs(quick=True))
def test_a_correct_parser_is_not_accused(correct: Correct, profile: str) -> None:
    """With few examples: the fixed documents of all classes, promptness, growth and large events are all tried."""
    fuzz.check_parser(correct.parse, profile=profile, max_examples=2)


@pytest.mark.slow
@pytest.mark.parametrize(("correct", "profile"), pairs(quick=False))
def test_a_correct_parser_is_never_accused(correct: Correct, profile: str) -> None:
    """Once at the default settings, then over twenty seeds with fewer examples."""
    fuzz.check_parser(correct.parse, profile=profile)
    drawn = [one.name for one in classes_of([profile]) if one.sized is None]
    for seed in range(20):
        fuzz.check_parser(correct.parse, profile=profile, max_examples=10, seed=seed, classes=drawn)


@pytest.mark.slow
def test_our_own_parser_passes_ten_thousand_examples_of_each_class() -> None:
    """No bug in any class, promptness and growth included."""
    survey = fuzz.survey(our_own, max_examples=10_000)
    assert [(one.name, one.chunks, one.got, one.error) for one in survey.bugs] == []


def test_there_are_enough_of_them() -> None:
    """At least six, and every profile has one that is not ours."""
    others = [one for one in CORRECT if not one.name.startswith("our_own")]
    assert len(others) >= 6
    assert {profile for one in others for profile in one.profiles} == set(fuzz.PROFILES)
