"""aiohttp: its connection pool, and what is left when a client closes or a loop ends."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.clients import ASK, TIMEOUT
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import End
from gemini_replay.errors import MissError, RecordingEndedError
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")


from support.aiohttp_client import answering, ask, read  # noqa: E402
from support.cassettes import recorded, streaming  # noqa: E402


def test_an_older_connection_carries_none_of_the_sessions_requests(path: Path) -> None:
    """It waits in the pool of a client that was built before the session, and serves again after it."""
    other = {"contents": "another"}

    async def main(server: Any) -> None:
        url = server.url + PATH
        async with aiohttp.ClientSession() as client:
            assert await read(url, client) == b"".join(events(2))
            with gemini_replay.replay(recorded(path, events(3)), hosts=["127.0.0.1"]) as session:
                assert await read(url, client) == b"".join(events(3))
                with pytest.raises(MissError):
                    await read(url, client, json=other)
                assert len(server.app.requests) == 1
                session.misses.clear()
            assert await read(url, client) == b"".join(events(2))
            assert len(server.app.requests) == 2

    with upstream.start(Scenario.from_chunks(events(2))) as server:
        asyncio.run(main(server))


def test_a_played_connection_is_never_used_twice(path: Path, tmp_path: Path) -> None:
    """The next request does not use it, nor one in the next session or after that."""

    async def main() -> None:
        async with aiohttp.ClientSession() as client:
            with gemini_replay.replay(recorded(path, events(2), events(3))):
                assert await read(GOOGLE, client) == b"".join(events(2))
                assert await read(GOOGLE, client) == b"".join(events(3))
            with gemini_replay.replay(recorded(tmp_path / "other.jsonl", events(4))):
                assert await read(GOOGLE, client) == b"".join(events(4))
            with pytest.raises(aiohttp.ClientConnectorError):
                await read("http://127.0.0.1:9" + PATH, client)

    asyncio.run(main())


def test_recording_leaves_the_clients_connection_in_its_pool(path: Path) -> None:
    """Two recorded requests and one after the session go over one connection."""
    reused = []
    tracing = aiohttp.TraceConfig()

    async def note(*_: Any) -> None:
        reused.append(1)

    tracing.on_connection_reuseconn.append(note)

    async def main(server: Any) -> None:
        async with aiohttp.ClientSession(trace_configs=[tracing]) as client:
            with gemini_replay.record(path):
                assert await read(server.url + PATH, client) == b"".join(events(2))
                assert await read(server.url + PATH, client) == b"".join(events(2))
            assert await read(server.url + PATH, client) == b"".join(events(2))

    with upstream.start(Scenario.from_chunks(events(2))) as server:
        asyncio.run(main(server))
    assert reused == [1, 1]
    assert [[c.data for c in i.chunks] for i in Cassette.load(path).interactions] == [events(2)] * 2


def test_the_connectors_limit_holds_for_played_connections(path: Path) -> None:
    """With a limit of one, the second answer begins when the first has ended, and keeps its own rhythm."""
    recorded(path, *[streaming(*events(5), gap=0.02)] * 2)

    async def main() -> list[tuple[float, float]]:
        loop = asyncio.get_running_loop()

        async def timed(client: Any) -> tuple[float, float]:
            async with ask(client) as response:
                headed = loop.time()
                await response.read()
                return headed, loop.time()

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as client:
            return sorted(await asyncio.gather(timed(client), timed(client)))

    with gemini_replay.replay(path, speed="virtual"):
        first, second = asyncio.run(main())
    assert first[1] <= second[0]
    assert second[1] - first[1] == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"connector": {"force_close": True}}, id="force-close"),
        pytest.param({"request": {"proxy": "http://127.0.0.1:9"}}, id="proxy"),
        pytest.param({"request": {"ssl": False}}, id="unverified"),
        pytest.param({"connector": {"limit_per_host": 1}}, id="limit-per-host"),
        pytest.param({"request": {"timeout": 3}}, id="bare-timeout"),
    ],
)
def test_settings_of_connections_do_not_matter_to_a_replay(options: dict[str, Any], path: Path) -> None:
    """A replay uses neither a proxy nor TLS."""

    async def main() -> bytes:
        connector = aiohttp.TCPConnector(**options.get("connector", {}))
        async with aiohttp.ClientSession(connector=connector) as client:
            return await read(GOOGLE, client, **options.get("request", {}))

    with gemini_replay.replay(recorded(path, events(2))):
        assert asyncio.run(main()) == b"".join(events(2))


def test_recording_through_a_proxy_records_the_clients_url(path: Path) -> None:
    """The URL is the client's own, not the proxy's."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    asked = GOOGLE.replace("https:", "http:")
    with answering(answer) as proxy, gemini_replay.record(path):
        assert asyncio.run(read(asked, proxy=proxy.removesuffix(PATH))) == b"hello"
    assert Cassette.load(path).interactions[0].request.url == asked


