"""requests and urllib3: the same bytes, pieces, moments and errors live, while recording and on replay."""

from __future__ import annotations

import gc
import gzip
import inspect
import io
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import google.auth.transport.requests
import pytest
import requests
import requests.adapters
import urllib3
from support.clients import ASK, KEY, Client
from support.raw_server import CHUNKED, LAST, Answer, RawServer, chunked, head, raw_server
from support.streams import GOOGLE, PATH, event, events
from support.urllib3_clients import CLIENTS, Driver

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import MissError, RecordingEndedError
from gemini_replay.server import upstream
from gemini_replay.server.scenarios import Scenario

CHUNKS = events(4)
HEADERS = {"x-goog-api-key": KEY}


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Driver:
    return request.param


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.jsonl"


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """No reader thread, and no socket that only the garbage collector closes (a ResourceWarning is an error)."""
    yield
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "gemini-replay-reader":
            thread.join(timeout=5)
            assert not thread.is_alive()


def stored(path: Path, number: int = 0) -> Interaction:
    return Cassette.load(path).interactions[number]


def cassette(path: Path, *interactions: Interaction) -> Path:
    Cassette(interactions=list(interactions)).save(path)
    return path


def asked(method: str = "POST") -> Request:
    body = requests.Request("POST", GOOGLE, json=ASK).prepare().body
    assert isinstance(body, bytes)
    return Request(method, GOOGLE, (("content-type", "application/json"),), body)


def answer(*pieces: bytes, gap: float = 0.0, end: str = "keep") -> Answer:
    """The pieces on the wire, the first at once."""
    return Answer([(gap if n else 0.0, piece) for n, piece in enumerate(pieces)], end)  # type: ignore[arg-type]


STREAM = answer(CHUNKED, *(chunked(chunk) for chunk in CHUNKS), LAST, gap=0.01)


# -- ways to read --------------------------------------------------------------------------------------------------

Pieces = list[tuple[float, Any]]


def by_requests(read: Callable[[requests.Response], Any]) -> Callable[[str], Pieces]:
    def run(url: str) -> Pieces:
        with requests.post(url, json=ASK, headers=HEADERS, stream=True, timeout=30) as response:
            response.encoding = "utf-8"
            return [(time.perf_counter(), piece) for piece in read(response)]

    return run


def by_urllib3(read: Callable[[Any], Any], *, preload: bool = False) -> Callable[[str], Pieces]:
    def run(url: str) -> Pieces:
        with urllib3.PoolManager() as pool:
            response = pool.request("POST", url, json=ASK, headers=HEADERS, preload_content=preload)
            return [(time.perf_counter(), piece) for piece in read(response)]

    return run


def until_empty(read: Callable[[], bytes]) -> Iterator[bytes]:
    while piece := read():
        yield piece


STREAMING = {
    "requests iter_content(None)": by_requests(lambda r: r.iter_content(chunk_size=None)),
    "requests iter_content(64)": by_requests(lambda r: r.iter_content(64)),
    "requests iter_lines": by_requests(lambda r: r.iter_lines(decode_unicode=True)),
    "requests raw.stream": by_requests(lambda r: r.raw.stream()),
    "requests raw.read1": by_requests(lambda r: until_empty(r.raw.read1)),
    "urllib3 stream()": by_urllib3(lambda r: r.stream()),
    "urllib3 stream(16)": by_urllib3(lambda r: r.stream(16)),
    "urllib3 read(10)": by_urllib3(lambda r: until_empty(lambda: r.read(10))),
    "urllib3 read1()": by_urllib3(lambda r: until_empty(r.read1)),
    "urllib3 read1(7)": by_urllib3(lambda r: until_empty(lambda: r.read1(7))),
    "urllib3 read_chunked": by_urllib3(lambda r: r.read_chunked()),
    "urllib3 iteration": by_urllib3(iter),
}
WHOLE = {
    "requests content": by_requests(lambda r: [r.content]),
    "requests text": by_requests(lambda r: [r.text]),
    "urllib3 read()": by_urllib3(lambda r: [r.read()]),
    "urllib3 preloaded": by_urllib3(lambda r: [r.data], preload=True),
}


