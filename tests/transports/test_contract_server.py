"""The replay server gives every client the same as a replay in the process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import recorded, streaming
from support.clients import Client, Seen
from support.contract import GAP, assert_in_rhythm, scripted
from support.streams import PATH, events

import gemini_replay
from gemini_replay.server import upstream


@pytest.fixture
def served(path: Path) -> Callable[[], Any]:
    """The cassette, served by the replay server on a real socket."""
    from gemini_replay.server.serving import serving

    return lambda: serving(gemini_replay.Session.replaying(path, hosts=None))


def test_the_server_gives_the_same_chunks_at_the_same_times(
    client: Client, path: Path, served: Callable[[], Any]
) -> None:
    """A replay over a socket equals one in the process, for every client."""
    chunks = events(8)
    recorded(path, streaming(*chunks, gap=GAP))

    def fetch() -> Seen:
        with served() as url:
            seen = client.fetch(url + PATH)
        assert seen.chunks == chunks
        return seen

    assert_in_rhythm(fetch)


@pytest.mark.parametrize("ending", ["reset", "closed"])
def test_the_server_breaks_connections_as_recorded(
    client: Client, path: Path, served: Callable[[], Any], ending: str
) -> None:
    """A recorded reset is a TCP reset, and a body closed early is closed early."""
    chunks = events(5)[:3]
    with upstream.start(scripted(chunks, gap=0.01, end=ending, end_after=0.02)) as server, gemini_replay.record(path):
        client.fetch(server.url + PATH)
    with served() as url:
        seen = client.fetch(url + PATH)
    assert type(seen.error) is client.errors[ending]
    assert seen.chunks == chunks
