"""Replay from a server: ``gemini-replay serve``, beside uvicorn with an app that streams the same chunks.

Both servers are processes of their own with the same settings of uvicorn. They are asked by the same client over
eight connections at once, and every answer is compared with the recorded one, byte for byte and chunk for chunk.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen

from support.processes import announced, listening
from support.streams import GOOGLE, PATH, event

from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting, at_least
from gemini_replay import Cassette, Interaction
from gemini_replay.cassette.model import Chunk, Request, Response

EVENTS, SIZE, CONNECTIONS = 20, 1400, 8
ASK = b'{"contents": [{"parts": [{"text": "Tell me a long story."}]}]}'
BARE, SERVE = "uvicorn, bare app", "gemini-replay serve"
BARE_APP = Path(__file__).with_name("bare_uvicorn.py")


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """Requests per second, and the server's processor time for each."""
    chunks = [event(f"{number} ".ljust(SIZE, "x")) for number in range(EVENTS)]
    response = Response(200, (("content-type", "text/event-stream"),))
    recorded = Interaction(Request("POST", GOOGLE, body=ASK), response, tuple(Chunk(0.0, data) for data in chunks))
    path = setting.file("serving.jsonl", Cassette([recorded]).save)
    requests = 2 if setting.quick else 50

    def bare() -> Run:
        return asking(setting, announced([sys.executable, BARE_APP, path]), chunks, requests)

    def serve() -> Run:
        return asking(setting, listening("serve", path, "--speed", "instant"), chunks, requests)

    yield Benchmark(
        f"{EVENTS} events of {SIZE / 1000:g} KB from a server, instant",
        "requests/s",
        [Contestant(BARE, bare), Contestant(SERVE, serve, targets=[at_least(0.85, times=BARE)])],
        floor=BARE,
        limit="One call of the kernel for each chunk, and h11, which parses each request.",
    )


def asking(
    setting: Setting,
    server: AbstractContextManager[tuple[Popen[str], str]],
    chunks: Sequence[bytes],
    requests: int,
) -> Run:
    """A run that sends so many requests on each connection, one after the other."""
    process, url = setting.closing.enter_context(server)
    host, _, port = url.removeprefix("http://").partition(":")
    request = f"POST {PATH} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(ASK)}\r\n\r\n".encode() + ASK
    body = b"".join(f"{len(data):x}\r\n".encode() + data + b"\r\n" for data in [*chunks, b""])

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for _ in range(requests):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            assert await reader.readexactly(len(body)) == body, "an answer is not the recorded one"
        writer.close()

    async def all_connections() -> None:
        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))

    def run() -> Reading:
        count = requests * CONNECTIONS
        cpu, began = processor_time(process.pid), time.perf_counter()
        asyncio.run(all_connections())
        took, cpu = time.perf_counter() - began, processor_time(process.pid) - cpu
        return Reading(body, count / took, {"server's processor time, µs/request": cpu / count * 1e6})

    return run


def processor_time(pid: int) -> float:
    """Seconds that a process of one thread has used, where the system tells (Linux)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except OSError:
        return 0.0
