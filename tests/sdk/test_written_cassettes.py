"""google-genai reads cassettes that were written without a key."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.written import BUSY, PROMPT, STORY, only, said

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.errors import MissError

# google-genai derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")


def tell_sync(genai: Any, **asked: Any) -> list[Any]:
    with genai.Client() as client:
        return [chunk.text for chunk in client.models.generate_content_stream(**asked)]


def tell_async(genai: Any, **asked: Any) -> list[Any]:
    async def tell() -> list[Any]:
        async with genai.Client().aio as client:
            return [chunk.text async for chunk in await client.models.generate_content_stream(**asked)]

    return asyncio.run(tell())


@pytest.fixture(params=[tell_sync, tell_async], ids=["sync", "async"])
def tell(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """google-genai over the HTTP library that it chooses itself."""
    genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
    monkeypatch.setenv("GEMINI_API_KEY", "not-a-key")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.delenv("GOOGLE_GEMINI_BASE_URL", raising=False)

    def tell(contents: Any = PROMPT, model: str = "gemini-2.5-flash", **more: Any) -> list[Any]:
        return list(request.param(genai, model=model, contents=contents, **more))

    return tell


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash-preview"])
def test_google_genai_reads_what_was_written(tell: Any, tmp_path: Path, model: str) -> None:
    """The text as given, in the events that the cassette shows; thoughts apart."""
    path = tmp_path / "story.jsonl"
    cassette = Cassette.from_text(STORY, prompt=PROMPT, model=model)
    cassette.save(path)
    with gemini_replay.replay(path, speed="instant"):
        heard = tell(model=model)
    assert heard == [event.text for event in only(cassette).events]
    assert "".join(heard) == STORY


def test_google_genai_reads_events_as_given(tell: Any, tmp_path: Path) -> None:
    """`chunk.text` of each is the event's; the body of a request that holds more is given whole."""
    path = tmp_path / "events.jsonl"
    body = {
        "contents": [{"parts": [{"text": "a"}, {"text": "b"}], "role": "user"}],
        "generationConfig": {"temperature": 1.0},
    }
    Cassette.from_events([said("x"), said("yz", finishReason="STOP")], prompt=body).save(path)
    with gemini_replay.replay(path, speed="instant"):
        assert tell(["a", "b"], config={"temperature": 1}) == ["x", "yz"]


def test_google_genai_raises_written_errors(tell: Any, tmp_path: Path) -> None:
    """An error instead of a stream is the SDK's own."""
    from google.genai import errors

    path = tmp_path / "busy.jsonl"
    Cassette.from_events([BUSY], prompt=PROMPT).save(path)
    with gemini_replay.replay(path, speed="instant"), pytest.raises(errors.ServerError, match="overloaded"):
        tell()


def test_without_a_prompt_the_match_must_be_wider(tell: Any, tmp_path: Path) -> None:
    """By default it is a miss; with the match that the file's comment names, any prompt is answered."""
    path = tmp_path / "yes.jsonl"
    Cassette.from_text("Yes.").save(path)
    with gemini_replay.replay(path, speed="instant", match=("model", "action")):
        assert tell("Anything?") == ["Yes."]
    with pytest.raises(MissError, match="body: recorded none"), gemini_replay.replay(path, speed="instant"):
        tell("Anything?")
