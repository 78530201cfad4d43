"""Servers with entrance rules, and a client that sends raw bytes."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from gemini_replay import Cassette, Interaction, Session
from gemini_replay.cassette.model import Chunk, Headers, Request, Response
from gemini_replay.server.entrance import DEFAULT_RULES, Rules
from gemini_replay.server.serving import serving
from support.streams import PATH, events

ASK = {"contents": [{"role": "user", "parts": [{"text": "Tell me a story."}]}]}


URL = f"https://generativelanguage.googleapis.com{PATH}"


GOOD_HEAD = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n"


@contextmanager
def served(folder: Path, rules: Rules = DEFAULT_RULES, *, headers: Headers = ()) -> Iterator[tuple[Session, str]]:
    """A server with one recording; yields its session and its URL."""
    path = folder / "cassette.jsonl"
    chunks = tuple(Chunk(0.0, data) for data in events(2))
    Cassette([Interaction(Request("POST", URL, body=json.dumps(ASK).encode()), Response(200, headers), chunks)]).save(
        path
    )
    session = Session.replaying(path, speed="instant", hosts=None, repeat=True)
    with serving(session, rules=rules) as url:
        yield session, url
    session.close()


def ask(url: str, **headers: str) -> httpx.Response:
    return httpx.post(url + PATH, json=ASK, headers={name.replace("_", "-"): text for name, text in headers.items()})


def talk(url: str, data: bytes) -> bytes:
    """The answer to these bytes, or as much of it as came before the server closed the connection."""
    with connected(url) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(data)
        return read_answer(sock)


def connected(url: str) -> socket.socket:
    parts = httpx.URL(url)
    return socket.create_connection((parts.host, parts.port or 0), timeout=20)


def read_answer(sock: socket.socket) -> bytes:
    got = b""
    with contextlib.suppress(OSError):
        while not is_whole(got) and (more := sock.recv(65536)):
            got += more
    return got


def is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(end) and length is not None and len(body) >= int(length[1])


def refused(answer: bytes) -> tuple[int, str]:
    """Status and message of a refusal that has the shape of Google's errors."""
    head, _, body = answer.partition(b"\r\n\r\n")
    error = json.loads(body)["error"]
    assert f" {error['code']} ".encode() in head
    assert b"x-gemini-replay: error" in head
    return error["code"], error["message"]
