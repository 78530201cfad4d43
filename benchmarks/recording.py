"""What recording costs: processor time for each chunk, how fast clients read, and how late a chunk reaches them.

Bodies arrive in chunks of 1 KB, as fast as they can: each is read, redacted and written to the journal. First by the
recorder alone, beside the least that could be done: `json.dumps` and one write for each chunk. Then through clients,
which read from a server in another process, in turns without recording, with it, and with a recorder that hands every
chunk over and forgets it: no recording through this client can be faster. At last a stream with gaps of 3 ms, whose
events say when they were sent. Every journal and cassette must hold each byte that was sent, and every journal each
chunk by itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count as numbers
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting, at_least, at_most

SIZE = 1024
"""Bytes of a chunk."""
STREAM = 4_000_000
"""Bytes of a stream that a client reads."""
AT_ONCE = 45
"""Chunks that one read of the wire brings, if there are more than it can take: 64 KB with their framing."""
GAP = 0.003
"""Seconds between the events of a stream that comes slowly."""
CLIENTS = (
    "httpx-sync",
    "httpx-asyncio",
    "httpx-trio",
    "httpx2-sync",
    "httpx2-asyncio",
    "httpx2-trio",
    "requests",
    "urllib3",
    "aiohttp",
)
PROSE = "The moon keeps its distance, and tonight it is 384,400 km away from all of us who look up. "
KEYS = {"GEMINI_API_KEY": "AIza" + "SyD-fake_0123456789abcdefghijklmnop", "OPENAI_API_KEY": "sk-" + "0aB1" * 12}


# -- bodies ----------------------------------------------------------------------------------------------------------


def _event(part: object) -> bytes:
    candidates = [{"content": {"parts": [part], "role": "model"}, "index": 0}]
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 345, "totalTokenCount": 357}
    event = {"candidates": candidates, "usageMetadata": usage, "modelVersion": "gemini-2.5-flash"}
    return f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n".encode()


def _texts(text: Callable[[random.Random], str]) -> Callable[[], Iterator[bytes]]:
    def body() -> Iterator[bytes]:
        rng = random.Random(5)
        return (_event({"text": f"{number} {text(rng)}"}) for number in numbers())

    return body


def _image() -> Iterator[bytes]:
    yield b'data: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "'
    rng = random.Random(5)
    while True:
        yield b64encode(rng.randbytes(3000))


def _long_line() -> Iterator[bytes]:
    yield b'data: {"candidates": [{"content": {"parts": [{"text": "'
    yield from (f"{number} {PROSE}".encode() for number in numbers())


BODIES: dict[str, Callable[[], Iterator[bytes]]] = {
    "events of 1.4 KB": _texts(lambda rng: PROSE * 13),
    "small events": _texts(lambda rng: PROSE[: rng.randrange(90)]),
    "Chinese": _texts(lambda rng: "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(300))),
    "a picture": _image,
    "one long line": _long_line,
}


def chunks(name: str, size: int) -> list[bytes]:
    """At least `size` bytes of a body, in chunks of 1 KB; small events in a chunk each."""
    taken, total = [], 0
    for piece in BODIES[name]():
        taken.append(piece)
        total += len(piece)
        if total >= size:
            break
    if name == "small events":
        return taken
    body = b"".join(taken)
    return [body[at : at + SIZE] for at in range(0, len(body), SIZE)]


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


# -- the tables ------------------------------------------------------------------------------------------------------


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """The recorder alone, for each body; then each client: its speed, the processor's time, and the delay."""
    for name in BODIES:
        yield Benchmark(
            f"Recording {name}",
            "µs/chunk",
            [
                Contestant("json.dumps, one write", lambda name=name: _alone(setting, name, _least)),  # type: ignore[misc]
                Contestant(
                    "one by one",
                    lambda name=name: _alone(setting, name, _recorded),  # type: ignore[misc]
                    targets=[at_most(30)],
                ),
                Contestant(
                    "as a read of 64 KB brings them",
                    lambda name=name: _alone(setting, name, partial(_recorded, together=AT_ONCE)),  # type: ignore[misc]
                    targets=[at_most(30)],
                ),
            ],
            floor="json.dumps, one write",
            measures="reading",
            rounds=3 if setting.quick else 15,
            limit="The search for secrets, most of it the same for a chunk of any size; then spelling the line.",
        )
    yield Benchmark(
        "Reading a stream that is recorded",
        "MB/s",
        [Contestant(name, _through(setting, name, _speed), targets=[at_least(25)]) for name in CLIENTS],
        measures="reading",
        rounds=3 if setting.quick else 7,
        limit="The library itself, handing chunks from the reader to the client, and the recorder.",
    )
    yield Benchmark(
        "What recording adds",
        "µs/chunk",
        [Contestant(name, _through(setting, name, _added), targets=[at_most(30)]) for name in CLIENTS],
        measures="reading",
        rounds=3 if setting.quick else 7,
        limit="The recorder, and handing chunks from the reader to the client.",
    )
    yield Benchmark(
        "How much later a chunk reaches the client",
        "ms",
        [Contestant(name, _delayed(setting, name), targets=[at_most(0.15)]) for name in CLIENTS],
        measures="reading",
        rounds=3 if setting.quick else 7,
        limit="Waking the client's thread; in an event loop, one more turn of it.",
    )


