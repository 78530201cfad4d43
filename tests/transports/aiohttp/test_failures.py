"""aiohttp: its own exceptions and time limits, live and on replay."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.clients import KEY
from support.raw_server import full_backlog
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import End
from gemini_replay.errors import MissError, RecordingEndedError, RecordingError
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")


from support.aiohttp_client import answering, ask, failure, read  # noqa: E402
from support.cassettes import recorded, streaming  # noqa: E402

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
BREAKS = {
    "reset-before-the-head": (b"", "reset"),
    "closed-before-the-head": (b"", "closed"),
    "closed-inside-a-length": (HEAD + b"Content-Length: 100\r\n\r\ndata: {", "closed"),
    "closed-inside-a-chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\ndata: {", "closed"),
    "closed-between-chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n7\r\ndata: {\r\n", "closed"),
    "reset-between-chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n7\r\ndata: {\r\n", "reset"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_connection_raises_the_same_error_again(name: str, path: Path) -> None:
    """The error has the same type. The recording says whether the peer closed or reset the connection."""
    answer, end = BREAKS[name]
    with answering(answer, end=end) as url:
        bare = asyncio.run(failure(url))
    with answering(answer, end=end) as url, gemini_replay.record(path):
        live = asyncio.run(failure(url))
    assert Cassette.load(path).interactions[0].end.how == ("closed" if end == "closed" else None)
    with gemini_replay.replay(path):
        again = asyncio.run(failure())
    assert isinstance(bare, aiohttp.ClientError)
    assert type(bare) is type(live) is type(again)


def test_a_malformed_answer_is_recorded_as_a_break(path: Path) -> None:
    """The client stops because the answer is not HTTP, so the recording does not say "cancelled"."""
    with answering(b"NOT HTTP AT ALL\r\n\r\n") as url, gemini_replay.record(path):
        assert isinstance(asyncio.run(failure(url)), aiohttp.ClientResponseError)
    assert Cassette.load(path).interactions[0].end.kind == "reset"


@pytest.mark.parametrize("after_head", [False, True], ids=["head", "body"])
def test_time_limits_are_kept_by_aiohttps_own_timers(after_head: bool, path: Path) -> None:
    """The read timeout and the limit for the whole request hold before the head and inside the body."""
    stalled = streaming(*events(2), end=End(after=30.0)) if after_head else streaming(*events(2), after=30.0)
    recorded(path, stalled, stalled)
    with gemini_replay.replay(path):
        per_read = asyncio.run(failure(timeout=aiohttp.ClientTimeout(sock_read=0.15)))
        total = asyncio.run(failure(timeout=aiohttp.ClientTimeout(total=0.15)))
    assert isinstance(per_read, aiohttp.ServerTimeoutError)
    assert type(total) is TimeoutError


LIMITS = [{"total": 5}, {"total": 5, "connect": 8}, {"total": 5, "sock_connect": 8}, {"total": 2, "sock_read": 2}]
OTHERS_FIRST = [{"total": 300}, {"total": 5, "connect": 3}, {"total": 5, "sock_connect": 3, "sock_read": 3}]


@pytest.mark.parametrize("fault", ["timeout:connect", "stall@head:1h", "stall@event:1:1h", "stall@end:1h"])
@pytest.mark.parametrize("limits", [*LIMITS, *OTHERS_FIRST], ids=str)
def test_the_same_limit_ends_a_request_at_instant_speed_and_in_virtual_time(
    limits: dict[str, float], fault: str, path: Path
) -> None:
    """The limit that comes first ends it, even if it is the one for the whole request."""
    Cassette.from_text("Once upon a time.").save(path)
    errors = []
    for speed in ("instant", "virtual"):
        with gemini_replay.replay(path, fault=fault, speed=speed, match=("model", "action")):
            errors.append(asyncio.run(failure(timeout=aiohttp.ClientTimeout(**limits))))
    assert [type(error) for error in errors] == [type(errors[0])] * 2
    assert [str(error) for error in errors] == [str(errors[0])] * 2
    if limits in LIMITS:
        assert type(errors[0]) is TimeoutError


@pytest.mark.parametrize("head_after", [0.0, 5.0], ids=["body", "head"])
def test_a_limit_for_the_whole_request_is_recorded_as_a_timeout(head_after: float, path: Path) -> None:
    """It is not recorded as "cancelled", and the replay is a timeout again."""
    scenario = Scenario.from_chunks(events(2), gaps=[0.0, 5.0], head_after=head_after)
    with upstream.start(scenario) as server, gemini_replay.record(path):
        live = asyncio.run(failure(server.url + PATH, timeout=aiohttp.ClientTimeout(total=0.2)))
    assert type(live) is TimeoutError
    assert Cassette.load(path).interactions[0].end.kind == "timeout"
    with gemini_replay.replay(path):
        assert isinstance(asyncio.run(failure()), TimeoutError)


@pytest.mark.parametrize("speed", ["instant", "virtual", 1.0])
@pytest.mark.parametrize(
    ("limits", "silence", "expected"),
    [
        ({"total": 0.2}, 0.2, TimeoutError),
        ({"total": 0.2, "sock_read": 5}, 0.19, TimeoutError),
        ({"total": 0.2, "sock_read": 0.15}, 0.05, TimeoutError),
        ({"total": 1, "sock_read": 0.05}, 0.05, aiohttp.SocketTimeoutError),
        ({"total": 300, "sock_read": 5}, 0.05, aiohttp.SocketTimeoutError),
        ({"sock_read": 0.05}, 0.05, aiohttp.SocketTimeoutError),
    ],
    ids=str,
)
def test_a_recorded_timeout_is_that_of_the_limit_which_has_ended_the_request(
    limits: dict[str, float], silence: float, expected: type[Exception], speed: Any, path: Path
) -> None:
    """A limit for the whole request raises another exception than a read timeout, at any speed."""
    before = (0.2 - silence) / 3  # the head, and each of two events
    recorded(path, streaming(*events(2), after=before, gap=before, end=End("timeout", silence)))
    with gemini_replay.replay(path, speed=speed):
        assert type(asyncio.run(failure(timeout=aiohttp.ClientTimeout(**limits)))) is expected


def test_a_request_that_is_cancelled_without_a_connection_ends_when_it_was_cancelled(path: Path) -> None:
    """Its times do not count from the start of the machine. No byte of it was sent."""

    async def cancelled(url: str) -> None:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1), headers={"x-goog-api-key": KEY}
        ) as client:
            first = asyncio.ensure_future(client.post(url, json={"number": 1}))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.post(url, json={"number": 2}), 0.1)
            first.cancel()
            await asyncio.wait([first])

    scenario = Scenario.from_chunks(events(2), gaps=[0.0, 5.0], head_after=5.0)
    with upstream.start(scenario) as server, gemini_replay.record(path):
        asyncio.run(cancelled(server.url + PATH))
    ends = [one.end for one in Cassette.load(path).interactions]
    assert [end.kind for end in ends] == ["cancelled", "cancelled"]
    assert max(end.after for end in ends) < 60


def test_a_limit_for_the_whole_request_that_ends_it_without_a_connection_fails_the_recording(path: Path) -> None:
    """As any other time limit does. It is not the client that has given up."""
    with full_backlog() as url, pytest.raises(RecordingError, match=rf"no connection to {url} \(TimeoutError\)"):
        with gemini_replay.record(path):
            live = asyncio.run(failure(url + PATH, timeout=aiohttp.ClientTimeout(total=0.2)))
    assert type(live) is TimeoutError
    assert not path.exists()


def test_a_cancelled_recording_first_gives_all_its_chunks(path: Path) -> None:
    """A slow client reads every chunk. The error comes when it asks for more."""
    cut = streaming(*events(3), end=End("cancelled"))

    async def main() -> list[bytes]:
        found: list[bytes] = []
        async with aiohttp.ClientSession() as client, ask(client) as response:
            with pytest.raises(RecordingEndedError, match="no more bytes"):
                async for data, _ in response.content.iter_chunks():
                    found.append(data)
                    await asyncio.sleep(0.03)
        return found

    with gemini_replay.replay(recorded(path, cut)):
        assert asyncio.run(main()) == events(3)


def test_a_miss_is_raised_unchanged_after_one_attempt(path: Path) -> None:
    """It is not a client error, which SDKs would retry. No connection is made, and the client can be used again."""
    created = []
    tracing = aiohttp.TraceConfig()

    async def note(*_: Any) -> None:
        created.append(1)

    tracing.on_connection_create_start.append(note)

    async def main() -> None:
        async with aiohttp.ClientSession(trace_configs=[tracing]) as client:
            with pytest.raises(MissError) as missed:
                await read(GOOGLE, client, json={"contents": "another"})
            assert not isinstance(missed.value, aiohttp.ClientError | OSError)
            assert created == []
            assert await read(GOOGLE, client) == b"".join(events(2))
            assert created == [1]

    with pytest.raises(MissError), gemini_replay.replay(recorded(path, events(2))) as session:
        asyncio.run(main())
    assert len(session.misses) == 1


def test_a_websocket_to_gemini_is_a_miss_too(path: Path) -> None:
    """Otherwise it would bypass the cassette and reach the network."""

    async def main() -> None:
        async with aiohttp.ClientSession() as client:
            await client.ws_connect("wss://generativelanguage.googleapis.com/ws/live")

    with pytest.raises(MissError), gemini_replay.replay(recorded(path, events(1))):
        asyncio.run(main())
