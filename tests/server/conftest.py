"""A client that sees the wire: HTTP chunks, and how the connection ended."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pytest

from gemini_replay import Cassette, Interaction, Session
from gemini_replay.server.serving import serving

ASK = {"contents": [{"role": "user", "parts": [{"text": "Tell me a story."}]}]}


@dataclass
class Answer:
    """One HTTP response, read from the socket."""

    status: int
    headers: list[tuple[str, str]]
    chunks: list[bytes] = field(default_factory=list)
    complete: bool = False
    error: OSError | None = None

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def header(self, name: str) -> str | None:
        return ", ".join(value for key, value in self.headers if key == name) or None


@contextmanager
def opened(
    url: str,
    path: str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    *,
    body: Any = ASK,
    headers: dict[str, str] | None = None,
    key: str | None = "a-key",
    method: str = "POST",
) -> Iterator[tuple[socket.socket, BinaryIO]]:
    """Send a request; returns the socket and a reader of it."""
    parts = urlsplit(url)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"host": parts.netloc, "content-length": str(len(data)), **(headers or {})}
    if key is not None:
        lines["x-goog-api-key"] = key
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as sock:
        sock.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + data)
        with sock.makefile("rb") as reader:
            yield sock, reader


def read_head(reader: BinaryIO) -> Answer:
    status = int(reader.readline().split()[1])
    headers = []
    while (line := reader.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name.lower(), value.strip()))
    return Answer(status, headers)


def read_chunk(reader: BinaryIO) -> bytes | None:
    """The next HTTP chunk. b"" means that the body ended normally, None that the connection ended."""
    size = reader.readline()
    if not size:
        return None
    data = reader.read(int(size, 16))
    assert reader.read(2) == b"\r\n"
    return data


@pytest.fixture
def fetch() -> Callable[..., Answer]:
    """Send one request and read the answer to its end, chunk by chunk or by its length."""

    def fetch(url: str, *args: Any, **kwargs: Any) -> Answer:
        with opened(url, *args, **kwargs) as (_, reader):
            answer = read_head(reader)
            if (length := answer.header("content-length")) is not None:
                answer.chunks.append(reader.read(int(length)))
                answer.complete = len(answer.body) == int(length)
                return answer
            try:
                while chunk := read_chunk(reader):
                    answer.chunks.append(chunk)
                answer.complete = chunk == b""
            except OSError as error:
                answer.error = error
            return answer

    return fetch


@pytest.fixture
def connect() -> Callable[..., Any]:
    """The function ``opened``, for tests that read piece by piece or not at all."""
    return opened


@pytest.fixture
def wire() -> Any:
    """The functions ``read_head`` and ``read_chunk``."""

    class Wire:
        head = staticmethod(read_head)
        chunk = staticmethod(read_chunk)

    return Wire


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the test's cassette."""
    return tmp_path / "cassette.jsonl"


@pytest.fixture
def served(tmp_path: Path) -> Callable[..., Any]:
    """Serve these recordings during a with-block, which gets the base URL."""

    @contextmanager
    def served(*interactions: Interaction, speed: str | float = 1.0, repeat: bool = True) -> Iterator[str]:
        path = tmp_path / "cassette.jsonl"
        Cassette(list(interactions)).save(path)
        session = Session.replaying(path, speed=speed, hosts=None, repeat=repeat)
        with serving(session) as url:
            yield url
        session.close()

    return served
