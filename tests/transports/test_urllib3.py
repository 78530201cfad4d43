"""requests and urllib3: the same bytes, pieces, moments and errors live, while recording and on replay."""

from __future__ import annotations

import gc
import gzip
import inspect
import io
import json
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
from support.clients import ASK, KEY
from support.raw_server import CHUNKED, LAST, Answer, chunked, head, raw_server
from support.streams import GOOGLE, PATH, event, events
from support.urllib3_clients import CLIENTS, Driver

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import MissError, RecordingEndedError
from gemini_replay.server import upstream
from gemini_replay.server.scenarios import Scenario

CHUNKS = events(4)
NEW = pytest.mark.skipif(
    not hasattr(urllib3.HTTPResponse, "shutdown"), reason="this urllib3 has neither read1 nor shutdown"
)
BODY = json.dumps(ASK).encode()
HEADERS = {"x-goog-api-key": KEY}


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Driver:
    return request.param


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.jsonl"


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == "gemini-replay-reader":
            thread.join(timeout=5)
            assert not thread.is_alive()


@pytest.fixture(autouse=True, scope="module")
def _no_socket_is_left() -> Iterator[None]:
    """For the garbage collector to close: its ResourceWarning is an error."""
    yield
    gc.collect()


def stored(path: Path, number: int = 0) -> Interaction:
    return Cassette.load(path).interactions[number]


def cassette(path: Path, *interactions: Interaction) -> Path:
    Cassette(interactions=list(interactions)).save(path)
    return path


def asked(method: str = "POST") -> Request:
    return Request(method, GOOGLE, (("content-type", "application/json"),), BODY)


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


@pytest.mark.parametrize("read", reads(STREAMING))
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
        again = pool.request("POST", GOOGLE, body=BODY, headers={"accept-encoding": ask}, preload_content=False)
        raw = again.read(decode_content=False)
    assert again.headers.get("content-encoding") == ("gzip" if ask == "gzip" else None)
    assert raw.startswith(b"\x1f\x8b") == (ask == "gzip")


# -- failures ------------------------------------------------------------------------------------------------------

TWO = (CHUNKED, chunked(CHUNKS[0]), chunked(CHUNKS[1]))
CUT = chunked(CHUNKS[2])[:20]
LENGTH = head("200 OK", "content-length: 100000")
STALL = Answer([(0.02, piece) for piece in TWO] + [(1.0, LAST)])

FAILURES = {
    "reset": (answer(*TWO, b"", gap=0.02, end="reset"), "reset"),
    "reset before the head": (answer(end="reset"), "reset"),
    "closed": (answer(*TWO, gap=0.02, end="close"), "closed"),
    "closed before the head": (answer(end="close"), "closed"),
    "timeout": (STALL, "timeout"),
    "timeout before the head": (Answer([(1.0, CHUNKED)]), "timeout"),
}
NEARLY = {
    "reset in an HTTP chunk": (answer(*TWO, CUT, b"", gap=0.02, end="reset"), "reset"),
    "closed in an HTTP chunk": (answer(*TWO, CUT, gap=0.02, end="close"), "closed"),
    "closed in a body with a length": (answer(LENGTH, CHUNKS[0], gap=0.02, end="close"), "closed"),
    "no HTTP chunk": (answer(*TWO, b"data: {}\r\n\r\n", gap=0.02, end="close"), "closed"),
}
"""What a cassette does not tell apart from the above: how far an HTTP chunk had come, a wrong framing."""


