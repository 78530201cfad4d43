"""google-genai's replay JSON: files written by the SDK, and by hand in the same forms."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.errors import CassetteFormatError
from gemini_replay.interop import conversion
from gemini_replay.server.upstream.app import start

MLDEV = "{MLDEV_URL_PREFIX}/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
VERTEX = "{VERTEX_URL_PREFIX}/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
EVENTS = [
    {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, **finish}]}
    for text, finish in (("你", {}), ("好", {"finishReason": "STOP"}))
]
ASKED = {"contents": [{"parts": [{"text": "?"}], "role": "user"}]}


def saved(folder: Path, url: str = MLDEV, **response: Any) -> Path:
    """A replay file with one interaction."""
    request = {"method": "post", "url": url, "headers": {"x-goog-api-key": "{REDACTED}"}, "body_segments": [ASKED]}
    answer = {"status_code": 200, "headers": {}, "body_segments": EVENTS, "sdk_response_segments": [], **response}
    path = folder / "mldev.json"
    path.write_text(
        json.dumps({"replay_id": "a/b/mldev", "interactions": [{"request": request, "response": answer}]})
    )
    return path


def converted(path: Path, to: Path) -> Cassette:
    """The cassette made from a replay file, saved."""
    found = conversion.read(path)
    assert found.source == "google-genai's replay JSON"
    found.cassette.save(to)
    return found.cassette


def said(genai: Any, cassette: Path, **client: Any) -> list[str]:
    """The texts that google-genai reads from a cassette."""
    asker = genai.Client(**client)
    with gemini_replay.replay(cassette, speed="instant"):
        stream = asker.models.generate_content_stream(model="gemini-2.5-flash", contents="?")
        return [one.text for one in stream]


@pytest.mark.parametrize(
    ("url", "client"),
    [(MLDEV, {"api_key": "none"}), (VERTEX, {"vertexai": True, "project": "mine", "location": "us-central1"})],
    ids=["mldev", "vertex"],
)
def test_the_sdk_reads_the_events(tmp_path: Path, url: str, client: dict[str, Any]) -> None:
    """A stream of the file replays with one chunk per event, for the Gemini API and for Vertex AI."""
    genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
    (one,) = converted(saved(tmp_path, url), tmp_path / "story.jsonl").interactions
    assert said(genai, tmp_path / "story.jsonl", **client) == ["你", "好"]
    assert [event.json for event in one.events] == EVENTS
    assert len(one.chunks) == 2
    assert "stored parsed" in one.comments[0]


def test_a_recording_by_the_sdk_replays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that google-genai recorded from the embedded upstream gives the same texts as a cassette."""
    genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
    monkeypatch.setenv("GOOGLE_GENAI_CLIENT_MODE", "record")
    monkeypatch.setenv("GOOGLE_GENAI_REPLAYS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("GOOGLE_GENAI_REPLAY_ID", "module/function/mldev")
    with start(pace=0) as upstream:
        options = {"base_url": upstream.url}
        client = genai.Client(api_key="none", http_options=options)
        live = [one.text for one in client.models.generate_content_stream(model="story", contents="?")]
        client._api_client.close()
    monkeypatch.delenv("GOOGLE_GENAI_CLIENT_MODE")
    (one,) = converted(tmp_path / "module" / "function" / "mldev.json", tmp_path / "story.jsonl").interactions
    assert "".join(text or "" for text in live) == one.text != ""


def test_an_error_keeps_its_status(tmp_path: Path) -> None:
    """The error object is the body."""
    error = {"error": {"code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED"}}
    (one,) = converted(saved(tmp_path, status_code=429, body_segments=[error]), tmp_path / "a.jsonl").interactions
    assert one.response is not None
    assert one.response.status == 429
    assert one.error is not None
    assert one.error.status == "RESOURCE_EXHAUSTED"


def test_other_methods_answer_with_one_object(tmp_path: Path) -> None:
    """A count of tokens is one object. The file has only the first bytes of a download, and a comment says so."""
    url = "{MLDEV_URL_PREFIX}/models/m:countTokens"
    (one,) = converted(saved(tmp_path, url, body_segments=[{"totalTokens": 3}]), tmp_path / "a.jsonl").interactions
    assert json.loads(one.body) == {"totalTokens": 3}
    packed = base64.b64encode(b"\x89PNG").decode()
    path = saved(tmp_path, url, body_segments=[], byte_segments=[packed])
    (one,) = converted(path, tmp_path / "a.jsonl").interactions
    assert one.body == b"\x89PNG"
    assert "Only the first bytes" in one.comments[0]


def test_an_invalid_file_is_an_error(tmp_path: Path) -> None:
    """The error names the place in the file."""
    with pytest.raises(CassetteFormatError, match="'body_segments' of a stream must be objects"):
        conversion.read(saved(tmp_path, body_segments=["a"]))
    with pytest.raises(CassetteFormatError, match="'status_code' must be a number"):
        conversion.read(saved(tmp_path, status_code="ok"))
