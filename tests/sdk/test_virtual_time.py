"""google-genai in virtual time: its streams, its retries and its time limits, over each of its HTTP libraries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import recorded
from support.clients import ASK
from support.rhythms import FIRST, MINUTE, STALL, hardly_any_time, rhythm

import gemini_replay
from gemini_replay.cassette.model import Chunk, Response

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")

# The SDK derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

PROMPT = ASK["contents"][0]["parts"][0]["text"]  # type: ignore[index]
UNAVAILABLE = b'{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}'


def tell_sync(**options: Any) -> tuple[list[float], BaseException | None]:
    """Ask, and note the moment of each event; the first is when it was asked."""
    moments: list[float] = []
    with genai.Client(http_options=options or None) as client:
        moments.append(time.monotonic())
        try:
            for _ in client.models.generate_content_stream(model="gemini-2.5-flash", contents=PROMPT):
                moments.append(time.monotonic())
        except Exception as error:
            return [*moments, time.monotonic()], error
    return moments, None


def tell_async(**options: Any) -> tuple[list[float], BaseException | None]:
    """The same by the loop's clock."""

    async def tell() -> tuple[list[float], BaseException | None]:
        now = asyncio.get_running_loop().time
        moments: list[float] = []
        async with genai.Client(http_options=options or None).aio as client:
            moments.append(now())
            try:
                stream = await client.models.generate_content_stream(model="gemini-2.5-flash", contents=PROMPT)
                async for _ in stream:
                    moments.append(now())
            except Exception as error:
                return [*moments, now()], error
        return moments, None

    return asyncio.run(tell())


@pytest.fixture(params=["sync", "httpx2", "aiohttp"])
def tell(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The SDK as it is used, and the library that it is led to for async calls."""
    from google.genai import _api_client

    monkeypatch.setenv("GEMINI_API_KEY", "AIzaSyD-0123456789abcdefghijklmnopqrstuv")
    for name in ("GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_HTTP_CLIENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_api_client, "has_aiohttp", request.param == "aiohttp")
    return tell_sync if request.param == "sync" else tell_async


def asked(tmp_path: Path, *gaps: list[float]) -> Path:
    """A cassette whose recordings answer what the SDK asks."""
    return recorded(tmp_path / "told.jsonl", *[rhythm(row) for row in gaps])


def replaying(path: Path) -> Any:
    """Virtual time, whatever else the SDK's body says."""
    return gemini_replay.replay(path, speed="virtual", match=("model", "action"))


def test_a_minute_is_told_in_no_time(tell: Callable[..., Any], tmp_path: Path) -> None:
    """Time to first token and the gaps between tokens are the recorded ones, to the millisecond."""
    with hardly_any_time(3), replaying(asked(tmp_path, MINUTE)):
        moments, error = tell()
    assert error is None
    assert moments[1] - moments[0] == pytest.approx(FIRST + MINUTE[0], abs=0.001)
    assert [b - a for a, b in pairwise(moments[1:])] == pytest.approx(MINUTE[1:], abs=0.001)


def test_retries_wait_in_virtual_time(tell: Callable[..., Any], tmp_path: Path) -> None:
    """Two refusals, with seconds between the attempts, and then the answer."""
    refused = replace(
        rhythm([]),
        response=Response(503, (("content-type", "application/json"),), 0.1),
        chunks=(Chunk(0.0, UNAVAILABLE),),
    )
    path = recorded(tmp_path / "told.jsonl", refused, refused, rhythm([0.1, 0.1]))
    retry = {"attempts": 3, "initial_delay": 4.0, "exp_base": 2.0, "jitter": 0.0, "http_status_codes": [503]}
    with hardly_any_time(3), replaying(path) as session:
        moments, error = tell(retry_options=retry)
    assert error is None
    assert len(session.played) == 3
    assert moments[1] - moments[0] == pytest.approx(0.1 + 4 + 0.1 + 8 + FIRST + 0.1, abs=0.005)


def test_its_timeout_fires_in_a_stall(tell: Callable[..., Any], tmp_path: Path) -> None:
    """After so many seconds of silence, or in all, as the library under it counts."""
    with hardly_any_time(3), replaying(asked(tmp_path, STALL)):
        moments, error = tell(timeout=5000)
    assert error is not None
    assert "timeout" in type(error).__name__.lower()
    assert len(moments) == 4
    silence, in_all = moments[-1] - moments[-2], moments[-1] - moments[0]
    assert silence == pytest.approx(5, abs=0.01) or in_all == pytest.approx(5, abs=1)
