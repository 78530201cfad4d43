"""aiohttp: what is its own beyond the contract, its ways of reading, its pool, its timers, and the hooks used."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import json
import socket
import statistics
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.clients import ASK, KEY
from support.streams import GOOGLE, PATH, events, gaps_of

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import MissError, RecordingEndedError, UsageError
from gemini_replay.server import upstream
from gemini_replay.server.scenarios import Scenario

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from aiohttp.client_proto import ResponseHandler  # noqa: E402
from aiohttp.helpers import TimerContext  # noqa: E402
from aiohttp.http_parser import DeflateBuffer  # noqa: E402
from aiohttp.streams import StreamReader  # noqa: E402

HEADERS = {"x-goog-api-key": KEY}
SSE = (("content-type", "text/event-stream"),)
VERSION = f"aiohttp {aiohttp.__version__}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.jsonl"


def recorded(path: Path, *answers: Interaction | list[bytes], gap: float = 0.001) -> Path:
    """A cassette whose recordings all answer `ASK`."""
    request = Request("POST", GOOGLE, (("content-type", "application/json"),), json.dumps(ASK).encode())
    interactions = [
        answer
        if isinstance(answer, Interaction)
        else Interaction(request, Response(200, SSE), tuple(Chunk(gap, data) for data in answer))
        for answer in answers
    ]
    Cassette(interactions=interactions).save(path)
    return path


def streaming(*chunks: bytes, end: End | None = None, after: float = 0.0, headers: Any = SSE) -> Interaction:
    request = Request("POST", GOOGLE, (("content-type", "application/json"),), json.dumps(ASK).encode())
    timed = tuple(Chunk(0.001, data) for data in chunks)
    return Interaction(request, Response(200, headers, after), timed, end or End())


def ask(client: Any, url: str = GOOGLE, **options: Any) -> Any:
    return client.post(url, **{"json": ASK, "headers": HEADERS, **options})


async def read(url: str = GOOGLE, client: Any = None, **options: Any) -> bytes:
    """Ask and read the whole answer, by default with a client of its own."""
    if client is None:
        async with aiohttp.ClientSession() as own:
            return await read(url, own, **options)
    async with ask(client, url, **options) as response:
        data: bytes = await response.read()
        return data


async def failure(url: str = GOOGLE, **options: Any) -> BaseException | None:
    try:
        await read(url, **options)
    except Exception as error:
        return error
    return None


@contextlib.contextmanager
def answering(*answers: bytes, end: str = "kept") -> Iterator[str]:
    """A server that gives these bytes for each request in turn, then keeps, closes or resets the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(20)
                    head, _, body = receive(connection, b"").partition(b"\r\n\r\n")
                    if b"100-continue" in head:
                        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                    while length and len(body) < int(length[0].partition(b":")[2]):
                        body = receive(connection, body)
                    connection.sendall(answer)
                    if end == "kept":
                        connection.recv(1)  # until the client lets go
                    elif end == "reset":
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"
        thread.join(20)
        assert not thread.is_alive()


def receive(connection: socket.socket, data: bytes) -> bytes:
    more = connection.recv(65536)
    assert more
    return data + more


# -- ways of reading -------------------------------------------------------------------------------------------------


async def by_chunks(content: Any) -> list[bytes]:
    return [data async for data, _ in content.iter_chunks() if data]


async def by_any(content: Any) -> list[bytes]:
    return [data async for data in content.iter_any()]


async def by_readany(content: Any) -> list[bytes]:
    found = []
    while data := await content.readany():
        found.append(data)
    return found


async def by_lines(content: Any) -> list[bytes]:
    return [line async for line in content]


async def by_size(content: Any) -> list[bytes]:
    return [data async for data in content.iter_chunked(100)]


async def at_once(content: Any) -> list[bytes]:
    return [await content.read()]


