"""aiohttp: kinds of requests and responses, and sessions of tasks."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from support.clients import ASK
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Cassette, session
from gemini_replay.errors import UsageError
from gemini_replay.interception import intercepted
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from support.aiohttp_client import HEADERS, answering, ask, read  # noqa: E402
from support.cassettes import recorded  # noqa: E402


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
    """Reading a body for matching does not consume it."""

    async def send(url: str) -> bytes:
        async with aiohttp.ClientSession() as client, client.post(url, headers=HEADERS, **BODIES[kind]()) as response:
            data: bytes = await response.read()
            return data

    with upstream.start(Scenario.from_chunks(events(2))) as server:
        asyncio.run(send(server.url + PATH))
        with gemini_replay.record(path):
            live = asyncio.run(send(server.url + PATH))
        bare, watched = server.app.requests
    if kind != "deflated":  # the upstream keeps bodies that it cannot read
        assert watched.body == bare.body
    assert watched.headers == bare.headers
    stored = Cassette.load(path).interactions[0].request
    if kind not in {"form", "multipart", "none"}:
        assert stored.json == ASK
    if kind == "deflated":  # aiohttp compresses it while sending, so the recorded body is plain
        assert "content-encoding" not in {name.lower() for name, _ in stored.headers}
    with gemini_replay.replay(path, match=("method", "model")):
        assert asyncio.run(send(GOOGLE)) == live == b"".join(events(2))


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
    """Status, headers and body are the same, and the recording has a regular end."""

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
    """The client does not wait for a body."""

    async def main(url: str) -> tuple[str, bytes]:
        async with aiohttp.ClientSession() as client, client.head(url) as response:
            return response.headers["content-length"], await response.read()

    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") as url, gemini_replay.record(path):
        assert asyncio.run(main(url)) == ("5", b"")
    with gemini_replay.replay(path):
        assert asyncio.run(main(GOOGLE)) == ("5", b"")


def test_a_websocket_is_let_through_while_recording_and_not_recorded(path: Path) -> None:
    """A websocket has no response body that ends."""

    async def main(url: str) -> None:
        async with aiohttp.ClientSession() as client:
            await client.ws_connect(url.replace("http:", "ws:"))

    with answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as url:
        with gemini_replay.record(path) as opened, pytest.raises(aiohttp.WSServerHandshakeError):
            asyncio.run(main(url))
    assert not opened.recorded


def test_a_request_after_its_session_has_closed_is_an_error_that_says_so(path: Path) -> None:
    """This needs a client that keeps a closed session current, which interception itself never does."""
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


def test_aiohttp_imported_in_mid_session_is_intercepted(path: Path) -> None:
    """SDKs import aiohttp inside a call. The session itself does not import it."""
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
