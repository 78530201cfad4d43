"""Answers that are as short as a broken one, and honest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gemini_replay import Cassette
from gemini_replay.cassette.model import End
from gemini_replay.engine.faults import parse_faults
from gemini_replay.faults.honest import can_break, honest, honest_for

FOLDER = Path(__file__).parents[2] / "cassettes"


@pytest.mark.parametrize("name", ["story", "array", "gateway"])
@pytest.mark.parametrize("kept", [0, 1, 3])
def test_an_honest_answer_says_less_and_that_it_has_finished(name: str, kept: int) -> None:
    """With a finish reason on its last event, in the same framing."""
    whole = Cassette.load(FOLDER / f"{name}.jsonl").interactions[0]
    short = honest(whole, kept)
    assert can_break(whole)
    assert short.complete
    assert short.text == "".join(event.text for event in whole.events[:kept])
    assert short.finish_reason == "STOP"


@pytest.mark.parametrize("name", ["story", "array"])
@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        ("reset@event:2", 2),
        ("eof@event:2.5", 2),
        ("eof@head", 0),
        ("status:503", 0),
        ("eof@chunk:1", 1),
        ("eof@byte:1", 0),
    ],
)
def test_what_comes_before_a_fault_is_what_an_honest_answer_has(name: str, fault: str, kept: int) -> None:
    """Whole events only."""
    whole = Cassette.load(FOLDER / f"{name}.jsonl").interactions[0]
    (found,) = honest_for(whole, parse_faults(fault)[0])
    assert found == honest(whole, kept)


@pytest.mark.parametrize("name", ["story", "array"])
@pytest.mark.parametrize("at", [0, 1])
def test_garbage_may_also_cost_the_event_behind_it(name: str, at: int) -> None:
    """All the others are there."""
    whole = Cassette.load(FOLDER / f"{name}.jsonl").interactions[0]
    _, without = honest_for(whole, parse_faults(f"garbage@event:{at}")[0])
    texts = [event.text for event in whole.events]
    assert without.text == "".join(text for index, text in enumerate(texts) if index != at)
    assert without.complete


def test_an_answer_that_is_not_whole_cannot_break() -> None:
    """Nothing would be lost by it."""
    whole = Cassette.load(FOLDER / "story.jsonl").interactions[0]
    assert not can_break(replace(whole, end=End("reset")))
    assert not can_break(replace(whole, chunks=whole.chunks[:2]))