WAYS = [by_chunks, by_any, by_readany, by_lines, by_size, at_once]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_of_reading_gives_the_same_pieces_again(way: Callable[..., Any], path: Path) -> None:
    """Pieces are cut where they were on the socket: at chunks, lines or sizes."""

    async def pieces(url: str) -> list[bytes]:
        async with aiohttp.ClientSession() as client, ask(client, url) as response:
            found: list[bytes] = await way(response.content)
            return found

    chunks = events(6)
    with upstream.start(Scenario.from_chunks(chunks, gaps=gaps_of(chunks, 0.01))) as server:
        with gemini_replay.record(path):
            live = asyncio.run(pieces(server.url + PATH))
    with gemini_replay.replay(path):
        again = asyncio.run(pieces(GOOGLE))
    assert again == live
    assert b"".join(live) == b"".join(chunks)


@pytest.mark.parametrize("way", [by_chunks, by_any, by_readany], ids=lambda way: way.__name__)
def test_a_reader_that_keeps_up_sees_each_chunk_also_without_gaps(way: Callable[..., Any], path: Path) -> None:
    """At instant speed chunks do not run together."""
    chunks = events(200)

    async def main() -> list[bytes]:
        async with aiohttp.ClientSession() as client, ask(client) as response:
            found: list[bytes] = await way(response.content)
            return found

    with gemini_replay.replay(recorded(path, chunks), speed="instant"):
        assert asyncio.run(main()) == chunks


def test_a_late_reader_still_finds_the_ends_of_chunks(path: Path) -> None:
    """What piled up comes in one piece by `iter_any`, as from a socket; `iter_chunks` knows the boundaries."""
    chunks = events(4)

    async def main() -> list[tuple[bytes, bool]]:
        async with aiohttp.ClientSession() as client, ask(client) as response:
            await asyncio.sleep(0.05)
            return [pair async for pair in response.content.iter_chunks()]

    with gemini_replay.replay(recorded(path, chunks), speed="instant"):
        assert asyncio.run(main()) == [(chunk, True) for chunk in chunks]


@pytest.mark.parametrize("decode", [True, False], ids=["decoded", "raw"])
def test_a_compressed_answer_is_recorded_by_the_wires_chunks(decode: bool, path: Path) -> None:
    """One stored chunk for each on the wire, whether aiohttp decompresses or the client does."""
    url = "/v1beta/models/array:streamGenerateContent"

    async def main(server: Any) -> bytes:
        async with aiohttp.ClientSession(auto_decompress=decode) as client:
            return await read(server.url + url, client, headers={**HEADERS, "accept-encoding": "gzip"})

    with upstream.start(pace=0.2) as server, gemini_replay.record(path):
        live = asyncio.run(main(server))
        wire = [data for _, data in server.app.sent[0]]
    stored = Cassette.load(path).interactions[0]
    assert [bool(chunk.data) for chunk in stored.chunks] == [True] * len(wire)
    assert stored.response is not None
    assert stored.response.body == "decoded"
    assert json.loads(stored.body)
    assert live == (stored.body if decode else b"".join(wire))
    with gemini_replay.replay(path, speed="instant"):
        again = asyncio.run(main(server))
    assert again == stored.body if decode else again.startswith(b"\x1f\x8b")


# -- what is asked ---------------------------------------------------------------------------------------------------


def form() -> Any:
    data = aiohttp.FormData()
    data.add_field("contents", "moon")
    return data


async def pieces() -> AsyncIterator[bytes]:
    data = json.dumps(ASK).encode()
    yield data[:10]
    yield data[10:]


BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "json": lambda: {"json": ASK},
    "bytes": lambda: {"data": json.dumps(ASK).encode()},
    "text": lambda: {"data": json.dumps(ASK)},
    "file": lambda: {"data": io.BytesIO(json.dumps(ASK).encode())},
    "iterator": lambda: {"data": pieces()},
    "deflated": lambda: {"data": json.dumps(ASK).encode(), "compress": "deflate"},
    "awaited": lambda: {"json": ASK, "expect100": True},
    "form": lambda: {"data": form()},
    "none": lambda: {},
}


