"""A stream as large as is asked for; its server (``python -m benchmarks.large_stream``) makes it as it sends it.

Events of 1.4 KB, in HTTP chunks of about 64 KB.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

TEXT = "The moon keeps its distance, and tonight it is 384,400 km. 月亮很远。" * 17
PER_CHUNK = 46


def chunks(size: int) -> Iterator[bytes]:
    """A stream of at least `size` bytes, as its server flushes it."""
    sent = number = 0
    while sent < size:
        events = (
            f'data: {{"candidates":[{{"content":{{"parts":[{{"text":"{n} {TEXT}"}}]}},"index":0}}]}}\r\n\r\n'
            for n in range(number, number + PER_CHUNK)
        )
        data = "".join(events).encode()
        number += PER_CHUNK
        sent += len(data)
        yield data


def ask(size: int) -> bytes:
    """The body of a request for this many bytes."""
    return json.dumps({"size": size}).encode()


def holds(cassette: Path, *sizes: int) -> bool:
    """Whether a cassette holds streams of these sizes and nothing else. It is read line by line."""
    sent, kept = hashlib.sha256(), hashlib.sha256()
    for size in sizes:
        for chunk in chunks(size):
            sent.update(chunk)
    with cassette.open("rb") as lines:
        for line in lines:
            if line.startswith(b"["):
                for part in json.loads(line)[1:]:
                    kept.update(_bytes(part))
    return kept.digest() == sent.digest()


def _bytes(part: str | dict[str, str]) -> bytes:
    if isinstance(part, str):
        return part.encode()
    return bytes.fromhex(part["hex"]) if "hex" in part else base64.b64decode(part["b64"])


def serve() -> None:
    """Answer each request with a stream as long as its body asks for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=[connection], daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        while True:
            data = b""
            while not data.endswith(b"}"):
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            size = json.loads(data.partition(b"\r\n\r\n")[2])["size"]
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.sendall(head)
            for chunk in chunks(size):
                connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            connection.sendall(b"0\r\n\r\n")


if __name__ == "__main__":
    serve()
