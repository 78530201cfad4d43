"""A client that reads slowly sees the same in a replay as on a real socket."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from support.cassettes import recorded, streaming
from support.clients import TIMEOUT, Client, Seen
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Session
from gemini_replay.cassette.model import Chunk, End, Interaction
from gemini_replay.server import running, serving

CHUNKS = events(6)


@pytest.fixture
def both(client: Client, tmp_path: Path) -> Callable[..., tuple[Seen, Seen]]:
    """A function with which the client reads a recording twice: in the process and from the replay server."""

    def both(answer: Interaction, **options: Any) -> tuple[Seen, Seen]:
        path = recorded(tmp_path / "story.jsonl", answer)
        with gemini_replay.replay(path):
            here = client.fetch(GOOGLE, **options)
        with serving.serving(Session.replaying(path, hosts=None)) as url:
            there = client.fetch(url + PATH, **options, **unencrypted(client))
        return here, there

    return both


def unencrypted(client: Client) -> dict[str, Any]:
    """Options for plain HTTP, since loading certificate authorities takes long."""
    return {"verify": False} if client.library in (httpx, httpx2) else {}


def pauses(*seconds: float, end: End | None = None) -> Interaction:
    """A recording with these waits before its chunks."""
    made = streaming(end=end)
    return Interaction(made.request, made.response, tuple(map(Chunk, seconds, CHUNKS)), made.end)


def test_due_chunks_come_at_once(client: Client, tmp_path: Path) -> None:
    """Gaps that pass while the client works are not waited for again."""
    path = recorded(tmp_path / "story.jsonl", streaming(*CHUNKS, gap=0.1))
    with gemini_replay.replay(path, speed="virtual"):
        seen = client.fetch(GOOGLE, consume=0.12)
    assert (seen.error, seen.chunks) == (None, CHUNKS)
    assert [later - sooner for sooner, later in pairwise(seen.times)] == pytest.approx([0.12] * 5, abs=0.001)


def test_a_server_sends_due_chunks_to_a_busy_client(client: Client, tmp_path: Path) -> None:
    """It has sent the last chunk long before the client asks for it."""
    path = recorded(tmp_path / "story.jsonl", streaming(*CHUNKS, gap=0.02))
    sent: list[float] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def noted(message: Any) -> None:
            await send(message)
            if message.get("body"):
                sent.append(time.perf_counter())

        await app(scope, receive, noted)

    app = serving.app(Session.replaying(path, hosts=None))
    with running.Running(noting) as server:
        seen = client.fetch(server.url + PATH, consume=0.12, **unencrypted(client))
    assert (seen.error, seen.chunks) == (None, CHUNKS)
    assert sent[-1] < seen.times[-2]


def test_a_read_timeout_counts_from_when_the_client_asks(
    client: Client, both: Callable[..., tuple[Seen, Seen]]
) -> None:
    """Only the rest of a gap counts then. aiohttp counts from the last bytes instead, so it times out."""
    for seen in both(pauses(0.0, 1.0), timeout=TIMEOUT, consume=0.7):
        if client.name == "aiohttp":
            assert type(seen.error) is client.errors["timeout"]
            assert seen.chunks == CHUNKS[:1]
        else:
            assert (seen.error, seen.chunks) == (None, CHUNKS[:2])


def test_a_gap_beyond_the_timeout_ends_the_response_of_a_slow_client(
    client: Client, both: Callable[..., tuple[Seen, Seen]]
) -> None:
    """The error comes after the chunks that are due."""
    for seen in both(pauses(0.0, 0.0, 30.0), timeout=TIMEOUT, consume=0.1):
        assert type(seen.error) is client.errors["timeout"]
        assert seen.chunks == CHUNKS[:2]
        assert seen.ended - seen.began < 10


@pytest.mark.parametrize("how", [None, "closed"], ids=["reset", "closed"])
def test_a_busy_client_sees_a_break_after_the_bytes_before_it(
    client: Client, both: Callable[..., tuple[Seen, Seen]], how: Any
) -> None:
    """The exception is aiohttp, which drops unread bytes when the connection breaks."""
    here, there = both(pauses(0.01, 0.01, 0.01, end=End("reset", 0.05, how)), consume=0.15)
    assert type(here.error) is type(there.error) is client.errors["closed" if how else "reset"]
    assert here.chunks == there.chunks
    if client.name != "aiohttp":
        assert here.chunks == CHUNKS[:3]
