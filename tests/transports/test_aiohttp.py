"""aiohttp: its ways of reading, what it can ask and be answered, and the hooks that are used."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from support.clients import ASK
from support.streams import GOOGLE, PATH, events, gaps_of

import gemini_replay
from gemini_replay import Cassette, session
from gemini_replay.errors import UsageError
from gemini_replay.interception import intercepted
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from aiohttp.client_proto import ResponseHandler  # noqa: E402
from aiohttp.helpers import TimerContext  # noqa: E402
from aiohttp.http_parser import DeflateBuffer  # noqa: E402
from aiohttp.streams import StreamReader  # noqa: E402
from support.aiohttp_client import HEADERS, answering, ask, read  # noqa: E402
from support.cassettes import recorded  # noqa: E402

VERSION = f"aiohttp {aiohttp.__version__}"


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
    with upstream.start(Scenario.from_chunks(chunks, gaps=gaps_of(chunks, 0.05))) as server:
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


def parts() -> Any:
    writer = aiohttp.MultipartWriter(boundary="moon")
    writer.append(b"moon")
    return writer


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
    "form": lambda: {"data": {"contents": "moon"}},
    "multipart": lambda: {"data": parts()},
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
    if kind not in {"form", "multipart", "none"}:
        assert stored.json == ASK
    if kind == "deflated":  # by aiohttp, on its way out: the recorded body is plain
        assert "content-encoding" not in {name.lower() for name, _ in stored.headers}
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


def test_a_websocket_is_let_through_while_recording_and_not_recorded(path: Path) -> None:
    """It is no answer that ends."""

    async def main(url: str) -> None:
        async with aiohttp.ClientSession() as client:
            await client.ws_connect(url.replace("http:", "ws:"))

    with answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as url:
        with gemini_replay.record(path) as opened, pytest.raises(aiohttp.WSServerHandshakeError):
            asyncio.run(main(url))
    assert not opened.recorded


# -- sessions --------------------------------------------------------------------------------------------------------


def test_a_request_after_its_session_has_closed_is_an_error_that_says_so(path: Path) -> None:
    """Where a client keeps a closed session current, which interception itself never does."""
    opened = session.Session.replaying(recorded(path, events(1)))
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