@pytest.mark.parametrize("read", [pytest.param(read, id=name) for name, read in {**STREAMING, **WHOLE}.items()])
def test_every_way_to_read_gives_the_same_pieces(read: Callable[[str], Pieces], path: Path) -> None:
    """Live without a session, while recording, and on replay."""
    with raw_server(STREAM) as server:
        live = read(server.url + PATH)
        with gemini_replay.record(path):
            recorded = read(server.url + PATH)
    with gemini_replay.replay(path):
        again = read(GOOGLE)
    assert [piece for _, piece in live] == [piece for _, piece in recorded] == [piece for _, piece in again]
    assert live
    assert [chunk.data for chunk in stored(path).chunks] == CHUNKS


@pytest.mark.parametrize("read", [pytest.param(read, id=name) for name, read in STREAMING.items()])
def test_a_chunk_is_there_as_soon_as_it_is_due(read: Callable[[str], Pieces], path: Path) -> None:
    """A few bytes wait for no buffer to fill: the first is read long before the last is sent."""
    chunks = (Chunk(0.0, b"data: 0123456789\r\n\r\n"), Chunk(0.4, b"data: the last one\r\n\r\n"))
    with gemini_replay.replay(cassette(path, Interaction(asked(), Response(200), chunks))):
        pieces = read(GOOGLE)
    assert pieces[-1][0] - pieces[0][0] > 0.2


def test_json_of_an_answer_that_is_no_stream(path: Path) -> None:
    """`response.json()` as from the server; a body with a length keeps it."""
    body = b'{"candidates": []}'
    reply = answer(head("200 OK", f"content-length: {len(body)}"), body[:5], body[5:], gap=0.05)
    with raw_server(reply) as server, gemini_replay.record(path):
        assert requests.post(server.url + PATH, json=ASK, timeout=30).json() == {"candidates": []}
    assert stored(path).body == body
    with gemini_replay.replay(path):
        again = requests.post(GOOGLE, json=ASK, timeout=30)
    assert again.json() == {"candidates": []}
    assert again.headers["content-length"] == str(len(body))
    assert again.reason == "OK"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("status", ["200 OK", "204 No Content"], ids=["200", "204"])
def test_answers_without_a_body_end_at_once(method: str, status: str, path: Path) -> None:
    """And the connection is used again, as it is without a session."""
    length = "content-length: 0" if method == "GET" and status.startswith("200") else "server: test"
    with raw_server(answer(head(status, length))) as server, requests.Session() as user:
        with gemini_replay.record(path):
            for _ in range(2):
                live = user.request(method, server.url + PATH, timeout=30)
        assert server.connections == 1 if length.startswith("content") or status.startswith("204") else True
    assert [i.end.kind for i in Cassette.load(path).interactions] == ["eof", "eof"]
    with gemini_replay.replay(path):
        again = requests.request(method, GOOGLE, timeout=30)
    assert (live.content, again.content) == (b"", b"")
    assert again.status_code == live.status_code
    assert dict(again.headers) == dict(live.headers)


def test_a_body_that_the_peers_closing_ends_is_complete(client: Driver, path: Path) -> None:
    """Neither length nor HTTP chunks: `eof`, and the same bytes again."""
    reply = answer(head("200 OK", "connection: close"), *CHUNKS, gap=0.01, end="close")
    with raw_server(reply) as server, gemini_replay.record(path):
        live = client.fetch(server.url + PATH)
    with gemini_replay.replay(path):
        again = client.fetch(GOOGLE)
    assert stored(path).end.kind == "eof"
    assert live.body == again.body == b"".join(CHUNKS)
    assert live.headers == again.headers


def test_a_large_http_chunk_is_one_chunk_as_these_clients_get_it(client: Driver, path: Path) -> None:
    """However many segments and TLS records carry it: an image is delivered, recorded and replayed in one piece."""
    big = event("x" * 3_000_000)
    wire = chunked(big)
    reply = answer(CHUNKED, wire[:1000], wire[1000:500_000], wire[500_000:] + LAST, gap=0.02)
    with raw_server(reply) as server, gemini_replay.record(path):
        live = client.fetch(server.url + PATH)
    with gemini_replay.replay(path, speed="instant"):
        again = client.fetch(GOOGLE)
    assert live.chunks == again.chunks == [big]
    assert [chunk.data for chunk in stored(path).chunks] == [big]


