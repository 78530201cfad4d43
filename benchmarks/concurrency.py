"""How late chunks are when many streams play at once: ``python benchmarks/concurrency.py``.

From ``gemini-replay serve``: the server is a process of its own, the clients are another one on the same machine,
bare sockets that note when bytes arrive and look at them afterwards. And in process: one event loop, in which clients
of httpx2 and aiohttp read what a session replays. Every stream must be complete and equal to the recording. Lateness
counts from the moment when a client sent its request; streams begin within ``--ramp`` seconds, and all overlap.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import aiohttp
import httpx2
from support.processes import listening
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Cassette, Interaction
from gemini_replay.cassette.model import Chunk, Request, Response
from gemini_replay.report import terminal

HEAD, GAP, COUNT = 0.4, 0.1, 60
"""Seconds to the head and between events, and events per stream: a long answer of gemini-2.5-flash."""

ASK = json.dumps({"contents": [{"parts": [{"text": "Tell me a long story."}]}]}).encode()
CHUNKS = events(COUNT)
DUE = list(accumulate([GAP] * COUNT, initial=HEAD))[1:]


class Stream(asyncio.Protocol):
    """One client: notes how many bytes were there at which moment."""

    def __init__(self) -> None:
        self.sent = 0.0
        self.received = bytearray()
        self.moments: list[tuple[float, int]] = []
        self.done = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Note them."""
        self.received += data
        self.moments.append((time.perf_counter(), len(self.received)))
        if self.received.endswith(b"\r\n0\r\n\r\n"):
            self.done.set_result(True)

    def connection_lost(self, problem: Exception | None) -> None:
        """Before the end it is a failure."""
        if not self.done.done():
            self.done.set_result(False)

    def lateness(self) -> list[float]:
        """Of each chunk, in ms. Fails where the body is not the recorded one, chunk by chunk."""
        at = self.received.index(b"\r\n\r\n") + 4
        late = []
        moments = iter(self.moments)
        when, there = next(moments)
        for chunk, due in zip(CHUNKS, DUE, strict=True):
            head = f"{len(chunk):x}\r\n".encode()
            end = at + len(head) + len(chunk) + 2
            assert self.received[at:end] == head + chunk + b"\r\n", "a chunk is not the recorded one"
            while there < end:
                when, there = next(moments)
            late.append((when - self.sent - due) * 1000)
            at = end
        assert self.received[at:] == b"0\r\n\r\n"
        return late


async def play(url: str, count: int, ramp: float) -> list[Stream]:
    """So many streams at once; all are connected before the first one asks."""
    loop = asyncio.get_running_loop()
    host, _, port = url.removeprefix("http://").partition(":")
    request = f"POST {PATH} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(ASK)}\r\n\r\n".encode() + ASK

    async def one(number: int, transport: asyncio.Transport, stream: Stream) -> None:
        await asyncio.sleep(ramp * number / count)
        stream.sent = time.perf_counter()
        transport.write(request)
        assert await asyncio.wait_for(stream.done, 60), "a stream was broken off"
        transport.close()

    pairs = [await loop.create_connection(Stream, host, int(port)) for _ in range(count)]
    gc.disable()  # what is measured is the server
    await asyncio.gather(*(one(number, *pair) for number, pair in enumerate(pairs)))
    gc.enable()
    return [stream for _, stream in pairs]


async def replay(library: str, count: int, ramp: float) -> list[list[float]]:
    """So many streams through one client in this loop; the lateness of each chunk of each, in ms."""
    client = (
        httpx2.AsyncClient()
        if library == "httpx2"
        else aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    )
    headers = {"content-type": "application/json"}

    async def one(number: int) -> list[float]:
        await asyncio.sleep(ramp * number / count)
        seen: list[tuple[float, bytes]] = []
        sent = time.perf_counter()
        if isinstance(client, httpx2.AsyncClient):
            async with client.stream("POST", GOOGLE, content=ASK, headers=headers) as response:
                async for chunk in response.aiter_raw():
                    seen.append((time.perf_counter(), chunk))
        else:
            async with client.post(GOOGLE, data=ASK, headers=headers) as response:
                async for chunk in response.content.iter_any():
                    seen.append((time.perf_counter(), chunk))
        assert [chunk for _, chunk in seen] == CHUNKS, "a stream is not the recorded one"
        return [(at - sent - due) * 1000 for (at, _), due in zip(seen, DUE, strict=True)]

    async with client:
        gc.collect()
        gc.freeze()
        return await asyncio.gather(*(one(number) for number in range(count)))


def row(name: str, count: int, each: list[list[float]]) -> tuple[str, ...]:
    """One line of the table."""
    late = sorted(ms for stream in each for ms in stream)
    drift = statistics.median(stream[-1] - stream[0] for stream in each)
    percent = [late[int(len(late) * part)] for part in (0.5, 0.99)]
    return (name, f"{len(each)} of {count}", *(f"{value:.2f}" for value in (*percent, late[-1], drift)))


def main() -> None:
    """Measure 1, 100 and 500 streams, or as many as asked for, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("streams", nargs="*", type=int, default=[1, 100, 500], help="how many at once")
    parser.add_argument("--ramp", type=float, default=2.0, help="seconds within which the streams begin (default 2)")
    chosen = parser.parse_args()
    request = Request("POST", GOOGLE, body=ASK)
    response = Response(200, (("content-type", "text/event-stream"),), HEAD)
    story = Interaction(request, response, tuple(Chunk(GAP, data) for data in CHUNKS))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "story.jsonl"
        Cassette([story]).save(path)
        with listening("serve", path) as (_, url):
            for count in chosen.streams:
                streams = asyncio.run(play(url, count, chosen.ramp))
                rows.append(row("serve", count, [stream.lateness() for stream in streams]))
        for library in ("httpx2", "aiohttp"):
            for count in chosen.streams:
                Cassette([story] * count).save(path)
                with gemini_replay.replay(path):
                    each = asyncio.run(replay(library, count, chosen.ramp))
                rows.append(row(f"{library}, one loop", count, each))
    columns = ("from", "complete", "late p50", "p99", "max", "drift, last to first")
    title = f"{COUNT} events each, {GAP * 1000:.0f} ms apart, begun within {chosen.ramp:g} s; ms"
    terminal.console().print(terminal.table(title, columns, rows))


if __name__ == "__main__":
    main()
