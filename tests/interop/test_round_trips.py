"""Cassettes that went through another tool's format and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.interop import conversion

FOLDER = Path(__file__).parents[2] / "cassettes"


@pytest.mark.parametrize("suffix", [".yaml", ".har"])
@pytest.mark.parametrize("name", ["story", "thinking", "function_call", "grounding", "signature"])
def test_google_genai_reads_the_same_after_both_conversions(
    name: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event by event."""
    genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
    monkeypatch.setenv("GEMINI_API_KEY", "none")
    client = genai.Client()

    def read(path: Path) -> list[Any]:
        with gemini_replay.replay(path, speed="instant", match=("action",)):
            stream = client.models.generate_content_stream(model="any", contents="?")
            return [event.model_dump(exclude={"sdk_http_response"}) for event in stream]

    original = Cassette.load(FOLDER / f"{name}.jsonl")
    original.interactions = original.interactions[:1]
    original.save(tmp_path / "original.jsonl")
    foreign = tmp_path / f"foreign{suffix}"
    foreign.write_bytes(conversion.encode(original, foreign).content)
    conversion.read(foreign).cassette.save(tmp_path / "back.jsonl")
    assert read(tmp_path / "back.jsonl") == read(tmp_path / "original.jsonl") != []
