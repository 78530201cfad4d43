"""Complete prefixes: complete answers that are as short as a broken one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gemini_replay import Cassette
from gemini_replay.cassette.model import End
from gemini_replay.engine.faults import parse_faults
from gemini_replay.faults.complete_prefix import complete_prefix, complete_prefixes, is_breakable

FOLDER = Path(__file__).parents[2] / "cassettes"


@pytest.mark.parametrize("name", ["story", "array", "gateway"])
@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_complete_prefix_is_shorter_and_has_a_finish_reason(name: str, kept: int) -> None:
    """The finish reason is on its last event, and the framing stays the same."""
    whole = Cassette.load(FOLDER / f"{name}.jsonl").interactions[0]
    short = complete_prefix(whole, kept)
    assert is_breakable(whole)
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
def test_a_complete_prefix_has_the_events_before_the_fault(name: str, fault: str, kept: int) -> None:
    """The prefix holds only whole events."""
    whole = Cassette.load(FOLDER / f"{name}.jsonl").interactions[0]
    (found,) = complete_prefixes(whole, parse_faults(fault)[0])
    assert found == complete_prefix(whole, kept)


@pytest.mark.parametrize("name", ["story", "array"])
@pytest.mark.parametrize("at", [0, 1])
def test_garbage_may_also_destroy_the_event_after_it(name: str, at: int) -> None:
    """All other events stay."""
    whole = Cassette.load(FOLDER / f"{name}.jsonl").interactions[0]
    _, without = complete_prefixes(whole, parse_faults(f"garbage@event:{at}")[0])
    texts = [event.text for event in whole.events]
    assert without.text == "".join(text for index, text in enumerate(texts) if index != at)
    assert without.complete


def test_an_answer_that_is_not_whole_cannot_break() -> None:
    """For such an answer there is no complete prefix: a break could lose nothing that matters."""
    whole = Cassette.load(FOLDER / "story.jsonl").interactions[0]
    assert not is_breakable(replace(whole, end=End("reset")))
    assert not is_breakable(replace(whole, chunks=whole.chunks[:2]))