def _alone(setting: Setting, name: str, write: Callable[[list[bytes], Path], tuple[float, list[bytes]]]) -> Run:
    sent = chunks(name, 100_000 if setting.quick else 1_000_000)
    path = setting.folder / f"{os.getpid()}.jsonl"

    def run() -> Reading:
        seconds, kept = write(sent, path)
        assert kept == sent
        return Reading([len(kept), _digest(b"".join(kept))], seconds / len(sent) * 1e6)

    return run


def _least(sent: list[bytes], path: Path) -> tuple[float, list[bytes]]:
    with path.open("wb", buffering=0) as file:
        began = time.process_time()
        for data in sent:
            file.write(json.dumps([0.003, data.decode("utf-8", "surrogateescape")]).encode() + b"\n")
        seconds = time.process_time() - began
    lines = path.read_bytes().splitlines()
    return seconds, [json.loads(line)[1].encode("utf-8", "surrogateescape") for line in lines]


def _recorded(sent: list[bytes], path: Path, together: int = 1) -> tuple[float, list[bytes]]:
    from support.streams import GOOGLE

    from gemini_replay.cassette.encoding import decode_parts
    from gemini_replay.cassette.journal import Journal
    from gemini_replay.cassette.model import Request
    from gemini_replay.cassette.redaction import Redactor
    from gemini_replay.engine.recorder import Recorder

    problems: list[BaseException] = []
    headers = (("x-goog-api-key", KEYS["GEMINI_API_KEY"]),)
    redactor = Redactor(environ=KEYS).for_request(Request("POST", GOOGLE, headers, b"{}"))
    journal = Journal(path)
    entry = journal.begin(redactor.request())
    recorder = Recorder(
        entry=entry, began=0.0, scrub=redactor.stream(), redact=redactor.response, failed=problems.append
    )
    recorder.head(200, (("content-type", "text/event-stream"),), 0.0)
    began = time.process_time()
    for number, data in enumerate(sent):
        recorder.chunk(data, number * 0.003)
        if number % together == 0:
            recorder.write()
    recorder.end("eof", len(sent) * 0.003)
    seconds = time.process_time() - began
    assert not problems
    assert journal.part is not None
    lines = [json.loads(line) for line in journal.part.read_bytes().splitlines() if line.startswith(b"[")]
    journal.remove()
    return seconds, [decode_parts(line[1:]) for line in lines]


