"""google-genai's other methods, sync and async, recorded from the embedded upstream and replayed without it."""

from __future__ import annotations

import asyncio
import inspect
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gemini_replay
from gemini_replay.server import upstream

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
pytestmark = [
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Sending a large body directly with raw bytes:ResourceWarning"),
]

MODEL = "gemini-2.5-flash"
DATA = b"The moon is a stone.\n" * 500_000
"""More bytes than one part of an upload."""

Call = Callable[[Any], Any]


async def files(client: Any) -> Any:
    """Upload in parts, use, list, delete."""
    config = {"mime_type": "text/plain", "display_name": "moon"}
    file = await awaited(client.files.upload(file=io.BytesIO(DATA), config=config))
    assert (await awaited(client.files.get(name=file.name))).state.name == "ACTIVE"
    answer = await awaited(client.models.generate_content(model=MODEL, contents=["What is it?", file]))
    listed = [one.name for one in await gathered(client.files.list(config={"page_size": 1}))]
    await awaited(client.files.delete(name=file.name))
    with pytest.raises(genai.errors.ClientError, match="403"):
        await awaited(client.files.get(name=file.name))
    return file.size_bytes, file.uri, listed, answer.text, answer.usage_metadata.prompt_token_count


async def caches(client: Any) -> Any:
    """Create, use, change, list, delete."""
    config = {"contents": "The moon is a stone. " * 100, "system_instruction": "Be brief.", "ttl": "60s"}
    cache = await awaited(client.caches.create(model=MODEL, config=config))
    with_cache = {"cached_content": cache.name}
    answer = await awaited(client.models.generate_content(model=MODEL, contents="What is it?", config=with_cache))
    assert answer.usage_metadata.cached_content_token_count == cache.usage_metadata.total_token_count > 500
    changed = await awaited(client.caches.update(name=cache.name, config={"ttl": "600s"}))
    assert changed.expire_time > cache.expire_time
    assert await awaited(client.caches.get(name=cache.name)) == changed
    listed = [one.name for one in await gathered(client.caches.list())]
    await awaited(client.caches.delete(name=cache.name))
    with pytest.raises(genai.errors.ClientError, match="not found"):
        await awaited(client.models.generate_content(model=MODEL, contents="What is it?", config=with_cache))
    return cache.name, listed, answer.text


async def models(client: Any) -> Any:
    """List in pages, describe, count, embed."""
    listed = [model.name for model in await gathered(client.models.list(config={"page_size": 7}))]
    model = await awaited(client.models.get(model=MODEL))
    counted = await awaited(client.models.count_tokens(model=MODEL, contents="Tell me a story."))
    texts = ["the moon", "a fox"]
    embedded = await awaited(client.models.embed_content(model="gemini-embedding-001", contents=texts))
    assert len(listed) > 30
    with pytest.raises(genai.errors.ClientError, match="models/nonesuch is not found"):
        await awaited(client.models.generate_content(model="nonesuch", contents="hi"))
    return listed, model.display_name, counted.total_tokens, [one.values[:3] for one in embedded.embeddings]


async def interactions(client: Any) -> Any:
    """Create, stream, call functions in several rounds, read, delete."""
    whole = await awaited(client.interactions.create(model=MODEL, input="Tell me a story."))
    streamed = await gathered(client.interactions.create(model=MODEL, input="Tell me a story.", stream=True))
    deltas = [event.delta.text for event in streamed if event.event_type == "step.delta"]
    assert "".join(deltas) == whole.output_text
    assert streamed[-1].interaction.status == "completed"
    rounds = []
    asked = await awaited(client.interactions.create(model="function-rounds", input="The weather?"))
    while asked.status == "requires_action":
        calls = [step for step in asked.steps if step.type == "function_call"]
        rounds.append([call.arguments["city"] for call in calls])
        results = [
            {"type": "function_result", "call_id": call.id, "name": call.name, "result": "18 °C"} for call in calls
        ]
        asked = await awaited(
            client.interactions.create(model="function-rounds", input=results, previous_interaction_id=asked.id)
        )
    assert rounds == [["Zürich"], ["東京", "São Paulo"]]
    assert (await awaited(client.interactions.get(whole.id))).output_text == whole.output_text
    await awaited(client.interactions.delete(whole.id))
    with pytest.raises(Exception, match="was not found"):
        await awaited(client.interactions.get(whole.id))
    return whole.id, whole.usage.total_tokens, deltas, asked.output_text


async def functions(client: Any) -> Any:
    """The SDK itself calls functions, in as many rounds as needed."""
    called = []

    def get_weather(city: str) -> str:
        """The weather in a city."""
        called.append(city)
        return "18 °C"

    answer = await awaited(
        client.models.generate_content(
            model="function-rounds", contents="The weather?", config={"tools": [get_weather]}
        )
    )
    assert called == ["Zürich", "東京", "São Paulo"]
    return answer.text


async def awaited(found: Any) -> Any:
    return await found if inspect.isawaitable(found) else found


async def gathered(found: Any) -> list[Any]:
    found = await awaited(found)
    return [one async for one in found] if hasattr(found, "__aiter__") else list(found)


@pytest.fixture(params=["httpx2", "httpx", "aiohttp"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The library that the SDK uses for async calls. Sync calls use httpx2 instead of aiohttp."""
    from google.genai import _api_client

    monkeypatch.setenv("GEMINI_API_KEY", "AIzaSyD-0123456789abcdefghijklmnopqrstuv")
    for name in ("GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_HTTP_CLIENT"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "aiohttp":
        pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    else:
        monkeypatch.setenv("GOOGLE_GENAI_HTTP_CLIENT", request.param)
    monkeypatch.setattr(_api_client, "has_aiohttp", request.param == "aiohttp")
    return str(request.param)


@pytest.mark.parametrize("call", [files, caches, models, interactions, functions], ids=lambda call: call.__name__)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_methods_are_recorded_and_replayed(call: Call, kind: str, library: str, tmp_path: Path) -> None:
    """Without the upstream, the results are the same. There is one recording for each request."""
    path = tmp_path / "calls.jsonl"

    async def run() -> Any:
        if kind == "sync":
            with genai.Client() as client:
                return await call(client)
        async with genai.Client().aio as client:
            return await call(client)

    with upstream.start(pace=0) as server:
        with gemini_replay.record(path, upstream=server.url) as recorded:
            live = asyncio.run(run())
        assert recorded.recorded_count == len(server.requests) > 1
    with gemini_replay.replay(path, speed="instant") as replayed:
        assert asyncio.run(run()) == live
    assert len(replayed.played) == recorded.recorded_count
