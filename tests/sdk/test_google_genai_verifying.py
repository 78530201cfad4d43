"""google-genai in mode "verify": the call works as ever, and drift is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from support.schemas import BILLING, changed, with_billing

import gemini_replay
from gemini_replay.errors import DriftError
from gemini_replay.server import upstream

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")

# The SDK derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

SETTINGS = {"model": "gemini-2.5-flash", "contents": "a story"}


def tell_sync() -> str:
    with genai.Client() as client:
        return "".join(chunk.text for chunk in client.models.generate_content_stream(**SETTINGS))


def tell_async() -> str:
    async def tell() -> str:
        async with genai.Client().aio as client:
            stream = await client.models.generate_content_stream(**SETTINGS)
            return "".join([chunk.text async for chunk in stream])

    return asyncio.run(tell())


@pytest.fixture
def tell(way: str) -> Callable[[], str]:
    """A way to ask for a story."""
    return tell_sync if way == "httpx2" else tell_async


def test_drift_is_told_and_nothing_else(
    tell: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK leaves out a field that it does not know; the report has it."""
    path = tmp_path / "story.jsonl"
    with upstream.start("story", pace=0) as server, gemini_replay.record(path, upstream=server.url):
        told = tell()
    with upstream.start("story", pace=0, seed=3) as server:
        with gemini_replay.record(path, mode="verify", upstream=server.url) as session:
            assert tell() == told
        assert session.recorded_count == 1
    with upstream.start(changed("story", with_billing), pace=0) as server:
        with pytest.raises(DriftError) as caught, gemini_replay.record(path, mode="verify", upstream=server.url):
            assert tell() == told
    assert caught.value.differences == BILLING
