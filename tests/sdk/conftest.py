"""google-genai's ways to ask, and a story to replay under faults."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import recorded, streaming
from support.streams import events

import gemini_replay
from gemini_replay import Session

STORY = events(4)


@pytest.fixture(params=["httpx2", "httpx2-async", "aiohttp"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A way to ask, and the HTTP library that the SDK then takes."""
    from google.genai import _api_client

    monkeypatch.setenv("GEMINI_API_KEY", "AIzaSyD-0123456789abcdefghijklmnopqrstuv")
    for name in ("GOOGLE_API_KEY", "GOOGLE_GENAI_HTTP_CLIENT", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_api_client, "has_aiohttp", request.param == "aiohttp")
    return str(request.param)


@pytest.fixture
def replaying(tmp_path: Path) -> Callable[..., contextlib.AbstractContextManager[Session]]:
    """Replay the story with these faults, without comparing the SDK's request body."""
    path = recorded(tmp_path / "story.jsonl", streaming(*STORY, gap=0.002))

    def replaying(fault: str = "", **options: Any) -> contextlib.AbstractContextManager[Session]:
        return gemini_replay.replay(path, fault=fault, match=("model", "action"), **options)

    return replaying


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide all credentials, as on a machine without any."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