@pytest.mark.parametrize("kind", BODIES)
def test_every_kind_of_body_is_sent_whole_and_matched(kind: str, path: Path) -> None:
    """Looking at a body does not use it up."""

    async def send(url: str) -> bytes:
        async with aiohttp.ClientSession() as client, client.post(url, headers=HEADERS, **BODIES[kind]()) as response:
            data: bytes = await response.read()
            return data

    with upstream.start(Scenario.from_chunks(events(2))) as server:
        asyncio.run(send(server.url + PATH))
        with gemini_replay.record(path):
            live = asyncio.run(send(server.url + PATH))
        bare, watched = server.app.requests
    if kind != "deflated":  # the upstream keeps what it cannot read
        assert watched.body == bare.body
    assert watched.headers == bare.headers
    stored = Cassette.load(path).interactions[0].request
    if kind not in {"form", "none"}:
        assert stored.json == ASK
    with gemini_replay.replay(path, match=("method", "model")):
        assert asyncio.run(send(GOOGLE)) == live == b"".join(events(2))


# -- answers that are framed otherwise -------------------------------------------------------------------------------

ANSWERS = {
    "content-length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "until-close": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nhello",
    "no-content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "not-modified": b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    "early-hints": b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "odd-status": b"HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nno",
    "utf-8-header": b"HTTP/1.1 200 OK\r\nServer: \xe6\x9c\x88\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_not_chunked_comes_back_as_it_was(name: str, path: Path) -> None:
    """Status, headers and body; the recording ends well."""

    async def main(url: str) -> tuple[Any, ...]:
        async with aiohttp.ClientSession() as client, ask(client, url) as response:
            names = {k.lower(): v for k, v in response.headers.items() if k.lower() != "transfer-encoding"}
            return response.status, names, await response.read()

    with (
        answering(ANSWERS[name], end="closed" if name == "until-close" else "kept") as url,
        gemini_replay.record(path),
    ):
        live = asyncio.run(main(url))
    assert Cassette.load(path).interactions[0].end.kind == "eof"
    with gemini_replay.replay(path):
        assert asyncio.run(main(GOOGLE)) == live


def test_the_answer_to_head_has_a_length_and_no_body(path: Path) -> None:
    """And does not hang for want of one."""

    async def main(url: str) -> tuple[str, bytes]:
        async with aiohttp.ClientSession() as client, client.head(url) as response:
            return response.headers["content-length"], await response.read()

    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") as url, gemini_replay.record(path):
        assert asyncio.run(main(url)) == ("5", b"")
    with gemini_replay.replay(path):
        assert asyncio.run(main(GOOGLE)) == ("5", b"")


# -- failures --------------------------------------------------------------------------------------------------------

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
    """Of the same type; its recording says whether the peer closed or reset."""
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


def test_a_malformed_answer_is_no_whim_of_the_clients(path: Path) -> None:
    """The client gives up on what is not HTTP: recorded as a break, not as letting go."""
    with answering(b"NOT HTTP AT ALL\r\n\r\n") as url, gemini_replay.record(path):
        assert isinstance(asyncio.run(failure(url)), aiohttp.ClientResponseError)
    assert Cassette.load(path).interactions[0].end.kind == "reset"


@pytest.mark.parametrize("after_head", [False, True], ids=["head", "body"])
def test_time_limits_are_kept_by_aiohttps_own_timers(after_head: bool, path: Path) -> None:
    """The limit per read and that for the whole request, waiting for the head or inside the body."""
    stalled = streaming(*events(2), end=End(after=30.0)) if after_head else streaming(*events(2), after=30.0)
    recorded(path, stalled, stalled)
    with gemini_replay.replay(path):
        per_read = asyncio.run(failure(timeout=aiohttp.ClientTimeout(sock_read=0.15)))
        total = asyncio.run(failure(timeout=aiohttp.ClientTimeout(total=0.15)))
    assert isinstance(per_read, aiohttp.ServerTimeoutError)
    assert type(total) is TimeoutError


@pytest.mark.parametrize("head_after", [0.0, 5.0], ids=["body", "head"])
def test_a_limit_for_the_whole_request_is_recorded_as_a_timeout(head_after: float, path: Path) -> None:
    """Not as a client that let go; and the replay is a timeout again."""
    scenario = Scenario.from_chunks(events(2), gaps=[0.0, 5.0], head_after=head_after)
    with upstream.start(scenario) as server, gemini_replay.record(path):
        live = asyncio.run(failure(server.url + PATH, timeout=aiohttp.ClientTimeout(total=0.2)))
    assert type(live) is TimeoutError
    assert Cassette.load(path).interactions[0].end.kind == "timeout"
    with gemini_replay.replay(path):
        assert isinstance(asyncio.run(failure()), TimeoutError)


def test_a_recording_that_was_let_go_of_gives_all_it_has_first(path: Path) -> None:
    """A slow client reads every chunk; the error comes where it asks for more."""
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


def test_a_miss_is_raised_as_it_is_after_one_attempt(path: Path) -> None:
    """No client error, which SDKs retry, no connection made, and the client can go on."""
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
    """It would reach the network past the cassette."""

    async def main() -> None:
        async with aiohttp.ClientSession() as client:
            await client.ws_connect("wss://generativelanguage.googleapis.com/ws/live")

    with pytest.raises(MissError), gemini_replay.replay(recorded(path, events(1))):
        asyncio.run(main())


# -- the pool --------------------------------------------------------------------------------------------------------


def test_a_connection_from_before_the_session_carries_no_request_of_its(path: Path) -> None:
    """Kept alive in the pool of a client that was built before; and it serves again afterwards."""
    other = {"contents": "another"}

    async def main(server: Any) -> None:
        url = server.url + PATH
        async with aiohttp.ClientSession() as client:
            assert await read(url, client) == b"".join(events(2))
            with gemini_replay.replay(recorded(path, events(3))) as session:
                assert await read(url, client) == b"".join(events(3))
                with pytest.raises(MissError):
                    await read(url, client, json=other)
                assert await read(server.url + "/some/other/api", client)
                assert len(server.app.requests) == 2
                session.misses.clear()
            assert await read(url, client) == b"".join(events(2))
            assert len(server.app.requests) == 3

    with upstream.start(Scenario.from_chunks(events(2))) as server:
        asyncio.run(main(server))


def test_a_played_connection_is_never_used_twice(path: Path, tmp_path: Path) -> None:
    """Neither by the next request, nor in the next session, nor after it."""

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
    """With room for one connection, the second answer begins when the first has ended; waiting is no rhythm."""
    recorded(path, *[events(5)] * 2, gap=0.02)

    async def main() -> list[tuple[float, float]]:
        loop = asyncio.get_running_loop()

        async def timed(client: Any) -> tuple[float, float]:
            async with ask(client) as response:
                headed = loop.time()
                await response.read()
                return headed, loop.time()

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as client:
            return sorted(await asyncio.gather(timed(client), timed(client)))

    with gemini_replay.replay(path):
        first, second = asyncio.run(main())
    assert first[1] <= second[0]
    assert second[1] - second[0] > 0.09


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
    """No proxy is asked and no TLS is spoken."""

    async def main() -> bytes:
        connector = aiohttp.TCPConnector(**options.get("connector", {}))
        async with aiohttp.ClientSession(connector=connector) as client:
            return await read(GOOGLE, client, **options.get("request", {}))

    with gemini_replay.replay(recorded(path, events(2))):
        assert asyncio.run(main()) == b"".join(events(2))


def test_recording_through_a_proxy_records_what_was_asked(path: Path) -> None:
    """The URL is the client's own, not the proxy's."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    asked = GOOGLE.replace("https:", "http:")
    with answering(answer) as proxy, gemini_replay.record(path):
        assert asyncio.run(read(asked, proxy=proxy.removesuffix(PATH))) == b"hello"
    assert Cassette.load(path).interactions[0].request.url == asked


def test_every_attempt_of_a_middleware_is_a_request_of_its_own(path: Path) -> None:
    """Sent to the upstream, recorded under the client's URL, and replayed in that order."""
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


# -- flow, cancellation, and the end ---------------------------------------------------------------------------------


def test_a_reader_that_lags_behind_holds_the_playback_up(path: Path) -> None:
    """As a socket: aiohttp reads no more than its own limit ahead, and nothing is lost."""
    chunks = [bytes([n]) * 65536 for n in range(64)]

    async def main() -> tuple[int, int, bytes]:
        async with aiohttp.ClientSession() as client, ask(client) as response:
            await asyncio.sleep(0.1)
            ahead = response.content.total_bytes
            _, limit = response.content.get_read_buffer_limits()
            return ahead, limit, await response.read()

    with gemini_replay.replay(recorded(path, chunks), speed="instant"):
        ahead, limit, body = asyncio.run(main())
    assert limit < ahead <= limit + 65536
    assert body == b"".join(chunks)


def test_a_recording_leaves_aiohttps_flow_control_alone(path: Path) -> None:
    """A client that lags behind reads no more ahead than without a recording; every byte is recorded."""
    chunks = [bytes([n]) * 65536 for n in range(64)]

    async def main(url: str) -> tuple[int, int, bytes]:
        async with aiohttp.ClientSession() as client, ask(client, url) as response:
            await asyncio.sleep(0.2)
            ahead = response.content.total_bytes
            _, limit = response.content.get_read_buffer_limits()
            return ahead, limit, await response.read()

    with upstream.start(Scenario.from_chunks(chunks)) as server, gemini_replay.record(path):
        ahead, limit, body = asyncio.run(main(server.url + PATH))
    assert limit < ahead < sum(map(len, chunks))
    assert body == Cassette.load(path).interactions[0].body == b"".join(chunks)


@pytest.mark.parametrize("leave", ["break", "cancel", "close"])
def test_a_client_that_lets_go_leaves_nothing_behind(leave: str, path: Path) -> None:
    """Recorded as cancelled; no task is left, live or replayed, however the client went."""
    chunks = events(4)

    async def two(client: Any, url: str) -> None:
        async with ask(client, url) as response:
            seen = 0
            async for _ in response.content.iter_any():
                seen += 1
                if seen == 2 and leave != "cancel":
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
        assert asyncio.run(main(server.url + PATH, 0.2)) == set()
    end = Cassette.load(path).interactions[0]
    assert end.end.kind == "cancelled"
    assert [chunk.data for chunk in end.chunks] == chunks[:2]
    with gemini_replay.replay(path):
        assert asyncio.run(main(GOOGLE, 0.1)) == set()


def test_a_loop_that_ends_in_mid_stream_ends_quietly(path: Path) -> None:
    """No task is destroyed while pending and no callback fails; only what aiohttp itself says is said."""
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


def test_a_request_after_its_session_has_closed_is_an_error_that_says_so(path: Path) -> None:
    """Where a client keeps a closed session current, which interception itself never does."""
    from gemini_replay import session

    opened = session.Session.replaying(recorded(path, events(1)))
    from gemini_replay.interception import intercepted

    with intercepted(opened):
        opened.close()
        with pytest.raises(UsageError, match="is closed"):
            asyncio.run(read())


def test_tasks_have_sessions_of_their_own(path: Path, tmp_path: Path) -> None:
    """One client, two tasks, two cassettes."""
    other = recorded(tmp_path / "other.jsonl", [b"other"])
    recorded(path, events(2))

    async def one(client: Any, cassette: Path, mine: asyncio.Event, theirs: asyncio.Event) -> bytes:
        with gemini_replay.replay(cassette):
            mine.set()
            await theirs.wait()
            return await read(GOOGLE, client)

    async def main() -> list[bytes]:
        a, b = asyncio.Event(), asyncio.Event()
        async with aiohttp.ClientSession() as client:
            return await asyncio.gather(one(client, path, a, b), one(client, other, b, a))

    assert asyncio.run(main()) == [b"".join(events(2)), b"other"]


def test_many_streams_at_once_keep_their_times(path: Path) -> None:
    """200 in one loop: each chunk of each is due at its own moment."""
    chunks = events(10)
    recorded(path, *[chunks] * 200, gap=0.05)

    async def one(client: Any) -> list[float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with ask(client) as response:
            return [loop.time() - began async for _ in response.content.iter_any()]

    async def main() -> list[list[float]]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
            return await asyncio.gather(*(one(client) for _ in range(200)))

    with gemini_replay.replay(path):
        streams = asyncio.run(main())
    assert [len(times) for times in streams] == [10] * 200
    steps = [b - a for times in streams for a, b in pairwise(times)]
    assert statistics.median(steps) == pytest.approx(0.05, abs=0.01)


def test_aiohttp_is_intercepted_when_it_is_imported_in_mid_session(path: Path) -> None:
    """SDKs import it inside a call; the session does not import it for them."""
    recorded(path, events(2))
    code = f"""
import sys, asyncio, gemini_replay
with gemini_replay.replay({str(path)!r}):
    assert "aiohttp" not in sys.modules
    import aiohttp
    async def main():
        async with aiohttp.ClientSession() as client, client.post({GOOGLE!r}, json={ASK!r}) as response:
            print(len(await response.read()))
    asyncio.run(main())
"""
    out = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert out.stderr == ""
    assert out.stdout.split() == [str(len(b"".join(events(2))))]


# -- the hooks -------------------------------------------------------------------------------------------------------

SEAMS = [
    (aiohttp.BaseConnector, "connect"),
    (StreamReader, "feed_data"),
    (StreamReader, "feed_eof"),
    (DeflateBuffer, "feed_data"),
]


def test_everything_is_as_before_when_the_session_closes(path: Path) -> None:
    """No replacement is left."""
    before = [vars(owner)[name] for owner, name in SEAMS]
    with gemini_replay.replay(recorded(path, events(1))):
        assert all(vars(owner)[name] is not old for (owner, name), old in zip(SEAMS, before, strict=True))
    assert [vars(owner)[name] for owner, name in SEAMS] == before


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (aiohttp.BaseConnector, "connect", ["self", "req", "traces", "timeout"]),
        (aiohttp.BaseConnector, "_create_connection", ["self", "req", "traces", "timeout"]),
        (StreamReader, "feed_data", ["self", "data", "size"]),
        (StreamReader, "feed_eof", ["self"]),
        (DeflateBuffer, "feed_data", ["self", "chunk", "size"]),
        (DeflateBuffer, "__init__", ["self", "out", "encoding"]),
        (ResponseHandler, "start_timeout", ["self"]),
        (ResponseHandler, "force_close", ["self"]),
        (ResponseHandler, "feed_data", ["self", "data", "size"]),
        (ResponseHandler, "connection_lost", ["self", "exc"]),
        (ResponseHandler, "set_exception", ["self", "exc"]),
        (ResponseHandler, "close", ["self"]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_hooks_are_where_they_were(owner: type, name: str, parameters: list[str]) -> None:
    """Each private name that recording and replaying stand on; a newer aiohttp that moved one is named."""
    assert hasattr(owner, name), f"{VERSION} has no {owner.__name__}.{name}"
    found = list(inspect.signature(getattr(owner, name)).parameters)
    assert found[: len(parameters)] == parameters, f"{VERSION} changed {owner.__name__}.{name}{tuple(found)}"


def test_the_hooks_still_do_what_they_did(path: Path) -> None:
    """What no signature shows: a body knows its protocol, and a timer whether it has run out."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        protocol = ResponseHandler(loop)
        body = StreamReader(protocol, 2**16, loop=loop)
        body.feed_data(b"x", 1)
        assert body._protocol is protocol, f"{VERSION}: StreamReader._protocol"
        assert list(body._buffer) == [b"x"], f"{VERSION}: StreamReader._buffer"
        assert DeflateBuffer(body, "gzip").out is body, f"{VERSION}: DeflateBuffer.out"
        timer = TimerContext(loop)
        assert timer._cancelled is False, f"{VERSION}: TimerContext._cancelled"
        timer.timeout()
        assert timer._cancelled is True, f"{VERSION}: TimerContext._cancelled"

    asyncio.run(main())
