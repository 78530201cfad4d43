"""The curated cassettes match the table in their README, and can be replayed with the fixture."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

import gemini_replay
from gemini_replay import Cassette

FOLDER = Path(__file__).parent.parent / "cassettes"
CASSETTES = sorted(FOLDER.glob("*.jsonl"))


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_each_cassette_matches_the_table(path: Path) -> None:
    """The README's events, chunks and seconds are the file's, and saving the file again changes no byte."""
    cassette = Cassette.load(path)
    row = re.search(
        rf"\({re.escape(path.name)}\) \| .* \| (\d+) \| (\d+) \| ([\d.]+) \|",
        (FOLDER / "README.md").read_text("utf-8"),
    )
    assert row is not None
    events = sum(len(recording.events) for recording in cassette.interactions)
    chunks = sum(len(recording.chunks) for recording in cassette.interactions)
    assert (int(row[1]), int(row[2])) == (events, chunks)
    assert float(row[3]) == pytest.approx(sum(recording.duration for recording in cassette.interactions), abs=0.06)
    assert cassette.dumps() == path.read_bytes()


def test_the_table_names_every_cassette() -> None:
    """The table and the folder have the same names."""
    named = re.findall(r"\((\w+\.jsonl)\)", (FOLDER / "README.md").read_text("utf-8"))
    assert sorted(named) == [path.name for path in CASSETTES]


def test_together_they_show_all_kinds_of_streams() -> None:
    """They have every ending, thoughts, calls, errors in and instead of a stream, arrays and split events."""
    recordings = [recording for path in CASSETTES for recording in Cassette.load(path).interactions]
    assert {recording.end.kind for recording in recordings} == {"eof", "reset"}
    assert {"closed"} <= {recording.end.how for recording in recordings}
    assert {recording.response.status for recording in recordings if recording.response} >= {200, 400, 404, 429, 503}
    assert {recording.finish_reason for recording in recordings} >= {"STOP", "MAX_TOKENS", "SAFETY", None}
    assert any(recording.thoughts for recording in recordings)
    assert any(len(recording.function_calls) == 3 for recording in recordings)
    assert any(recording.error and recording.text for recording in recordings)
    assert any(recording.response and recording.response.body == "decoded" for recording in recordings)


@pytest.mark.gemini_cassette("story", speed="instant")
def test_the_marker_replays_a_curated_cassette() -> None:
    """The plugin, installed as for any user, finds it in the folder `cassettes`."""
    request = Cassette.load(FOLDER / "story.jsonl").interactions[0].request
    with httpx.stream("POST", request.url, json=request.json) as response:
        chunks = list(response.iter_raw())
    text = "".join(event.text for event in gemini_replay.parse_stream(chunks))
    assert text.startswith("从前")
    assert len(chunks) == 13