def test_every_attempt_of_a_middleware_is_a_request_of_its_own(path: Path) -> None:
    """Each is sent to the upstream and recorded with the client's URL; they are replayed in order."""
    if not hasattr(aiohttp, "ClientMiddlewareType"):
        pytest.skip("aiohttp has middlewares since 3.12")

    async def twice(request: Any, handler: Any) -> Any:
        first = await handler(request)
        first.release()
        return await handler(request)

    async def main() -> bytes:
        async with aiohttp.ClientSession(middlewares=(twice,)) as client:
            return await read(GOOGLE, client)

    with upstream.start(Scenario.from_chunks(events(2))) as server:
        with gemini_replay.record(path, upstream=server.url):
            assert asyncio.run(main()) == b"".join(events(2))
        assert len(server.app.requests) == 2
    assert [i.request.url for i in Cassette.load(path).interactions] == [GOOGLE] * 2
    with gemini_replay.replay(path) as session, contextlib.suppress(RecordingEndedError):
        asyncio.run(main())
    assert len(session.played) == 2


@pytest.mark.parametrize("leave", ["break", "cancel", "close"])
def test_a_client_that_stops_early_leaves_nothing_behind(leave: str, path: Path) -> None:
    """The recording is "cancelled". However the client stops, no task is left, live or on replay."""
    chunks = events(4)

    async def two(client: Any, url: str) -> None:
        async with ask(client, url) as response:
            seen = b""
            async for data in response.content.iter_any():
                seen += data
                if seen == b"".join(chunks[:2]) and leave != "cancel":
                    break
            if leave == "close":
                response.close()

    async def main(url: str, limit: float) -> set[Any]:
        async with aiohttp.ClientSession() as client:
            if leave == "cancel":
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(two(client, url), limit)
            else:
                await two(client, url)
        await asyncio.sleep(0.01)
        return asyncio.all_tasks() - {asyncio.current_task()}

    with upstream.start(Scenario.from_chunks(chunks, gaps=[0, 0.01, 20, 20])) as server, gemini_replay.record(path):
        assert asyncio.run(main(server.url + PATH, TIMEOUT)) == set()
    end = Cassette.load(path).interactions[0]
    assert end.end.kind == "cancelled"
    assert [chunk.data for chunk in end.chunks] == chunks[:2]
    with gemini_replay.replay(path):
        assert asyncio.run(main(GOOGLE, 0.1)) == set()


def test_a_loop_that_ends_in_mid_stream_ends_quietly(path: Path) -> None:
    """No pending task is destroyed and no callback fails. Only aiohttp's own messages are printed."""
    recorded(path, streaming(*events(3), end=End(after=60.0)))
    code = f"""
import asyncio, aiohttp, gemini_replay
async def begin():
    client = aiohttp.ClientSession()
    response = await client.post({GOOGLE!r}, json={ASK!r})
    print(len(await response.content.readany()))
    return client, response
with gemini_replay.replay({str(path)!r}):
    loop = asyncio.new_event_loop()
    kept = loop.run_until_complete(begin())
    loop.close()
    del kept
"""
    out = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True)
    assert out.stdout.split() == [str(len(events(3)[0]))]
    said = [line for line in out.stderr.splitlines() if "Unclosed c" not in line and "_warn" not in line]
    assert not [line for line in said if "Traceback" in line or "Task" in line or "gemini_replay" in line], out.stderr
