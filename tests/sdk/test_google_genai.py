"""google-genai, unchanged, sync and async, over httpx2 and over httpx: recorded and replayed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from support.measuring import least
from support.rhythms import OFF, off

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.errors import MissError
from gemini_replay.server import upstream

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")

PROMPT = "给我讲一个关于月亮的小故事。"

Told = list[tuple[float, Any]]
"""Each chunk that the SDK gave, with its moment."""


def tell_sync(prompt: str = PROMPT, **config: Any) -> Told:
    """A user's code, which also notes times."""
    with genai.Client() as client:
        stream = client.models.generate_content_stream(
            model="gemini-2.5-flash", contents=prompt, config=config or None
        )
        return [(time.perf_counter(), chunk) for chunk in stream]


def tell_async(prompt: str = PROMPT, **config: Any) -> Told:
    """The same in async code."""

    async def tell() -> Told:
        async with genai.Client().aio as client:
            stream = await client.models.generate_content_stream(
                model="gemini-2.5-flash", contents=prompt, config=config or None
            )
            return [(time.perf_counter(), chunk) async for chunk in stream]

    return asyncio.run(tell())


@pytest.fixture(params=["httpx2", "httpx"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The HTTP library that the SDK must use."""
    from google.genai import _api_client

    monkeypatch.setenv("GOOGLE_GENAI_HTTP_CLIENT", request.param)
    monkeypatch.setenv("GEMINI_API_KEY", "AIzaSyD-0123456789abcdefghijklmnopqrstuv")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    # The SDK prefers aiohttp for async calls if it is installed, so it is hidden here.
    monkeypatch.setattr(_api_client, "has_aiohttp", False)
    return str(request.param)


@pytest.fixture(params=[tell_sync, tell_async], ids=["sync", "async"])
def tell(request: pytest.FixtureRequest, library: str) -> Callable[..., Told]:
    function: Callable[..., Told] = request.param
    return function


@pytest.fixture
def base_url(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda url: monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", url)


def texts(told: Told) -> list[str | None]:
    return [chunk.text for _, chunk in told]


def test_a_story_is_recorded_and_replayed_event_by_event(
    tell: Callable[..., Told], library: str, base_url: Callable[[str], None], tmp_path: Path
) -> None:
    """The same events, at the recorded times, with the server gone."""
    path = tmp_path / "story.jsonl"
    with upstream.start("story") as server:
        base_url(server.url)
        with gemini_replay.record(path):
            live = tell()
        assert len(server.app.requests) == 1

    def missed() -> float:
        with gemini_replay.replay(path) as session:
            again = tell()
        assert texts(again) == texts(live)
        assert len(again) > 5
        assert len(session.played) == 1
        recorded = session.played[0]
        assert recorded.text == "".join(text or "" for text in texts(live))
        assert (recorded.request.client or "").startswith(f"{library} ")
        assert "google-genai-sdk/" in (recorded.request.client or "")
        return off([at for at, _ in again], list(accumulate(chunk.after for chunk in recorded.chunks)))

    assert least(missed, OFF) < OFF


@pytest.mark.parametrize(
    "scenario",
    ["thinking", "function_call", "parallel_calls", "safety", "blocked", "max_tokens", "signature", "image"],
)
def test_every_kind_of_answer_comes_back_equal(
    tell: Callable[..., Told], base_url: Callable[[str], None], tmp_path: Path, scenario: str
) -> None:
    """The SDK returns the same objects for the replay as for the live stream."""
    path = tmp_path / "answer.jsonl"
    with upstream.start(scenario, pace=0) as server:
        base_url(server.url)
        with gemini_replay.record(path):
            live = tell()
    with gemini_replay.replay(path, speed="instant"):
        again = tell()
    assert [chunk.model_dump(exclude={"sdk_http_response"}) for _, chunk in again] == [
        chunk.model_dump(exclude={"sdk_http_response"}) for _, chunk in live
    ]


@pytest.mark.parametrize("scenario", ["400", "404", "429", "503", "inband_error"])
def test_every_error_comes_back_equal(
    tell: Callable[..., Told], base_url: Callable[[str], None], tmp_path: Path, scenario: str
) -> None:
    """The SDK raises the same error with the same message, or ignores it in the same way."""
    path = tmp_path / "error.jsonl"

    def outcome() -> Any:
        try:
            return texts(tell())
        except genai.errors.APIError as error:
            return type(error), error.code, error.status, error.message

    with upstream.start(scenario, pace=0) as server:
        base_url(server.url)
        with gemini_replay.record(path):
            live = outcome()
    with gemini_replay.replay(path, speed="instant"):
        assert outcome() == live


def test_one_call_with_several_requests(
    tell: Callable[..., Told], base_url: Callable[[str], None], tmp_path: Path
) -> None:
    """With automatic function calling, the SDK calls the function and asks again, within one stream."""
    path = tmp_path / "afc.jsonl"

    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"18 degrees and sunny in {city}"

    with upstream.start("afc", pace=0) as server:
        base_url(server.url)
        with gemini_replay.record(path):
            live = tell(tools=[get_weather])
        asked = len(server.app.requests)
    assert asked == 2
    assert len(Cassette.load(path).interactions) == 2
    with gemini_replay.replay(path, speed="instant") as session:
        again = tell(tools=[get_weather])
    assert texts(again) == texts(live)
    assert session.unused == []


def test_a_miss_is_raised_at_once_and_not_retried(
    tell: Callable[..., Told], base_url: Callable[[str], None], tmp_path: Path
) -> None:
    """The SDK retries failed connections. A miss is our own error and is raised after one try."""
    path = tmp_path / "story.jsonl"
    with upstream.start("story", pace=0) as server:
        base_url(server.url)
        with gemini_replay.record(path):
            tell()
    with pytest.raises(MissError) as missed, gemini_replay.replay(path) as session:
        tell("another prompt")
    assert len(session.misses) == 1
    assert "another prompt" in str(missed.value)