# -- through clients -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cost:
    """The cost of reading one stream: seconds, and seconds of processor time."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class _Costs:
    """The costs of reading the same stream, of this many bytes and chunks, in three ways."""

    size: int
    chunks: int
    plain: _Cost
    recorded: _Cost
    handed_over: _Cost

    def rate(self, cost: _Cost) -> float:
        """The speed in MB/s."""
        return self.size / cost.wall / 1e6

    def added(self, cost: _Cost) -> float:
        """The processor time per chunk in µs."""
        return (cost.cpu - self.plain.cpu) / self.chunks * 1e6


def _speed(costs: _Costs) -> tuple[float, dict[str, float]]:
    also = {"without recording": costs.rate(costs.plain), "handed over only": costs.rate(costs.handed_over)}
    return costs.rate(costs.recorded), also


def _added(costs: _Costs) -> tuple[float, dict[str, float]]:
    return costs.added(costs.recorded), {"handed over only": costs.added(costs.handed_over)}


def _forget(*noted: object) -> None:
    """Record nothing."""


def _through(
    setting: Setting, name: str, figures: Callable[[_Costs], tuple[float, dict[str, float]]]
) -> Callable[[], Run]:
    def prepare() -> Run:
        import gemini_replay
        from gemini_replay import Cassette
        from gemini_replay.engine.recorder import Recorder

        size = 100_000 if setting.quick else STREAM
        sent = b"".join(chunks("events of 1.4 KB", size))
        fetch, path = _client(setting, name, str(size)), setting.folder / f"{os.getpid()}.jsonl"

        def measured() -> _Cost:
            wall, cpu = time.perf_counter(), time.process_time()
            seen = fetch()
            cost = _Cost(time.perf_counter() - wall, time.process_time() - cpu)
            assert b"".join(seen.chunks) == sent
            return cost

        def run() -> Reading:
            plain = measured()
            with gemini_replay.record(path):
                recorded = measured()
            (interaction,) = Cassette.load(path).interactions
            assert interaction.body == sent
            path.unlink()
            with (
                mock.patch.object(Recorder, "chunk", _forget),
                mock.patch.object(Recorder, "write", _forget),
                gemini_replay.record(path),
            ):
                handed_over = measured()
            path.unlink()
            return Reading(
                _digest(sent), *figures(_Costs(len(sent), len(interaction.chunks), plain, recorded, handed_over))
            )

        measured()  # modules that the first call loads are not measured
        return run

    return prepare


def _delayed(setting: Setting, name: str) -> Callable[[], Run]:
    def prepare() -> Run:
        import gemini_replay

        count = 30 if setting.quick else 300
        fetch, path = _client(setting, name, str(count), "slowly"), setting.folder / f"{os.getpid()}.jsonl"

        def measured() -> float:
            seen = fetch()
            assert len(seen.chunks) == count
            sent = [float(json.loads(data[6:])["sent"]) for data in seen.chunks]
            delays: list[float] = [at - moment for at, moment in zip(seen.times, sent, strict=True)]
            return statistics.median(delays) * 1000

        def run() -> Reading:
            plain = measured()
            with gemini_replay.record(path):
                recorded = measured()
            path.unlink()
            return Reading(count, recorded - plain, {"without recording": plain})

        measured()
        return run

    return prepare


def _client(setting: Setting, name: str, *served: str) -> Callable[[], Any]:
    """Make a client read a stream from a server of its own, in another process."""
    from support.every_client import EVERY_CLIENT
    from support.streams import PATH

    (client,) = (one for one in EVERY_CLIENT if one.name == name)
    command = [sys.executable, "-m", "benchmarks.recording", *served]
    server = setting.closing.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    setting.closing.callback(server.kill)
    assert server.stdout is not None
    url = server.stdout.readline().strip() + PATH
    return lambda: client.fetch(url)


def _fast(size: int) -> Callable[[], Iterator[bytes]]:
    """The same stream of this many bytes each time."""
    parts = chunks("events of 1.4 KB", size)
    return lambda: iter(parts)


def _slow(count: int) -> Iterator[bytes]:
    """This many events, which say when they are sent, on a clock that all processes share."""
    for _ in range(count):
        time.sleep(GAP)
        yield f'data: {{"text": "{PROSE}", "sent": "{time.perf_counter()!r}"}}\r\n\r\n'.encode()


def serve(body: Callable[[], Iterator[bytes]]) -> None:
    """Answer each request with this body, an HTTP chunk for each chunk."""
    import socket
    import threading

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = b""
            while more := connection.recv(65536):
                asked += more
                head, end, rest = asked.partition(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                if end and len(rest) >= int(length or 0):
                    asked = b""
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                    )
                    for data in body():
                        connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))
                    connection.sendall(b"0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            threading.Thread(target=answer, args=[listener.accept()[0]], daemon=True).start()


if __name__ == "__main__":
    number = int(sys.argv[1])
    serve(partial(_slow, number) if sys.argv[2:] else _fast(number))
