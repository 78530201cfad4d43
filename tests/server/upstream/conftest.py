"""The embedded upstream at full speed."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from gemini_replay.server import upstream


@pytest.fixture
def server() -> Iterator[upstream.RunningUpstream]:
    with upstream.start(pace=0) as running:
        yield running


@pytest.fixture
def api(server: upstream.RunningUpstream) -> Iterator[httpx.Client]:
    """A client with a key."""
    with httpx.Client(base_url=server.url, headers={"x-goog-api-key": "a-key"}) as client:
        yield client
