"""requests and urllib3: connections, proxies, and the requests that are sent."""

from __future__ import annotations

import gc
import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import google.auth.transport.requests
import pytest
import requests
import requests.adapters
import urllib3
from support.clients import ASK, KEY, Client
from support.raw_server import CHUNKED, LAST, Answer, chunked, head, raw_server
from support.streams import GOOGLE, PATH
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
from gemini_replay.cassette.model import End
from gemini_replay.errors import RecordingError
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario


@pytest.fixture(autouse=True, scope="module")
def _no_socket_is_left() -> Iterator[None]:
    """Check that no socket is left for the garbage collector: its ResourceWarning is an error."""
    yield
    gc.collect()


@pytest.mark.parametrize(
    "reply",
    [STREAM, answer(head("200 OK", "content-length: 8"), b"data", b": {}", gap=0.01)],
    ids=["chunked", "length"],
)
def test_a_recorded_connection_is_used_again_after_a_whole_body(reply: Answer, path: Path) -> None:
    """The reader takes no bytes of the next answer, and leaves the socket unchanged."""
    with raw_server(reply) as server:
        with requests.Session() as user:
            with gemini_replay.record(path):
                bodies = [user.post(server.url + PATH, json=ASK, timeout=30).content for _ in range(20)]
            bodies.append(user.post(server.url + PATH, json=ASK, timeout=30).content)
        assert server.connections == 1
    assert len(set(bodies)) == 1
    assert {i.end.kind for i in Cassette.load(path).interactions} == {"eof"}


@pytest.mark.parametrize("how", ["close", "forget"])
def test_abandoning_a_response_closes_the_connection(how: str, path: Path) -> None:
    """It is closed by `close` or by garbage collection. The server sees it, and the recording says so."""
    with upstream.start(Scenario.from_chunks(CHUNKS, gaps=[0, 0, 30, 0])) as server, gemini_replay.record(path):
        began = time.perf_counter()
        with requests.Session() as user:
            response = user.post(server.url + PATH, json=ASK, headers=HEADERS, timeout=30, stream=True)
            pieces = response.iter_content(None)
            assert next(pieces) == CHUNKS[0]
            if how == "close":
                response.close()
            del response, pieces
            gc.collect()
        assert time.perf_counter() - began < 5
    end = stored(path).end
    assert end.kind == "cancelled"
    assert end.after < 5


def test_replay_opens_no_connection_and_leaves_the_clients_pool_as_it_was(path: Path) -> None:
    """A connection in the pool is in it afterwards too."""
    cassette(path, *[whole()] * 3)
    with raw_server(STREAM) as server, requests.Session() as user:
        user.post(server.url + "/other", json=ASK, timeout=30)
        with gemini_replay.replay(path, hosts=["127.0.0.1"]):
            for _ in range(3):
                assert user.post(server.url + PATH, json=ASK, timeout=30).content == b"".join(CHUNKS)
        user.post(server.url + "/other", json=ASK, timeout=30)
        assert server.connections == 1
        assert len(server.requests) == 2


def test_a_pool_that_blocks_has_its_connection_back_after_each_replay(path: Path) -> None:
    """This holds for responses that are read to the end, closed early, or broken."""
    cassette(path, whole(), whole(), replace(whole(), end=End("reset")), whole())
    with gemini_replay.replay(path), urllib3.PoolManager(maxsize=1, block=True) as pool:
        ask: dict[str, Any] = {"body": BODY, "preload_content": False, "pool_timeout": 5}
        assert pool.request("POST", GOOGLE, **ask).data == b"".join(CHUNKS)
        early = pool.request("POST", GOOGLE, **ask)
        assert next(early.stream()) == CHUNKS[0]
        early.close()
        early.release_conn()
        with pytest.raises(urllib3.exceptions.ProtocolError):
            pool.request("POST", GOOGLE, **ask).read()
        assert pool.request("POST", GOOGLE, **ask).data == b"".join(CHUNKS)


@NEW
@pytest.mark.parametrize("mode", ["live", "recorded", "replayed"])
def test_shutdown_ends_a_stream_from_another_thread(mode: str, path: Path) -> None:
    """As urllib3 documents, the reader sees the connection end."""
    stall = Answer([(0.0, CHUNKED + chunked(CHUNKS[0])), (0.6, chunked(CHUNKS[1]) + LAST)])

    def ask(url: str) -> None:
        with urllib3.PoolManager() as pool:
            response = pool.request("POST", url, body=BODY, preload_content=False)
            pieces = response.stream()
            assert next(pieces) == CHUNKS[0]
            threading.Timer(0.1, response.shutdown).start()
            with pytest.raises(urllib3.exceptions.ProtocolError, match="Response ended prematurely"):
                next(pieces)

    with raw_server(stall) as server:
        if mode == "live":
            ask(server.url + PATH)
        elif mode == "recorded":
            with gemini_replay.record(path):
                ask(server.url + PATH)
        else:
            with gemini_replay.record(path):
                requests.post(server.url + PATH, json=ASK, timeout=30)
            with gemini_replay.replay(path):
                ask(GOOGLE)