def chain(error: BaseException | None) -> list[str]:
    """What a user's traceback shows of it: each exception with its type and message, addresses of objects aside."""
    shown = []
    while error is not None:
        shown.append(f"{type(error).__module__}.{type(error).__name__}: {re.sub('0x[0-9a-f]+', '…', str(error))}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return shown


def params(cases: dict[str, Any]) -> list[Any]:
    return [pytest.param(*case, id=name) for name, case in cases.items()]


@pytest.mark.parametrize(("reply", "ending"), params({**FAILURES, **NEARLY}))
def test_a_failure_is_the_librarys_own_live_recorded_and_replayed(
    client: Driver, reply: Answer, ending: str, path: Path
) -> None:
    """The same type after the same chunks, and, but for what no cassette holds, the same message and causes."""
    timeout = 0.4 if ending == "timeout" else 10.0
    with raw_server(reply) as server:
        live = client.fetch(server.url + PATH, timeout=timeout)
        with gemini_replay.record(path):
            recorded = client.fetch(server.url + PATH, timeout=timeout)
        with gemini_replay.replay(path):
            again = client.fetch(server.url + PATH, timeout=timeout)
    assert live.error is not None
    if live.status is not None:
        assert type(live.error) is client.errors[ending]
    end = stored(path).end
    assert (end.kind, end.how) == {"closed": ("reset", "closed")}.get(ending, (ending, None))
    assert (chain(recorded.error), recorded.chunks) == (chain(live.error), live.chunks)
    assert type(again.error) is type(live.error)
    if (reply, ending) in FAILURES.values():
        assert (chain(again.error), again.chunks) == (chain(live.error), live.chunks)
    else:
        assert again.chunks[: len(live.chunks)] == live.chunks


def test_what_came_of_a_broken_http_chunk_is_recorded(client: Driver, path: Path) -> None:
    """Clients that read in small pieces have seen it."""
    with raw_server(NEARLY["reset in an HTTP chunk"][0]) as server, gemini_replay.record(path):
        client.fetch(server.url + PATH)
    assert [chunk.data for chunk in stored(path).chunks] == [*CHUNKS[:2], CUT.partition(b"\r\n")[2]]


def test_a_slow_consumer_does_not_time_out_on_what_is_there(client: Driver, path: Path) -> None:
    """The timeout counts from when the client asks for more, as on its own socket, not from the chunk before."""
    reply = Answer([(0.0, CHUNKED + chunked(CHUNKS[0])), (0.25, chunked(CHUNKS[1]) + LAST)])
    with raw_server(reply) as server:
        assert client.fetch(server.url + PATH, timeout=0.15, consume=0.35).error is None
        with gemini_replay.record(path):
            recorded = client.fetch(server.url + PATH, timeout=0.15, consume=0.35)
        with gemini_replay.replay(path):
            again = client.fetch(server.url + PATH, timeout=0.15, consume=0.35)
    assert (recorded.error, again.error) == (None, None)
    assert stored(path).end.kind == "eof"


def test_a_refused_connection_is_the_librarys_own_error_with_a_note(client: Driver, path: Path) -> None:
    """The note is on the exception that says so, which the traceback shows as the cause."""
    import traceback

    with gemini_replay.record(path):
        seen = client.fetch("http://127.0.0.1:9" + PATH)
    assert type(seen.error) is client.errors["connect"]
    assert seen.error is not None
    shown = "".join(traceback.format_exception(seen.error))
    assert "could not reach http://127.0.0.1:9" in shown
    assert not path.exists()


def test_reading_past_a_recording_that_its_client_let_go_of_is_explained(client: Driver, path: Path) -> None:
    """In the library's own loop, and not as an error of the library's."""
    cut = Interaction(asked(), Response(200), (Chunk(0, CHUNKS[0]),), End("cancelled"))
    with gemini_replay.replay(cassette(path, cut)):
        seen = client.fetch(GOOGLE)
    assert seen.chunks == CHUNKS[:1]
    assert type(seen.error) is RecordingEndedError


def test_a_miss_is_not_retried(path: Path) -> None:
    """Whatever the client's retries: one attempt, and our own error with nothing around it."""
    retries = urllib3.Retry(5, status_forcelist=[503], allowed_methods=None, backoff_factor=10)
    with pytest.raises(MissError), gemini_replay.replay(cassette(path)) as session:
        with pytest.raises(MissError) as missed, urllib3.PoolManager(retries=retries) as pool:
            pool.request("POST", GOOGLE, body=BODY)
        assert missed.value.__cause__ is missed.value.__context__ is None
        with pytest.raises(MissError), requests.Session() as user:
            user.mount("https://", requests.adapters.HTTPAdapter(max_retries=retries))
            user.post(GOOGLE, json=ASK)
        assert len(session.misses) == 2


def test_the_clients_own_retries_are_attempts_of_their_own(path: Path) -> None:
    """A 503 and then an answer: recorded as two interactions, replayed as two."""
    busy = answer(head("503 Service Unavailable", "content-length: 4"), b"busy")
    retries = urllib3.Retry(2, status_forcelist=[503], allowed_methods=None)

    def ask(url: str) -> bytes:
        with urllib3.PoolManager(retries=retries) as pool:
            return pool.request("POST", url, body=BODY).data

    with raw_server(busy, STREAM) as server, gemini_replay.record(path):
        assert ask(server.url + PATH) == b"".join(CHUNKS)
    assert [(i.response.status, i.body) for i in Cassette.load(path).interactions if i.response] == [
        (503, b"busy"),
        (200, b"".join(CHUNKS)),
    ]
    with gemini_replay.replay(path) as session:
        assert ask(GOOGLE) == b"".join(CHUNKS)
    assert session.unused == []


# -- connections ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [STREAM, answer(head("200 OK", "content-length: 8"), b"data", b": {}", gap=0.01)],
    ids=["chunked", "length"],
)
def test_a_recorded_connection_is_used_again_after_a_whole_body(reply: Answer, path: Path) -> None:
    """The reader takes nothing that belongs to the next answer, and leaves the socket as it was."""
    with raw_server(reply) as server:
        with requests.Session() as user:
            with gemini_replay.record(path):
                bodies = [user.post(server.url + PATH, json=ASK, timeout=30).content for _ in range(20)]
            bodies.append(user.post(server.url + PATH, json=ASK, timeout=30).content)
        assert server.connections == 1
    assert len(set(bodies)) == 1
    assert {i.end.kind for i in Cassette.load(path).interactions} == {"eof"}


