"""The kit accuses no correct parser."""

from __future__ import annotations

import os
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from gemini_replay import fuzz
from gemini_replay.fuzz.classes import CHECKS, CLASSES, IN_ARRAY, CaseClass, classes_of
from gemini_replay.fuzz.documents import Document
from gemini_replay.fuzz.search import Search
from gemini_replay.fuzz.strategies import documents_of
from gemini_replay.fuzz.target import FuzzTarget
from gemini_replay.fuzz.verdicts import Examiner
from quality.correct import CORRECT, Correct
from quality.correct.our_own import our_own

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured")]

FULL = os.environ.get("GEMINI_REPLAY_SLOW") == "full"
"""Whether the long searches are to be as long as it takes to be sure: some hours."""

QUICK = {
    "our_own": fuzz.PROFILES,
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


@pytest.mark.parametrize(("nth", "name"), [*enumerate(QUICK)], ids=QUICK)
def test_a_correct_parser_is_not_accused(nth: int, name: str) -> None:
    """With few examples: fixed documents, promptness, growth and large events.

    Our own parser goes through all classes, each other one through half of its own; all go through all in the test
    below.
    """
    (parse,) = (one.parse for one in CORRECT if one.name == name)
    classes = [one.name for one in classes_of(QUICK[name])][nth % 2 :: 1 if name == "our_own" else 2]
    survey = fuzz.survey(parse, profiles=QUICK[name], classes=[*CHECKS, *classes], max_examples=2)
    assert [(one.name, one.chunks, one.got, one.error) for one in survey.bugs] == []
    if name == "our_own":  # in both framings
        checks = [one.verdict for one in survey.results if one.name.removesuffix(IN_ARRAY) in CHECKS]
        assert checks == ["ok"] * 4


def pairs() -> list[Any]:
    return [pytest.param(one, profile, id=f"{one.name} {profile}") for one in CORRECT for profile in one.profiles]


@pytest.mark.parametrize(("correct", "profile"), pairs())
def test_a_correct_parser_is_never_accused(correct: Correct, profile: str) -> None:
    """Over twenty seeds.

    In full, each seed goes through all classes, and the default settings come first; else each seed goes through
    every eighth class, so that each class is searched with two or three of them.
    """
    if FULL:
        fuzz.check_parser(correct.parse, profile=profile)
    examples, share = (10, 1) if FULL else (3, 8)
    drawn = [one for one in classes_of([profile]) if one.sized is None]
    with FuzzTarget(correct.parse) as target:  # check_parser would try the fixed documents again for each seed
        for seed in range(20):
            for case in drawn[seed % share :: share]:
                found = Search(Examiner(target), examples, seed).draw(case)
                assert found is None, f"{case.name}: {found.chunks}: {found.complaint}"


@pytest.mark.parametrize("case", CLASSES, ids=lambda one: one.name)
def test_our_own_parser_passes_each_class(case: CaseClass) -> None:
    """With ten thousand examples in full, else with as many as a minute allows."""
    survey = fuzz.survey(our_own, classes=[case.name], max_examples=10_000 if FULL else 30)
    assert [(one.name, one.chunks, one.got, one.error) for one in survey.bugs] == []


@pytest.mark.parametrize("profile", fuzz.PROFILES)
def test_our_own_parser_passes_each_profile(profile: str) -> None:
    """All its classes mixed: ten thousand documents in full, some minutes; else as many as some seconds allow."""
    mixed = st.one_of([documents_of(one) for one in classes_of([profile]) if one.sized is None])
    with FuzzTarget(our_own) as target:
        examiner = Examiner(target)

        @hypothesis.seed(1)
        @hypothesis.settings(
            max_examples=10_000 if FULL else 300, deadline=None, database=None, phases=[hypothesis.Phase.generate]
        )
        @hypothesis.given(mixed)
        def passes(document: Document) -> None:
            found = examiner.examine(document, None)
            assert found is None, f"{found.chunks}: {found.complaint}"

        passes()


def test_there_are_enough_of_them() -> None:
    """At least six, and every profile has one that is not ours."""
    others = [one for one in CORRECT if not one.name.startswith("our_own")]
    assert len(others) >= 6
    assert {profile for one in others for profile in one.profiles} == set(fuzz.PROFILES)
