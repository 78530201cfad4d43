"""aiohttp: its ways of reading."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.server import running, upstream

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from support.aiohttp_client import HEADERS, ask, read  # noqa: E402
from support.cassettes import recorded  # noqa: E402
from support.proxies import Paced  # noqa: E402


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
    """Pieces end at the same places as on the socket: at chunks, lines or sizes."""
    chunks = events(6)
    paced = Paced(chunks)
    journal = path.with_name(f"{path.name}.part")

    async def sending() -> None:
        """Each chunk is sent when the one before has been read."""
        for count in range(1, len(chunks) + 1):
            paced()
            while journal.read_bytes().count(b"\n[") < count:
                await asyncio.sleep(0.005)
        paced()

    async def pieces(url: str, *beside: Callable[[], Any]) -> list[bytes]:
        async with aiohttp.ClientSession() as client, ask(client, url) as response:
            found, *_ = await asyncio.gather(way(response.content), *(other() for other in beside))
            return found

    with running.Running(paced.app) as server, gemini_replay.record(path):
        live = asyncio.run(pieces(server.url + PATH, sending))
    with gemini_replay.replay(path):
        again = asyncio.run(pieces(GOOGLE))
    assert again == live
    assert b"".join(live) == b"".join(chunks)


@pytest.mark.parametrize("way", [by_chunks, by_any, by_readany], ids=lambda way: way.__name__)
def test_a_fast_reader_sees_each_chunk_even_without_gaps(way: Callable[..., Any], path: Path) -> None:
    """At instant speed, chunks are not merged."""
    chunks = events(200)

    async def main() -> list[bytes]:
        async with aiohttp.ClientSession() as client, ask(client) as response:
            found: list[bytes] = await way(response.content)
            return found

    with gemini_replay.replay(recorded(path, chunks), speed="instant"):
        assert asyncio.run(main()) == chunks


def test_a_late_reader_still_finds_the_ends_of_chunks(path: Path) -> None:
    """`iter_any` gives all waiting bytes in one piece, as from a socket. `iter_chunks` knows the boundaries."""
    chunks = events(4)

    async def main() -> list[tuple[bytes, bool]]:
        async with aiohttp.ClientSession() as client, ask(client) as response:
            await asyncio.sleep(0.05)
            return [pair async for pair in response.content.iter_chunks()]

    with gemini_replay.replay(recorded(path, chunks), speed="instant"):
        assert asyncio.run(main()) == [(chunk, True) for chunk in chunks]


@pytest.mark.parametrize("decode", [True, False], ids=["decoded", "raw"])
def test_a_compressed_answer_is_recorded_in_the_wires_chunks(decode: bool, path: Path) -> None:
    """Each chunk on the wire becomes one stored chunk, whether aiohttp or the client decompresses."""
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