@pytest.mark.parametrize("ask", ["gzip", "identity"])
def test_gzip_is_decoded_by_the_library_itself(ask: str, path: Path) -> None:
    """Stored decoded; a client that asks for it gets gzip again, and its own decoder undoes it."""
    packed = gzip.compress(b"".join(CHUNKS))
    reply = answer(head("200 OK", "transfer-encoding: chunked", "content-encoding: gzip"), chunked(packed), LAST)
    with raw_server(reply) as server, gemini_replay.record(path):
        live = requests.post(server.url + PATH, json=ASK, timeout=30)
    assert stored(path).body == live.content == b"".join(CHUNKS)
    with gemini_replay.replay(path), urllib3.PoolManager() as pool:
        again = pool.request("POST", GOOGLE, json=ASK, headers={"accept-encoding": ask}, preload_content=False)
        raw = again.read(decode_content=False)
    assert again.headers.get("content-encoding") == ("gzip" if ask == "gzip" else None)
    assert raw.startswith(b"\x1f\x8b") == (ask == "gzip")


# -- failures ------------------------------------------------------------------------------------------------------

TWO = (CHUNKED, chunked(CHUNKS[0]), chunked(CHUNKS[1]))
CUT = chunked(CHUNKS[2])[:20]
LENGTH = head("200 OK", "content-length: 100000")

FAILURES = {
    "reset": (answer(*TWO, b"", gap=0.02, end="reset"), "reset"),
    "reset before the head": (answer(end="reset"), "reset head"),
    "reset in an HTTP chunk": (answer(*TWO, CUT, b"", gap=0.02, end="reset"), "reset"),
    "closed": (answer(*TWO, gap=0.02, end="close"), "closed"),
    "closed before the head": (answer(end="close"), "closed head"),
    "closed in a body with a length": (answer(LENGTH, CHUNKS[0], gap=0.02, end="close"), "closed"),
    "no HTTP chunk": (answer(*TWO, b"data: {}\r\n\r\n", gap=0.02, end="close"), "closed"),
    "timeout": (answer(*TWO, b"", gap=1.0), "timeout"),
    "timeout before the head": (Answer([(1.0, CHUNKED)]), "head timeout"),
}


def chain(error: BaseException | None) -> list[str]:
    """What a user's traceback shows of it: each exception with its type and message, addresses of objects aside."""
    shown = []
    while error is not None:
        text = re.sub(r"0x[0-9a-f]+|port=\d+", "…", str(error))
        shown.append(f"{type(error).__module__}.{type(error).__name__}: {text}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return shown


@pytest.mark.parametrize(("reply", "kind"), [pytest.param(*case, id=name) for name, case in FAILURES.items()])
def test_a_failure_is_the_librarys_own_live_recorded_and_replayed(
    client: Driver, reply: Answer, kind: str, path: Path
) -> None:
    """The same types, messages and causes, after the same chunks."""
    timeout = 0.4 if "timeout" in kind else 10.0
    with raw_server(reply) as server:
        live = client.fetch(server.url + PATH, timeout=timeout)
        with gemini_replay.record(path):
            recorded = client.fetch(server.url + PATH, timeout=timeout)
        with gemini_replay.replay(path):
            again = client.fetch(server.url + PATH, timeout=timeout)
    end = stored(path).end
    assert f"{end.kind} {end.how or ''}".strip() == {
        "closed": "reset closed",
        "closed head": "reset closed",
        "reset head": "reset",
        "head timeout": "timeout",
    }.get(kind, kind)
    name = kind.replace(" head", "")
    if not kind.endswith(" head"):
        assert type(live.error) is client.errors[name]
    assert chain(recorded.error) == chain(live.error)
    assert recorded.chunks == live.chunks
    assert type(again.error) is type(live.error)
    if "HTTP chunk" not in path.parent.name and "length" not in reply.pieces[0][1].decode() if reply.pieces else True:
        assert chain(again.error) == chain(live.error)
    assert again.chunks[: len(live.chunks)] == live.chunks
