"""The embedded upstream at full speed, and a function that asks it for a scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gemini_replay.server import upstream


@pytest.fixture(scope="module")
def server() -> Iterator[upstream.RunningUpstream]:
    with upstream.start(pace=0) as running:
        yield running


@pytest.fixture
def stream(fetch: Callable[..., Any], server: upstream.RunningUpstream) -> Callable[..., Any]:
    """Ask for a scenario by name; returns the answer as it came over the wire."""

    def stream(name: str, query: str = "?alt=sse", **more: Any) -> Any:
        return fetch(server.url, f"/v1beta/models/{name}:streamGenerateContent{query}", **more)

    return stream
