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

SEEDS = 20


def tried() -> list[Any]:
    """Parsers with their profiles: in full all, else one of each parser, in turn."""
    return [
        pytest.param(nth, correct, profile, id=f"{correct.name} {profile}")
        for nth, correct in enumerate(CORRECT)
        for profile in (correct.profiles if FULL else correct.profiles[nth % len(correct.profiles) :][:1])
    ]


@pytest.mark.parametrize(("seed", "correct", "profile"), tried())
def test_a_correct_parser_is_never_accused(seed: int, correct: Correct, profile: str) -> None:
    """In every other class and check, with few examples and a seed of its own.

    In full, in all of them at the default settings, and then over twenty seeds.
    """
    if not FULL:
        names = [*CHECKS, *(one.name for one in classes_of([profile]))][seed % 2 :: 2]
        fuzz.check_parser(correct.parse, profile=profile, classes=names, seed=seed, max_examples=2)
        return
    fuzz.check_parser(correct.parse, profile=profile)
    with FuzzTarget(correct.parse) as target:  # check_parser would try the fixed documents again for each seed
        examiner = Examiner(target)
        for nth in range(SEEDS):
            search = Search(examiner, max_examples=3, seed=1000 + nth)
            for case in classes_of([profile]):
                found = None if case.sized else search.draw(case)
                assert found is None, f"{case.name}: {found.chunks}: {found.complaint}"


def test_our_own_parser_has_no_bug_in_any_profile() -> None:
    """Fixed documents, large ones and checks, in both framings."""
    survey = fuzz.survey(our_own, max_examples=2)
    assert [(one.name, one.chunks, one.got, one.error) for one in survey.bugs] == []
    checks = [one.verdict for one in survey.results if one.name.removesuffix(IN_ARRAY) in CHECKS]
    assert checks == ["ok"] * 2 * len(CHECKS)


@pytest.mark.parametrize("case", CLASSES, ids=lambda one: one.name)
def test_our_own_parser_passes_each_class(case: CaseClass) -> None:
    """With ten thousand examples in full, else with as many as a minute allows."""
    survey = fuzz.survey(our_own, classes=[case.name], max_examples=10_000 if FULL else 10)
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
    """At least 25 of different styles, and every profile has one that is not ours."""
    others = [one for one in CORRECT if not one.name.startswith("our_own")]
    assert len(others) >= 25
    assert len({one.name for one in CORRECT}) == len(CORRECT)
    assert {profile for one in others for profile in one.profiles} == set(fuzz.PROFILES)
