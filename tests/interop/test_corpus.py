"""All files from other projects convert, and keep the recorded bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import httpx
import pytest

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import header
from gemini_replay.interop import conversion
from gemini_replay.rhythm.retiming import TIMES_UNKNOWN

CORPUS = os.environ.get("GEMINI_REPLAY_CORPUS")
SKIPPED = pytest.param(None, marks=pytest.mark.skip(reason="GEMINI_REPLAY_CORPUS is not set"), id="corpus")
FOLDER = Path(CORPUS or "", "originals")


def originals() -> list[Any]:
    """One pytest parameter for each file."""
    return [pytest.param(path, id=path.name) for path in sorted(FOLDER.iterdir())] if CORPUS else [SKIPPED]


def index() -> list[dict[str, Any]]:
    """The index entries of those bodies of the corpus whose files exist."""
    entries = json.loads((FOLDER.parent / "INDEX.json").read_text(encoding="utf-8"))
    return [entry for entry in entries if "original" in entry]


def exact_bodies(path: Path) -> Iterator[bytes]:
    """The exact bodies of one file, as they were recorded."""
    for entry in index():
        if entry["original"]["file"] == path.name and entry["fidelity"] == "exact":
            yield (FOLDER.parent / "bodies" / f"{entry['name']}.body").read_bytes()


@pytest.mark.skipif(not CORPUS, reason="GEMINI_REPLAY_CORPUS is not set")
def test_every_file_is_there() -> None:
    """There are 31 files, and each has an exactly recorded body."""
    paths = sorted(FOLDER.iterdir())
    assert len(paths) == 31
    assert all(list(exact_bodies(path)) for path in paths)


@pytest.mark.parametrize("path", originals())
def test_bodies_are_the_recorded_ones(path: Path) -> None:
    """Bodies are equal byte for byte, also if the file holds them compressed with gzip."""
    bodies = [one.body for one in conversion.read(path).cassette.interactions]
    assert not [wanted for wanted in exact_bodies(path) if wanted not in bodies]


@pytest.mark.parametrize("path", originals())
def test_a_converted_file_is_a_valid_cassette(path: Path) -> None:
    """It is read as it was written, each chunk ends with an event, and its times are marked as unknown."""
    found = conversion.read(path)
    cassette = Cassette.loads(found.cassette.dumps())
    assert not found.notes
    assert cassette.dumps() == found.cassette.dumps()
    assert cassette.recorder
    for one in cassette.interactions:
        assert any(line.startswith(TIMES_UNKNOWN) for line in one.comments)
        ends = list(accumulate(len(chunk.data) for chunk in one.chunks))
        assert set(one.layout.ends) <= set(ends)


@pytest.mark.parametrize("path", originals())
def test_google_genai_reads_a_converted_stream(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stream of server-sent events replays through the SDK, with the text that was recorded."""
    genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
    monkeypatch.setenv("GEMINI_API_KEY", "none")
    client = genai.Client()
    for one in conversion.read(path).cassette.interactions:
        if one.layout.framing != "sse":
            continue
        Cassette([one]).save(tmp_path / "story.jsonl")
        with gemini_replay.replay(tmp_path / "story.jsonl", speed="instant", match=("action",)):
            answer = list(client.models.generate_content_stream(model="any", contents="?"))
        contents = [candidate.content for event in answer for candidate in event.candidates or ()]
        parts = [part for content in contents if content for part in content.parts or ()]
        assert "".join(part.text for part in parts if part.text and not part.thought) == one.text
        assert len(answer) == len(one.events)


@pytest.mark.parametrize("path", originals())
def test_the_same_requests_get_the_same_responses(path: Path, tmp_path: Path) -> None:
    """Default matching finds them; status, type and body are equal, and compressed if they were recorded so."""
    found = conversion.read(path).cassette
    found.save(tmp_path / "story.jsonl")
    with gemini_replay.replay(tmp_path / "story.jsonl", speed="instant", allow_unused=False):
        for one in found.interactions:
            asked, answered = one.request, one.response
            assert answered is not None
            headers = [pair for pair in asked.headers if pair[0].lower() != "content-length"]
            got = httpx.request(asked.method, asked.url, content=asked.body, headers=headers)
            assert (got.status_code, got.content) == (answered.status, one.body)
            assert got.headers.get("content-type") == header(answered.headers, "content-type")