BODIES: dict[str, Callable[[], Any]] = {
    "bytes": lambda: b'{"contents": []}',
    "text": lambda: '{"contents": []}',
    "bytearray": lambda: bytearray(b'{"contents": []}'),
    "file": lambda: io.BytesIO(b'{"contents": []}'),
    "text file": lambda: io.StringIO('{"contents": []}'),
    "generator": lambda: iter([b'{"contents"', b": []}"]),
}


@pytest.mark.parametrize("made", [pytest.param(made, id=name) for name, made in BODIES.items()])
def test_every_kind_of_body_is_sent_and_matched(made: Callable[[], Any], path: Path) -> None:
    """Each kind of body that urllib3 accepts is read once, sent whole, and found on replay."""
    with urllib3.PoolManager() as pool:
        with raw_server(STREAM) as server, gemini_replay.record(path):
            pool.request("POST", server.url + PATH, body=made())
            assert b'{"contents"' in server.requests[0]
        with gemini_replay.replay(path):
            assert pool.request("POST", GOOGLE, body=made()).data == b"".join(CHUNKS)
    assert stored(path).request.json == {"contents": []}


def test_the_recorded_request_is_the_clients_own(path: Path) -> None:
    """It has the URL, the headers without the key and urllib3's markers, and the libraries' versions."""
    with raw_server(STREAM) as server, gemini_replay.record(path):
        headers = {**HEADERS, "accept-encoding": urllib3.util.SKIP_HEADER, "accept": b"text/event-stream"}
        with urllib3.PoolManager() as pool:
            pool.request("POST", server.url + PATH, body=BODY, headers=headers)
        requests.post(server.url + PATH, json=ASK, headers=HEADERS, timeout=30)
        first = server.requests[0]
    assert b"accept-encoding" not in first.lower()
    assert KEY.encode() in first
    one, two = (i.request for i in Cassette.load(path).interactions)
    assert KEY not in path.read_text(encoding="utf-8")
    assert one.client == f"urllib3 {urllib3.__version__}"
    assert two.client == f"urllib3 {urllib3.__version__}; python-requests/{requests.__version__}"
    assert one.url == two.url == server.url + PATH
    assert dict(one.headers)["accept"] == "text/event-stream"
    assert "SKIP" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_replay_needs_no_proxy(scheme: str, path: Path) -> None:
    """The proxy gets neither a CONNECT nor a forwarded request. Other hosts still use it."""
    url = f"{scheme}://gateway.example{PATH}"
    proxies = {"http": "http://127.0.0.1:9", "https": "http://127.0.0.1:9"}
    with gemini_replay.replay(cassette(path, whole())):
        assert requests.post(url, json=ASK, proxies=proxies, timeout=30).content == b"".join(CHUNKS)
        with pytest.raises(requests.exceptions.ProxyError):
            requests.get(f"{scheme}://other.example/", proxies=proxies, timeout=30)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_recording_uses_the_proxy(scheme: str, path: Path) -> None:
    """If the proxy cannot be reached, the library's own error has a note."""
    url = f"{scheme}://gateway.example{PATH}"
    with pytest.raises(RecordingError, match="there was no connection"):
        with gemini_replay.record(path), pytest.raises(requests.exceptions.ProxyError):
            requests.post(url, json=ASK, proxies={scheme: "http://127.0.0.1:9"}, timeout=30)
    assert not path.exists()


def test_a_forwarding_proxy_gets_the_whole_url_while_recording(path: Path) -> None:
    """The cassette has the URL that the client asked for."""
    url = f"http://gateway.example{PATH}"
    with raw_server(STREAM) as server, gemini_replay.record(path):
        body = requests.post(url, json=ASK, proxies={"http": server.url}, timeout=30).content
        assert server.requests[0].startswith(b"POST " + url.encode())
    assert body == b"".join(CHUNKS)
    assert stored(path).request.url == url


def test_an_upstream_is_asked_with_its_own_host(client: Client, path: Path) -> None:
    """Its connection is closed when the answer has been read."""
    with raw_server(STREAM) as server, gemini_replay.record(path, upstream=server.url + "/gw"):
        seen = client.fetch(GOOGLE, headers={**HEADERS, "host": "generativelanguage.googleapis.com"})
        assert server.left.wait(timeout=5)
        request = server.requests[0].decode()
    assert seen.chunks == CHUNKS
    assert request.startswith(f"POST /gw{PATH} HTTP/1.1")
    assert f"host: {server.url.removeprefix('http://')}" in request.lower()
    assert "googleapis" not in request
    assert stored(path).request.url == GOOGLE


def test_google_auth_reaches_its_own_host(path: Path) -> None:
    """Requests that refresh Vertex AI's credentials in mid-session do not belong to the cassette."""
    token = answer(head("200 OK", "content-length: 2"), b"{}")
    with raw_server(token) as server, gemini_replay.replay(cassette(path)):
        reply = google.auth.transport.requests.Request()(url=server.url + "/token", method="POST", body=b"grant")
        assert reply.status == 200
        assert server.requests[0].endswith(b"grant")
