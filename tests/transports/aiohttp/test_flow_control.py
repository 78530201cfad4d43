"""aiohttp: its flow control, and many streams at once."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.streams import PATH, events

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import End, Response
from gemini_replay.errors import RecordingEndedError
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")


from support.aiohttp_client import ask  # noqa: E402
from support.cassettes import recorded, streaming  # noqa: E402


async def filled(response: Any) -> tuple[int, int]:
    """Wait until the response holds more unread bytes than aiohttp's limit, and a little longer; return both."""
    _, limit = response.content.get_read_buffer_limits()
    async with asyncio.timeout(20):
        while response.content.total_bytes <= limit:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    return response.content.total_bytes, limit


def test_a_slow_reader_pauses_the_playback(path: Path) -> None:
    """As on a socket, aiohttp reads ahead only up to its own limit, and nothing is lost."""
    chunks = [bytes([n]) * 65536 for n in range(64)]

    async def main() -> tuple[int, int, bytes]:
        async with aiohttp.ClientSession() as client, ask(client) as response:
            ahead, limit = await filled(response)
            return ahead, limit, await response.read()

    with gemini_replay.replay(recorded(path, chunks), speed="instant"):
        ahead, limit, body = asyncio.run(main())
    assert limit < ahead <= limit + 65536
    assert body == b"".join(chunks)


def test_a_recording_leaves_aiohttps_flow_control_alone(path: Path) -> None:
    """A slow client reads ahead no further than without a recording, and every byte is recorded."""
    chunks = [bytes([n]) * 65536 for n in range(64)]

    async def main(url: str) -> tuple[int, int, bytes]:
        async with aiohttp.ClientSession() as client, ask(client, url) as response:
            ahead, limit = await filled(response)
            return ahead, limit, await response.read()

    with upstream.start(Scenario.from_chunks(chunks)) as server, gemini_replay.record(path):
        ahead, limit, body = asyncio.run(main(server.url + PATH))
    assert limit < ahead < sum(map(len, chunks))
    assert body == Cassette.load(path).interactions[0].body == b"".join(chunks)


@pytest.mark.parametrize("kind", ["eof", "cancelled"])
@pytest.mark.parametrize(
    "headers", [(("content-length", "4000000"),), (("content-encoding", "gzip"),)], ids=["length", "gzip"]
)
def test_a_chunk_beyond_every_limit_is_read_to_its_end(headers: Any, kind: Any, path: Path) -> None:
    """It has a length, or is decompressed from a few bytes: pausing and resuming happen within one call."""
    body = b"moon" * 1_000_000
    packed = "decoded" if headers[0][0] == "content-encoding" else None
    answer = streaming(body, body if packed else b"", end=End(kind))
    recorded(path, replace(answer, response=Response(200, headers, body=packed)))

    async def main() -> tuple[int, BaseException | None]:
        size = 0
        async with aiohttp.ClientSession() as client, ask(client) as response:
            try:
                async for data in response.content.iter_chunked(65536):
                    size += len(data)
                    await asyncio.sleep(0)
            except RecordingEndedError as error:
                return size, error
        return size, None

    with gemini_replay.replay(path, speed="instant"):
        size, error = asyncio.run(main())
    assert size == len(body) * (2 if packed else 1)
    assert (error is not None) == (
        kind == "cancelled" and packed is not None
    )  # all bytes of the length have come, so the body is complete


def test_many_streams_at_once_keep_their_times(path: Path) -> None:
    """With 50 streams in one loop, no chunk comes early, and streams do not wait for each other."""
    gap, count = 0.05, 8
    recorded(path, *[streaming(*events(count), gap=gap)] * 50)

    async def one(client: Any) -> list[float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with ask(client) as response:
            return [loop.time() - began async for _ in response.content.iter_any()]

    async def main() -> list[list[float]]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
            return await asyncio.gather(*(one(client) for _ in range(50)))

    with gemini_replay.replay(path):
        streams = asyncio.run(main())
    assert all(at > gap * n - 0.002 for times in streams for n, at in enumerate(times, 1))
    took = statistics.median(times[-1] for times in streams)
    assert took < 10 * gap * count  # one after another they would take 50 times as long
