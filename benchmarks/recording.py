"""What recording costs: processor time for each chunk, and how fast clients read.

Bodies arrive in chunks of 1 KB, as fast as they can: one chunk after the other is read, redacted and written to the
journal. First by the recorder alone, beside the least that could be done: `json.dumps` and one write for each chunk.
Then through clients, which read from a server in another process, in turns without and with recording. Every journal
and cassette must hold each byte that was sent, and every journal each chunk by itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting, at_least, at_most

SIZE = 1024
"""Bytes of a chunk."""
STREAM = 4_000_000
"""Bytes of a stream that a client reads."""
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
        return (_event({"text": f"{number} {text(rng)}"}) for number in count())

    return body


def _image() -> Iterator[bytes]:
    yield b'data: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "'
    rng = random.Random(5)
    while True:
        yield b64encode(rng.randbytes(3000))


def _long_line() -> Iterator[bytes]:
    yield b'data: {"candidates": [{"content": {"parts": [{"text": "'
    yield from (f"{number} {PROSE}".encode() for number in count())


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
    """The recorder alone, for each body; then each client."""
    for name in BODIES:
        yield Benchmark(
            f"Recording {name}",
            "µs/chunk",
            [
                Contestant("json.dumps, one write", lambda name=name: _alone(setting, name, _least)),  # type: ignore[misc]
                Contestant(
                    "gemini-replay",
                    lambda name=name: _alone(setting, name, _recorded),  # type: ignore[misc]
                    targets=[at_most(30)],
                ),
            ],
            floor="json.dumps, one write",
            measures="reading",
            rounds=3 if setting.quick else 15,
            limit="The search for secrets; then spelling the line, and the system's write.",
        )
    yield Benchmark(
        "Reading a stream that is recorded",
        "MB/s",
        [Contestant(name, _through(setting, name), targets=[at_least(25)]) for name in CLIENTS],
        measures="reading",
        rounds=3 if setting.quick else 7,
        limit="The library itself, handing chunks from the reader to the client, and the recorder.",
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


def _recorded(sent: list[bytes], path: Path) -> tuple[float, list[bytes]]:
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
    recorder = Recorder(entry=entry, scrub=redactor.stream(), redact=redactor.response, failed=problems.append)
    recorder.head(200, (("content-type", "text/event-stream"),), 0.0)
    began = time.process_time()
    for number, data in enumerate(sent):
        recorder.chunk(data, number * 0.003)
        recorder.write()
    recorder.end("eof", len(sent) * 0.003)
    seconds = time.process_time() - began
    assert not problems
    assert journal.part is not None
    lines = [json.loads(line) for line in journal.part.read_bytes().splitlines() if line.startswith(b"[")]
    journal.remove()
    return seconds, [decode_parts(line[1:]) for line in lines]


# -- through clients -------------------------------------------------------------------------------------------------


def _through(setting: Setting, name: str) -> Callable[[], Run]:
    def prepare() -> Run:
        from support.every_client import EVERY_CLIENT
        from support.streams import PATH

        import gemini_replay
        from gemini_replay import Cassette

        (client,) = (one for one in EVERY_CLIENT if one.name == name)
        size = 100_000 if setting.quick else STREAM
        sent = b"".join(chunks("events of 1.4 KB", size))
        command = [sys.executable, "-m", "benchmarks.recording", str(size)]
        server = setting.closing.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        setting.closing.callback(server.kill)
        assert server.stdout is not None
        url = server.stdout.readline().strip() + PATH
        path = setting.folder / f"{os.getpid()}.jsonl"

        def measured() -> tuple[float, float]:
            wall, cpu = time.perf_counter(), time.process_time()
            seen = client.fetch(url)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            assert b"".join(seen.chunks) == sent
            return wall, cpu

        def run() -> Reading:
            plain_wall, plain_cpu = measured()
            with gemini_replay.record(path):
                wall, cpu = measured()
            (interaction,) = Cassette.load(path).interactions
            assert interaction.body == sent
            path.unlink()
            added = (cpu - plain_cpu) / len(interaction.chunks) * 1e6
            also = {"without recording": len(sent) / plain_wall / 1e6, "added CPU, µs/chunk": added}
            return Reading(_digest(sent), len(sent) / wall / 1e6, also)

        measured()  # what a first call loads is not what is measured
        return run

    return prepare


def serve(size: int) -> None:
    """Answer each request with the same stream of so many bytes, an HTTP chunk for each chunk."""
    import socket
    import threading

    wire = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    parts = [b"%x\r\n%b\r\n" % (len(data), data) for data in chunks("events of 1.4 KB", size)]

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = b""
            while more := connection.recv(65536):
                asked += more
                head, end, body = asked.partition(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                if end and len(body) >= int(length or 0):
                    asked = b""
                    for part in [wire, *parts, b"0\r\n\r\n"]:
                        connection.sendall(part)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            threading.Thread(target=answer, args=[listener.accept()[0]], daemon=True).start()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
