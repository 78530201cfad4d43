"""If a test replaces clocks and sleeps, recordings still play at their real moments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from support.cassettes import recorded
from support.clients import ASK, CLIENTS, Client
from support.every_client import EVERY_CLIENT
from support.rhythms import hardly_any_time, rhythm
from support.strange_clocks import STRANGE, takes
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Cassette, Session, virtual_time
from gemini_replay.loops import AsyncioClock
from gemini_replay.server import upstream
from gemini_replay.server.serving import serving
from gemini_replay.server.upstream.scenarios import Scenario

FIRST = 0.05
GAPS = [0.05, 0.05, 0.05]
LASTS = 0.2
"""How many seconds a stream with this head and these gaps takes."""


def cassette(path: Path, *gaps: list[float]) -> Path:
    """A cassette with one recording for each sequence of gaps."""
    return recorded(path, *[rhythm(row, first=FIRST) for row in gaps])


@pytest.fixture(params=STRANGE)
def strange(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[Any]]:
    """Each way of replacing clocks."""
    return STRANGE[request.param]


WAYS_TO_WAIT = {"httpx-sync", "httpx-asyncio", "httpx-trio", "aiohttp"}
"""One client for each way in which a playback waits. Every other client waits in one of these ways."""


@pytest.mark.parametrize(
    ("client", "name"),
    [
        pytest.param(client, name, id=f"{client.name}-{name}")
        for client in EVERY_CLIENT
        for name in STRANGE
        if client.name in WAYS_TO_WAIT or name == "freezegun"
    ],
)
def test_a_recording_plays_in_its_rhythm(client: Client, name: str, tmp_path: Path) -> None:
    """The rhythm is real, whatever the replaced clocks say."""
    path = cassette(tmp_path / "c.jsonl", GAPS)
    with gemini_replay.replay(path), takes(LASTS), STRANGE[name]():
        seen = client.fetch(GOOGLE, timeout=None)  # aiohttp's own timeouts use the loop's clock, also live
    assert seen.error is None
    assert len(seen.chunks) == len(GAPS)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_read_timeout_comes_at_its_moment(client: Client, tmp_path: Path) -> None:
    """The timeout counts in real time, as a socket's does."""
    path = cassette(tmp_path / "c.jsonl", [0.05, 5.0])
    with gemini_replay.replay(path), takes(FIRST + 0.05 + 0.5), STRANGE["freezegun"]():
        seen = client.fetch(GOOGLE, timeout=0.5)
    assert type(seen.error) is client.errors["timeout"]


@pytest.mark.parametrize("speed", [1.0, "instant"])
@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
def test_a_replaced_sleep_is_not_called(client: Client, speed: Any, tmp_path: Path) -> None:
    """A test that counts sleeps counts only those of its own code."""
    path = cassette(tmp_path / "c.jsonl", GAPS)
    with ExitStack() as patches:
        patches.enter_context(gemini_replay.replay(path, speed=speed))
        sleeps = [patches.enter_context(mock.patch("time.sleep"))]
        for name in ("asyncio.sleep", "anyio.sleep", "trio.sleep", "trio.sleep_until"):
            sleeps.append(patches.enter_context(mock.patch(name, new=mock.AsyncMock())))
        with takes(LASTS if speed == 1.0 else 0):
            seen = client.fetch(GOOGLE)
    assert seen.error is None
    assert [sleep.mock_calls for sleep in sleeps] == [[]] * len(sleeps)


def test_clocks_that_change_in_mid_stream_do_not_matter(strange: Any, tmp_path: Path) -> None:
    """The clocks are replaced during one wait for a chunk, and put back during another."""
    path = cassette(tmp_path / "c.jsonl", [0.1] * 8)

    async def read() -> int:
        async with httpx.AsyncClient() as client, client.stream("POST", GOOGLE, json=ASK) as response:
            return len([chunk async for chunk in response.aiter_raw()])

    async def main() -> None:
        reading = asyncio.create_task(read())
        await AsyncioClock().sleep(0.22)
        with strange():
            await AsyncioClock().sleep(0.3)
        assert await reading == 8

    with gemini_replay.replay(path), takes(FIRST + 0.8):
        asyncio.run(main())


def test_a_server_in_the_tests_process_keeps_the_rhythm(strange: Any, tmp_path: Path) -> None:
    """The server's loop sees the same clocks as the test."""
    session = Session.replaying(cassette(tmp_path / "c.jsonl", GAPS), hosts=None)
    with serving(session) as url, takes(LASTS), strange():
        seen = CLIENTS[0].fetch(url + PATH)
    session.close()
    assert seen.error is None
    assert seen.body.count(b"data: ") == len(GAPS)


@pytest.mark.parametrize("frozen", ["freezegun", "time-machine"])
@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
def test_a_recording_has_the_real_times(client: Client, frozen: str, tmp_path: Path) -> None:
    """The times of chunks and the date in the header are real."""
    path = tmp_path / "c.jsonl"
    with upstream.start(Scenario.from_chunks(events(4), gaps=[0.1] * 4)) as server:
        with gemini_replay.record(path, upstream=server.url), STRANGE[frozen]():
            assert client.fetch(GOOGLE).error is None
    made = Cassette.load(path)
    response, chunks = made.interactions[0].response, made.interactions[0].chunks
    assert response is not None
    assert 0.35 < response.after + sum(chunk.after for chunk in chunks) < 3
    assert made.recorded is not None
    assert not made.recorded.startswith("2026-01-01")


@pytest.mark.parametrize("frozen", ["freezegun", "freezegun, but for asyncio"])
@pytest.mark.parametrize("outside", [True, False], ids=["freeze, then virtual", "virtual, then freeze"])
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_virtual_time_moves_a_replay_also_where_clocks_are_frozen(
    client: Client, outside: bool, frozen: str, tmp_path: Path
) -> None:
    """A minute of a recording takes hardly any real time."""
    path = cassette(tmp_path / "c.jsonl", [1.0] * 60)
    blocks: list[Callable[[], AbstractContextManager[Any]]] = [STRANGE[frozen], virtual_time]
    with hardly_any_time(), gemini_replay.replay(path), ExitStack() as stack:
        for block in blocks if outside else reversed(blocks):
            stack.enter_context(block())
        seen = client.fetch(GOOGLE)
    assert seen.error is None
    assert len(seen.chunks) == 60
