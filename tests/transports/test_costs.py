"""What a replay costs: calls and objects of this package's, which are the same on every machine.

The bounds leave a little room. A change that exceeds one makes every user's tests slower.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from support.clients import ASK, KEY, Client
from support.every_client import EVERY_CLIENT
from support.streams import GOOGLE

import gemini_replay
from gemini_replay import Cassette, Interaction, Session, interception
from gemini_replay.cassette.model import Chunk, Request, Response
from gemini_replay.cassette.redaction.finder import Finder

PACKAGE = str(Path(gemini_replay.__file__).parent)
FEW, MANY = 20, 120
FEW_CALLS = {"httpx": (0, 76), "httpx-asyncio": (1.2, 88), "httpx-trio": (3, 94), "aiohttp": (3, 97)}
"""Bounds: calls for each chunk, and further calls for each request. httpx2 and httpcore cost no more than httpx."""
FEW_CALLS_OF_A_SOCKET = (1, 127)
LEFT = {"httpx-sync": 1, "httpx-asyncio": 3, "httpx-trio": 3}
"""Objects of this package for each request that only the garbage collector frees, with httpx's own response."""


def recorded(path: Path, count: int) -> Path:
    """One answer with this many chunks."""
    response = Response(200, (("content-type", "text/event-stream"),), 0.4)
    chunks = tuple(Chunk(0.05, b"data: %d\r\n\r\n" % number) for number in range(count))
    Cassette([Interaction(Request("POST", GOOGLE, body=json.dumps(ASK).encode()), response, chunks)]).save(path)
    return path


def calls(client: Client, path: Path, count: int) -> int:
    """Count the calls of this package's functions while a client reads an answer for the second time."""
    called = 0

    def note(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal called
        called += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)

    session = Session.replaying(recorded(path, count), repeat=True, speed="instant")
    with interception.intercepted(session):
        client.fetch(GOOGLE)  # the first request decodes the recording
        sys.setprofile(note)
        try:
            seen = client.fetch(GOOGLE)
        finally:
            sys.setprofile(None)
    assert len(seen.chunks) == count
    return called


@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
def test_calls_of_an_instant_replay_are_few(client: Client, tmp_path: Path) -> None:
    """There is a bound for each chunk, and one for each request besides its chunks."""
    few, many = (calls(client, tmp_path / "story.jsonl", count) for count in (FEW, MANY))
    per_chunk = (many - few) / (MANY - FEW)
    name = client.name.removesuffix("-sync").replace("httpx2", "httpx").replace("httpcore", "httpx")
    most_per_chunk, most = FEW_CALLS.get(name, FEW_CALLS_OF_A_SOCKET)
    assert per_chunk <= most_per_chunk
    assert few - FEW * per_chunk <= most


@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
def test_a_replay_leaves_nothing_to_the_garbage_collector(client: Client, tmp_path: Path) -> None:
    """Its pauses make the chunks of other streams late."""
    with interception.intercepted(Session.replaying(recorded(tmp_path / "story.jsonl", FEW), repeat=True)):
        client.fetch(GOOGLE)
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            client.fetch(GOOGLE)
            gc.collect()
            left = [kind for kind in map(type, gc.garbage) if str(kind.__module__).startswith("gemini_replay.")]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert len(left) <= LEFT.get(client.name, 0), left


def test_a_loop_is_as_fast_after_a_replay_as_before(tmp_path: Path) -> None:
    """CPython finds a loop's attributes quickly until something makes the dictionary of them."""
    import aiohttp
    import httpx

    async def has_a_dictionary() -> bool:
        async with httpx.AsyncClient() as client, aiohttp.ClientSession() as session:
            assert (await client.post(GOOGLE, json=ASK)).status_code == 200
            async with session.post(GOOGLE, json=ASK) as response:
                assert response.status == 200
        held = gc.get_referents(asyncio.get_running_loop())
        return any(isinstance(one, dict) and "_ready" in one for one in held)

    with gemini_replay.replay(recorded(tmp_path / "story.jsonl", FEW), repeat=True, speed=100):
        assert not asyncio.run(has_a_dictionary())


def test_a_request_is_not_searched_if_its_secrets_are_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is in a header, which is neither compared nor stored."""
    import httpx

    searches: list[bytes] = []
    search = Finder.search
    with gemini_replay.replay(recorded(tmp_path / "story.jsonl", 1), speed="instant"):
        monkeypatch.setattr(
            Finder, "search", lambda finder, window, **rest: searches.append(window) or search(finder, window, **rest)
        )
        assert httpx.post(GOOGLE, json=ASK, headers={"x-goog-api-key": KEY}).status_code == 200
    assert searches == []
