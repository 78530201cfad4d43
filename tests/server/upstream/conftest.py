"""The embedded upstream at full speed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gemini_replay.server import upstream


@pytest.fixture
def server() -> Iterator[upstream.RunningUpstream]:
    with upstream.start(pace=0) as running:
        yield running
