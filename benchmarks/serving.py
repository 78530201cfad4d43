"""Replay from a server: how many requests `gemini-replay serve` answers, and how late its chunks are.

Each server is a process of its own. Throughput is compared with uvicorn and an app that streams the same chunks, with
the same settings of uvicorn: both are asked by the same client over eight connections at once. Lateness is compared
with an asyncio server that writes prepared bytes by the loop's timers; the clients are plain asyncio protocols, which
note when bytes come and look at them afterwards. Every answer must be the recorded one, byte for byte and chunk for
chunk.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from subprocess import Popen

from support.processes import announced, listening
from support.streams import GOOGLE, PATH, event

from benchmarks import sockets
from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting, at_least, at_most
from benchmarks.lateness import CROWDS, QUICK, Crowd, reading
from benchmarks.story import ASK, raise_file_limit
from gemini_replay import Cassette, Interaction
from gemini_replay.cassette.model import Chunk, Request, Response

EVENTS, SIZE, CONNECTIONS = 20, 1400, 8
BARE, SERVE = "uvicorn, bare app", "gemini-replay serve"
BARE_APP = [sys.executable, "-m", "benchmarks.bare_uvicorn"]
BARE_SERVER = [sys.executable, "-m", "benchmarks.bare_server"]

LATENESS = {CROWDS[0]: (), CROWDS[1]: (), CROWDS[2]: [at_most(5)], CROWDS[3]: [at_most(80)]}
"""How many streams at once, and what is asked of their lateness."""


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """Requests in a second, then lateness."""
    chunks = [event(f"{number} ".ljust(SIZE, "x")) for number in range(EVENTS)]
    response = Response(200, (("content-type", "text/event-stream"),))
    recorded = Interaction(Request("POST", GOOGLE, body=ASK), response, tuple(Chunk(0.0, data) for data in chunks))
    path = setting.file("serving.jsonl", Cassette([recorded]).save)
    requests = 2 if setting.quick else 50

    def bare() -> Run:
        return asking(setting, announced([*BARE_APP, path]), chunks, requests)

    def serve() -> Run:
        return asking(setting, listening("serve", path, "--speed", "instant"), chunks, requests)

    yield Benchmark(
        f"{EVENTS} events of {SIZE / 1000:g} KB, instant: requests in a second of the server's processor time",
        "requests/s",
        [Contestant(BARE, bare), Contestant(SERVE, serve, targets=[at_least(0.85, times=BARE)])],
        floor=BARE,
        measures="reading",
        rounds=9,
        limit="One call of the kernel for each chunk, and h11, which parses each request.",
    )
    for crowd in QUICK if setting.quick else LATENESS:
        bare_server = _late(setting, crowd, lambda path: announced([*BARE_SERVER, path]))
        bare_app = _late(setting, crowd, lambda path: announced([*BARE_APP, path]))
        served = _late(setting, crowd, lambda path: listening("serve", path))
        yield Benchmark(
            f"Lateness of {crowd}",
            "ms, p99",
            [
                Contestant("bare asyncio server", bare_server),
                Contestant(BARE, bare_app, note="waits until a chunk is due, and matches nothing"),
                Contestant(SERVE, served, targets=LATENESS.get(crowd, ())),
            ],
            floor="bare asyncio server",
            measures="reading",
            expected=crowd.streams * crowd.events,
            rounds=3,
            limit=(
                "The server's processor time for each chunk and, if all ask at once, for each request. What the bare "
                "server is late, the machine and asyncio are; what the bare app is late, uvicorn and h11 are, too."
            ),
        )


def asking(
    setting: Setting,
    server: AbstractContextManager[tuple[Popen[str], str]],
    chunks: Sequence[bytes],
    requests: int,
) -> Run:
    """A run that sends this many requests on each connection, one after the other."""
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
        before, began = processor_time(process.pid), time.perf_counter()
        asyncio.run(all_connections())
        took, after = time.perf_counter() - began, processor_time(process.pid)
        used = took if before is None or after is None else after - before
        return Reading(body, count / used, {"requests/s, wall clock": count / took})

    return run


def _late(
    setting: Setting, crowd: Crowd, server: Callable[[Path], AbstractContextManager[tuple[Popen[str], str]]]
) -> Callable[[], Run]:
    """Prepares a run that plays to a crowd."""

    def prepare() -> Run:
        raise_file_limit(crowd.streams)
        story = crowd.story
        path = setting.file(f"{crowd.events}-events.jsonl", story.save)
        process, url = setting.closing.enter_context(server(path))
        asyncio.run(sockets.warm(url))

        def run() -> Reading:
            before = processor_time(process.pid)
            streams = asyncio.run(sockets.play(url, crowd.streams, crowd.ramp))
            after = processor_time(process.pid)
            return reading(story, streams, None if before is None or after is None else after - before)

        return run

    return prepare


def processor_time(pid: int) -> float | None:
    """Seconds that all threads of a process have used, where the system tells (Linux)."""
    with suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9
    return None
