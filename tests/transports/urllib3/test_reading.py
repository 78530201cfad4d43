"""requests and urllib3: every way to read gives the same pieces live, while recording and on replay."""

from __future__ import annotations

import gzip
import inspect
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import requests.adapters
import urllib3
from support.clients import ASK, Client
from support.raw_server import CHUNKED, LAST, chunked, head, raw_server
from support.streams import GOOGLE, PATH, event
from support.urllib3_cases import (
    BODY,
    CHUNKS,
    HEADERS,
    NEW,
    STREAM,
    answer,
    cassette,
    stored,
    whole,
)

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk

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
            response = pool.request("POST", url, body=BODY, headers=HEADERS, preload_content=preload)
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


def reads(ways: dict[str, Callable[[str], Pieces]]) -> list[Any]:
    return [pytest.param(way, id=name, marks=[NEW] if "read1" in name else []) for name, way in ways.items()]


@pytest.mark.parametrize("read", reads({**STREAMING, **WHOLE}))
def test_every_way_to_read_gives_the_same_pieces(read: Callable[[str], Pieces], path: Path) -> None:
    """They are the same live without a session, in recording, and on replay."""
    with raw_server(STREAM) as server:
        live = read(server.url + PATH)
        with gemini_replay.record(path):
            recorded = read(server.url + PATH)
    with gemini_replay.replay(path):
        again = read(GOOGLE)
    assert [piece for _, piece in live] == [piece for _, piece in recorded] == [piece for _, piece in again]
    assert live
    assert [chunk.data for chunk in stored(path).chunks] == CHUNKS


@pytest.mark.parametrize("read", reads(STREAMING))
def test_a_chunk_comes_as_soon_as_it_is_due(read: Callable[[str], Pieces], path: Path) -> None:
    """Small chunks do not wait until a buffer is full: the first is read long before the last is sent."""
    chunks = (Chunk(0.0, b"data: 0123456789\r\n\r\n"), Chunk(1.0, b"data: the last one\r\n\r\n"))
    with gemini_replay.replay(cassette(path, replace(whole(), chunks=chunks))):
        pieces = read(GOOGLE)
    assert pieces[-1][0] - pieces[0][0] > 0.2


def test_json_of_an_answer_that_is_no_stream(path: Path) -> None:
    """`response.json()` works, and a body with a length keeps it."""
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
    """The connection is used again, as without a session."""
    length = "content-length: 0" if method == "GET" and status.startswith("200") else "server: test"
    with raw_server(answer(head(status, length))) as server, requests.Session() as user:
        with gemini_replay.record(path):
            for _ in range(2):
                live = user.request(method, server.url + PATH, timeout=30)
        assert server.connections == 1
    assert [i.end.kind for i in Cassette.load(path).interactions] == ["eof", "eof"]
    with gemini_replay.replay(path):
        again = requests.request(method, GOOGLE, timeout=30)
    assert (live.content, again.content) == (b"", b"")
    assert again.status_code == live.status_code
    assert dict(again.headers) == dict(live.headers)


def test_a_body_that_ends_with_the_connection_is_complete(client: Client, path: Path) -> None:
    """Without length and HTTP chunks, the recorded end is `eof`, and the replay has the same bytes."""
    reply = answer(head("200 OK", "connection: close"), *CHUNKS, gap=0.01, end="close")
    with raw_server(reply) as server, gemini_replay.record(path):
        live = client.fetch(server.url + PATH)
    with gemini_replay.replay(path):
        again = client.fetch(GOOGLE)
    assert stored(path).end.kind == "eof"
    assert live.body == again.body == b"".join(CHUNKS)
    assert live.headers == again.headers


def test_a_large_http_chunk_is_one_chunk(client: Client, path: Path) -> None:
    """An image in one HTTP chunk is read, recorded and replayed in one piece, whatever its TCP segments."""
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
    """It is stored decoded. A client that accepts gzip gets it again, and its own decoder decodes it."""
    packed = gzip.compress(b"".join(CHUNKS))
    reply = answer(head("200 OK", "transfer-encoding: chunked", "content-encoding: gzip"), chunked(packed), LAST)
    with raw_server(reply) as server, gemini_replay.record(path):
        live = requests.post(server.url + PATH, json=ASK, timeout=30)
    assert stored(path).body == live.content == b"".join(CHUNKS)
    with gemini_replay.replay(path), urllib3.PoolManager() as pool:
        again = pool.request("POST", GOOGLE, body=BODY, headers={"accept-encoding": ask}, preload_content=False)
        raw = again.read(decode_content=False)
    assert again.headers.get("content-encoding") == ("gzip" if ask == "gzip" else None)
    assert raw.startswith(b"\x1f\x8b") == (ask == "gzip")


def test_the_private_names_exist() -> None:
    """urllib3 and http.client do not promise these names. If this fails, a new version has changed them."""
    from http.client import HTTPConnection, HTTPResponse

    pools, moved = urllib3.connectionpool, f"urllib3 {urllib3.__version__}, Python {sys.version.split()[0]}"
    attempt = inspect.signature(pools.HTTPConnectionPool._make_request)
    assert list(attempt.parameters)[:4] == ["self", "conn", "method", "url"], moved
    called = re.search(
        r"self\._make_request\((.*?)\)\n", inspect.getsource(pools.HTTPConnectionPool.urlopen), re.DOTALL
    )
    assert called is not None, moved
    assert re.findall(r"^ +(\w+),$", called[1], re.MULTILINE) == ["conn", "method", "url"], moved
    assert {"body=body", "headers=headers"} <= set(re.findall(r"\w+=\w+", called[1])), moved
    assert list(inspect.signature(pools.HTTPSConnectionPool._prepare_proxy).parameters) == ["self", "conn"], moved
    assert not inspect.signature(pools.HTTPConnectionPool("localhost")._new_conn).parameters, moved
    assert HTTPConnection.response_class is HTTPResponse, moved
    assert "self.fp" in inspect.getsource(HTTPResponse.begin), moved


def test_everything_is_restored_when_the_session_closes(path: Path) -> None:
    """No replacement is left."""
    pools = urllib3.connectionpool

    def seams() -> list[object]:
        return [vars(pools.HTTPConnectionPool)["_make_request"], vars(pools.HTTPSConnectionPool)["_prepare_proxy"]]

    before = seams()
    with gemini_replay.replay(cassette(path)):
        assert all(a is not b for a, b in zip(seams(), before, strict=True))
    assert seams() == before


def test_requests_imported_in_mid_session_is_intercepted(path: Path) -> None:
    """Its first request is intercepted already. The session itself does not import it."""
    cassette(path, whole())
    code = f"""
import sys
import gemini_replay
with gemini_replay.replay({str(path)!r}):
    assert not {{"requests", "urllib3"}} & set(sys.modules)
    import requests
    print(len(requests.post({GOOGLE!r}, json={ASK!r}).content))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stderr == ""
    assert int(out.stdout) == len(b"".join(CHUNKS))


def test_threads_share_a_session(path: Path) -> None:
    """Each of many threads gets its own whole answer."""
    cassette(path, *[whole(gap=0.002)] * 20)
    bodies: list[bytes] = []
    with gemini_replay.replay(path) as session, requests.Session() as user:
        threads = [
            threading.Thread(target=lambda: bodies.append(user.post(GOOGLE, json=ASK, timeout=30).content))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert bodies == [b"".join(CHUNKS)] * 20
    assert session.unused == []