@pytest.mark.parametrize("let_go", ["close", "forget"])
def test_letting_go_early_closes_the_connection(let_go: str, path: Path) -> None:
    """By `close`, or by forgetting the response; the server hears of it, and the recording says so."""
    with upstream.start(Scenario.from_chunks(CHUNKS, gaps=[0, 0, 30, 0])) as server, gemini_replay.record(path):
        began = time.perf_counter()
        with requests.Session() as user:
            response = user.post(server.url + PATH, json=ASK, headers=HEADERS, timeout=30, stream=True)
            pieces = response.iter_content(None)
            assert next(pieces) == CHUNKS[0]
            if let_go == "close":
                response.close()
            del response, pieces
            gc.collect()
        assert time.perf_counter() - began < 5
    end = stored(path).end
    assert end.kind == "cancelled"
    assert end.after < 5


def test_replay_opens_no_connection_and_leaves_the_clients_pool_as_it_was(path: Path) -> None:
    """A connection that the pool holds is there again afterwards."""
    chunks = tuple(Chunk(0.0, chunk) for chunk in CHUNKS)
    cassette(path, *[Interaction(asked(), Response(200), chunks)] * 3)
    with raw_server(STREAM) as server, requests.Session() as user:
        user.post(server.url + "/other", json=ASK, timeout=30)
        with gemini_replay.replay(path):
            for _ in range(3):
                assert user.post(server.url + PATH, json=ASK, timeout=30).content == b"".join(CHUNKS)
        user.post(server.url + "/other", json=ASK, timeout=30)
        assert server.connections == 1
        assert len(server.requests) == 2


def test_a_pool_that_blocks_has_its_connection_back_after_each_replay(path: Path) -> None:
    """Read to the end, closed early, or broken."""
    chunks = tuple(Chunk(0.0, chunk) for chunk in CHUNKS)
    whole = Interaction(asked(), Response(200), chunks)
    cassette(path, whole, whole, Interaction(asked(), Response(200), chunks, End("reset")), whole)
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
    """As urllib3 documents it: the reader finds the end of the connection."""
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


