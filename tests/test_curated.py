"""The curated cassettes: what their table says is so, and they serve the project's own fixture."""

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
def test_each_is_as_its_table_says(path: Path) -> None:
    """Events, chunks and seconds of the README are those of the file, and saving it again changes no byte."""
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
    """No more and no fewer."""
    named = re.findall(r"\((\w+\.jsonl)\)", (FOLDER / "README.md").read_text("utf-8"))
    assert sorted(named) == [path.name for path in CASSETTES]


def test_together_they_show_what_streams_can_be() -> None:
    """Every ending, thoughts, calls, errors in band and instead of a stream, arrays and split events."""
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
def test_the_projects_own_marker_replays_one() -> None:
    """The plugin, installed as for any user, answers from the folder at the top."""
    request = Cassette.load(FOLDER / "story.jsonl").interactions[0].request
    with httpx.stream("POST", request.url, json=request.json) as response:
        chunks = list(response.iter_raw())
    text = "".join(event.text for event in gemini_replay.parse_stream(chunks))
    assert text.startswith("从前")
    assert len(chunks) == 13
