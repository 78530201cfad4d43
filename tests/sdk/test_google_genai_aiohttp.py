"""google-genai, unchanged, in async code over aiohttp, which it prefers where that is installed."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from support.measuring import least
from support.rhythms import OFF, off
from support.streams import events, gaps_of

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.errors import MissError
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
pytest.importorskip("aiohttp", reason="aiohttp is not installed")

# The SDK derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

PROMPT = "给我讲一个关于月亮的小故事。"

Told = list[tuple[float, Any]]
"""Each chunk that the SDK gave, with its moment."""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "AIzaSyD-0123456789abcdefghijklmnopqrstuv")
    for name in ("GOOGLE_API_KEY", "GOOGLE_GENAI_HTTP_CLIENT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def base_url(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda url: monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", url)


def tell(prompt: str = PROMPT, *, stop_after: int | None = None, options: Any = None, **config: Any) -> Told:
    """A user's code, which also notes times."""

    async def main() -> Told:
        told: Told = []
        async with genai.Client(http_options=options).aio as client:
            stream = await client.models.generate_content_stream(
                model="gemini-2.5-flash", contents=prompt, config=config or None
            )
            async for chunk in stream:
                told.append((time.perf_counter(), chunk))
                if len(told) == stop_after:
                    break
        return told

    return asyncio.run(main())


def texts(told: Told) -> list[str | None]:
    return [chunk.text for _, chunk in told]


def test_a_story_is_recorded_and_replayed_event_by_event(base_url: Callable[[str], None], tmp_path: Path) -> None:
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
        recorded = session.played[0]
        assert recorded.text == "".join(text or "" for text in texts(live))
        assert (recorded.request.client or "").startswith("aiohttp ")
        assert "google-genai-sdk/" in (recorded.request.client or "")
        return off([at for at, _ in again], list(accumulate(chunk.after for chunk in recorded.chunks)))

    assert least(missed, OFF) < OFF


def test_requests_to_the_real_host_are_answered_without_a_network(
    base_url: Callable[[str], None], tmp_path: Path
) -> None:
    """A recording from another base URL answers a client that asks Google."""
    path = tmp_path / "story.jsonl"
    with upstream.start("story", pace=0) as server:
        base_url(server.url)
        with gemini_replay.record(path):
            live = tell()
    base_url("https://generativelanguage.googleapis.com")
    with gemini_replay.replay(path, speed="instant"):
        assert texts(tell()) == texts(live)


@pytest.mark.parametrize(
    "scenario",
    ["thinking", "function_call", "parallel_calls", "safety", "blocked", "max_tokens", "signature", "image"],
)
def test_every_kind_of_answer_comes_back_equal(
    base_url: Callable[[str], None], tmp_path: Path, scenario: str
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
def test_every_error_comes_back_equal(base_url: Callable[[str], None], tmp_path: Path, scenario: str) -> None:
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


@pytest.mark.parametrize("end", ["reset", "closed"])
def test_a_broken_stream_breaks_the_same_way_again(base_url: Callable[[str], None], tmp_path: Path, end: Any) -> None:
    """The SDK passes the same exception on."""
    path = tmp_path / "broken.jsonl"
    chunks = events(4)[:2]

    def outcome() -> type[BaseException] | None:
        try:
            tell()
        except Exception as error:
            return type(error)
        return None

    scenario = Scenario.from_chunks(chunks, gaps=gaps_of(chunks, 0.01), end=end, end_after=0.01)
    with upstream.start(scenario) as server:
        base_url(server.url)
        with gemini_replay.record(path):
            live = outcome()
    with gemini_replay.replay(path):
        assert outcome() is live is not None


def test_one_call_with_several_requests(base_url: Callable[[str], None], tmp_path: Path) -> None:
    """With automatic function calling, the SDK calls the function and asks again, within one stream."""
    path = tmp_path / "afc.jsonl"

    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"18 degrees and sunny in {city}"

    with upstream.start("afc", pace=0) as server:
        base_url(server.url)
        with gemini_replay.record(path):
            live = tell(tools=[get_weather])
        assert len(server.app.requests) == 2
    assert [i.end.kind for i in Cassette.load(path).interactions] == ["eof", "eof"]
    with gemini_replay.replay(path, speed="instant") as session:
        again = tell(tools=[get_weather])
    assert texts(again) == texts(live)
    assert session.unused == []


def test_a_miss_is_raised_at_once_and_not_retried(base_url: Callable[[str], None], tmp_path: Path) -> None:
    """The SDK retries aiohttp's connection errors. A miss is our own error and is raised after one try."""
    path = tmp_path / "story.jsonl"
    with upstream.start("story", pace=0) as server:
        base_url(server.url)
        with gemini_replay.record(path):
            tell()
    with pytest.raises(MissError) as missed, gemini_replay.replay(path) as session:
        tell("another prompt", options={"retry_options": {"attempts": 3, "initial_delay": 0.01}})
    assert len(session.misses) == 1
    assert "another prompt" in str(missed.value)


def test_an_error_that_the_sdk_retries_is_recorded_attempt_by_attempt(
    base_url: Callable[[str], None], tmp_path: Path
) -> None:
    """Each try is an interaction, and the replay has as many tries."""
    path = tmp_path / "retried.jsonl"
    options = {"retry_options": {"attempts": 3, "initial_delay": 0.01, "max_delay": 0.02}}
    with upstream.start("503", pace=0) as server:
        base_url(server.url)
        with gemini_replay.record(path), pytest.raises(genai.errors.ServerError):
            tell(options=options)
        assert len(server.app.requests) == 3
    assert len(Cassette.load(path).interactions) == 3
    with gemini_replay.replay(path, speed="instant") as session, pytest.raises(genai.errors.ServerError):
        tell(options=options)
    assert len(session.played) == 3


def test_the_sdks_timeout_is_recorded_and_replayed(base_url: Callable[[str], None], tmp_path: Path) -> None:
    """Over aiohttp, the timeout (in milliseconds) limits the whole request. It is raised again on replay."""
    path = tmp_path / "slow.jsonl"
    with upstream.start(Scenario.from_chunks(events(2), gaps=[0.0, 30.0])) as server:
        base_url(server.url)
        with gemini_replay.record(path), pytest.raises(TimeoutError):
            tell(options={"timeout": 300})
    assert Cassette.load(path).interactions[0].end.kind == "timeout"
    with gemini_replay.replay(path), pytest.raises(TimeoutError):
        tell(options={"timeout": 300})


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # aiohttp's warning about responses that the SDK did not close
def test_breaking_out_of_a_stream_is_recorded_as_such(base_url: Callable[[str], None], tmp_path: Path) -> None:
    """The SDK leaves the response to the garbage collector; the session's end closes the recording at the latest."""
    path = tmp_path / "broken_off.jsonl"
    with upstream.start("story") as server:
        base_url(server.url)
        with gemini_replay.record(path):
            live = tell(stop_after=2)
    recorded = Cassette.load(path).interactions[0]
    assert recorded.end.kind == "cancelled"
    assert len(recorded.chunks) >= 2
    with gemini_replay.replay(path):
        assert texts(tell(stop_after=2)) == texts(live)
    gc.collect()