# -- requests, proxies, other hosts --------------------------------------------------------------------------------

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
    """What urllib3 takes as a body is read once, sent whole, and found again."""
    with urllib3.PoolManager() as pool:
        with raw_server(STREAM) as server, gemini_replay.record(path):
            pool.request("POST", server.url + PATH, body=made())
            assert b'{"contents"' in server.requests[0]
        with gemini_replay.replay(path):
            assert pool.request("POST", GOOGLE, body=made()).data == b"".join(CHUNKS)
    assert stored(path).request.json == {"contents": []}


def test_the_recorded_request_is_the_clients_own(path: Path) -> None:
    """Its headers without the key and without urllib3's markers; its URL; the libraries' names and versions."""
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
    """Neither a tunnel nor a forwarded request; other hosts still go by the proxy."""
    url = f"{scheme}://gateway.example{PATH}"
    proxies = {"http": "http://127.0.0.1:9", "https": "http://127.0.0.1:9"}
    chunks = tuple(Chunk(0.0, chunk) for chunk in CHUNKS)
    with gemini_replay.replay(cassette(path, Interaction(asked(), Response(200), chunks))):
        assert requests.post(url, json=ASK, proxies=proxies, timeout=30).content == b"".join(CHUNKS)
        with pytest.raises(requests.exceptions.ProxyError):
            requests.get(f"{scheme}://other.example/", proxies=proxies, timeout=30)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_recording_goes_by_the_proxy(scheme: str, path: Path) -> None:
    """Or fails as the library does, with the note that says so."""
    url = f"{scheme}://gateway.example{PATH}"
    with gemini_replay.record(path), pytest.raises(requests.exceptions.ProxyError):
        requests.post(url, json=ASK, proxies={scheme: "http://127.0.0.1:9"}, timeout=30)
    assert not path.exists()


def test_a_forwarding_proxy_gets_the_whole_url_while_recording(path: Path) -> None:
    """And the cassette has the URL that the client asked for."""
    url = f"http://gateway.example{PATH}"
    with raw_server(STREAM) as server, gemini_replay.record(path):
        body = requests.post(url, json=ASK, proxies={"http": server.url}, timeout=30).content
        assert server.requests[0].startswith(b"POST " + url.encode())
    assert body == b"".join(CHUNKS)
    assert stored(path).request.url == url


def test_an_upstream_is_asked_with_its_own_host(client: Driver, path: Path) -> None:
    """On a connection that is closed when the answer has been read."""
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
    """Vertex AI's credentials are refreshed by requests in mid-session; that is no business of the cassette's."""
    token = answer(head("200 OK", "content-length: 2"), b"{}")
    with raw_server(token) as server, gemini_replay.replay(cassette(path)):
        reply = google.auth.transport.requests.Request()(url=server.url + "/token", method="POST", body=b"grant")
        assert reply.status == 200
        assert server.requests[0].endswith(b"grant")


# -- the hooks -----------------------------------------------------------------------------------------------------


def test_the_private_hooks_are_as_they_were() -> None:
    """What urllib3 and http.client do not promise: where this fails, that version has moved."""
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


def test_everything_is_as_before_when_the_session_closes(path: Path) -> None:
    """No replacement is left."""
    pools = urllib3.connectionpool

    def seams() -> list[object]:
        return [vars(pools.HTTPConnectionPool)["_make_request"], vars(pools.HTTPSConnectionPool)["_prepare_proxy"]]

    before = seams()
    with gemini_replay.replay(cassette(path)):
        assert all(a is not b for a, b in zip(seams(), before, strict=True))
    assert seams() == before


def test_requests_may_be_imported_in_mid_session(path: Path) -> None:
    """It is intercepted from its first request on, and was not imported for the user."""
    chunks = tuple(Chunk(0.0, chunk) for chunk in CHUNKS)
    cassette(path, Interaction(asked(), Response(200), chunks))
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
    """Many at once: each gets a whole answer of its own."""
    chunks = tuple(Chunk(0.002, chunk) for chunk in CHUNKS)
    cassette(path, *[Interaction(asked(), Response(200), chunks)] * 20)
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
