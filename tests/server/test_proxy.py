"""The recording proxy is invisible to its client, and its recordings are true."""

from __future__ import annotations

import json
import threading
import time
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.clients import KEY
from support.proxies import ASK, Fetch, Paced, proxied, recorded, scripted, until
from support.streams import PATH, cut_at_events, events

from gemini_replay import Session
from gemini_replay.server import running, upstream
from gemini_replay.server.serving import serving
from gemini_replay.transports.read_ahead import ROOM


def test_each_chunk_passes_before_the_upstream_sends_the_next(path: Path, connect: Any, wire: Any) -> None:
    """The proxy holds nothing back: the upstream goes on only when the client has seen the head or chunk."""
    paced = Paced()
    with running.Running(paced.app) as server, proxied(path, server.url) as url:
        with connect(url, PATH) as (_, reader):
            assert wire.head(reader).header("content-type") == "text/event-stream"
            for data in events(3):
                paced()
                assert wire.chunk(reader) == data
        assert paced.left.wait(10)


def test_the_client_and_the_recording_get_what_the_upstream_sent(path: Path, fetch: Fetch) -> None:
    """Bytes, boundaries, status and headers are equal, and the recording replays them."""
    chunks = [*events(4), b"\xff\x00", "你".encode()[:1]]
    headers = (("content-type", "text/event-stream"), ("x-frame-options", "DENY"), ("vary", "a"), ("vary", "b"))
    with scripted(chunks, status=203, headers=headers) as server:
        with proxied(path, server.url) as url:
            live = fetch(url, PATH)
        assert len(server.requests) == 1
        with proxied(path, server.url, mode="once") as url:
            again = fetch(url, PATH)
        assert len(server.requests) == 1
    assert live == again
    assert (live.status, live.chunks, live.complete) == (203, chunks, True)
    assert live.headers == [*headers, ("transfer-encoding", "chunked")]
    assert [chunk.data for chunk in recorded(path)[0].chunks] == chunks


def test_every_body_of_the_corpus_is_recorded_and_served_exactly(
    corpus_entry: dict[str, Any], path: Path, fetch: Fetch
) -> None:
    """Byte for byte and chunk for chunk, through the proxy and again from the cassette."""
    sse = corpus_entry["framing"] == "sse"
    chunks = cut_at_events(corpus_entry["body"], corpus_entry["framing"])
    head = (("content-type", "text/event-stream" if sse else "application/json; charset=UTF-8"),)
    with scripted(chunks, status=corpus_entry["status"] or 200, headers=head) as server:
        with proxied(path, server.url) as url:
            live = fetch(url, PATH)
    with serving(Session.replaying(path, speed="instant", hosts=None)) as url:
        again = fetch(url, PATH)
    assert live == again
    assert (live.chunks, live.complete) == (chunks, True)


def test_the_upstream_is_asked_as_the_client_asked(path: Path) -> None:
    """Method, path, query, headers and body arrive, but no headers of the client's own connection."""
    asked = {"x-goog-api-key": KEY, "x-own": "1", "accept": "text/x", "connection": "keep-alive, x-hop", "x-hop": "1"}
    with scripted(events(1)) as server, proxied(path, f"{server.url}/gw/") as url:
        httpx.post(f"{url}/v1beta/models/a%20b:streamGenerateContent?alt=sse&x=%2F", json=ASK, headers=asked)
        httpx.request("DELETE", f"{url}/cachedContents/x", headers={"accept-encoding": "gzip"})
        post, delete = server.requests
    assert (post.method, post.path) == ("POST", "/gw/v1beta/models/a b:streamGenerateContent")
    assert post.query == "alt=sse&x=%2F"
    assert json.loads(post.body) == ASK
    headers = dict(post.headers)
    assert headers["host"] == server.url.removeprefix("http://")
    assert (headers["x-own"], headers["accept"], headers["content-length"]) == ("1", "text/x", str(len(post.body)))
    assert not {"connection", "x-hop", "transfer-encoding"} & set(headers)
    assert (delete.method, delete.body) == ("DELETE", b"")
    assert dict(delete.headers)["accept-encoding"] == "gzip"


def test_unusual_requests_arrive_whole(path: Path) -> None:
    """They have a chunked body, one after 100-continue, an offer of HTTP/2, or a header beyond ASCII."""
    body = json.dumps({"contents": ["x" * 100_000]}).encode()
    with scripted(events(1)) as server, proxied(path, server.url) as url, httpx.Client() as client:
        client.post(url + PATH, content=iter([body[:10], body[10:]]))
        client.post(url + PATH, content=body, headers={"expect": "100-continue"})
        offer = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAAQ"}
        client.post(url + PATH, content=body, headers=offer)
        client.post(url + PATH, content=body, headers=[(b"x-title", "月亮".encode())])
        requests = server.requests
    assert [request.body for request in requests] == [body] * 4
    for request in requests:
        names = {name for name, _ in request.headers}
        assert not names & {"expect", "transfer-encoding", "connection", "upgrade", "http2-settings"}
        assert ("content-length", str(len(body))) in request.headers
    assert dict(requests[3].headers)["x-title"].encode("latin-1").decode() == "月亮"


def test_nothing_is_added_to_a_request(path: Path, connect: Any, wire: Any) -> None:
    """For a client that sends no Accept-Encoding, the upstream is not asked for gzip."""
    with upstream.start("array", pace=0) as server, proxied(path, server.url) as url:
        with connect(url, "/v1/models/array:streamGenerateContent") as (_, reader):
            assert wire.head(reader).header("content-encoding") is None
        assert {name for name, _ in server.requests[0].headers} == {"host", "content-length", "x-goog-api-key"}


def test_the_recorded_request_is_the_upstreams(path: Path) -> None:
    """It has the upstream's URL and host, the client's name, and no key."""
    with scripted(events(1)) as server, proxied(path, server.url) as url:
        headers = {"user-agent": "curl/8.5.0", "authorization": f"Bearer {KEY}"}
        httpx.post(f"{url}{PATH}&key={KEY}", json={**ASK, "apiKey": KEY}, headers=headers)
        request = recorded_after(path)
        assert request.url.startswith(server.url + PATH)
        assert dict(request.headers)["host"] == server.url.removeprefix("http://")
    assert request.client == "curl/8.5.0"
    assert KEY.encode() not in path.read_bytes()


def recorded_after(path: Path) -> Any:
    """The request in the journal, while the recording is still under way."""
    from gemini_replay.cassette.files import salvage

    return salvage(path.with_name(f"{path.name}.part")).cassette.interactions[0].request


def test_gzip_passes_untouched_and_is_stored_decoded(path: Path) -> None:
    """Each wire chunk is decoded on its own, as in recordings within a process."""
    with upstream.start("array", pace=0.02) as server, proxied(path, server.url) as url:
        with httpx.stream("POST", f"{url}/v1/models/array:streamGenerateContent?key=k", json=ASK) as answer:
            live = list(answer.iter_raw())
        assert live == [data for _, data in server.sent[0]]
        assert answer.headers["content-encoding"] == "gzip"
    stored = recorded(path)[0]
    unpacker = zlib.decompressobj(wbits=31)
    assert [chunk.data for chunk in stored.chunks] == [unpacker.decompress(chunk) for chunk in live]
    assert stored.response is not None
    assert stored.response.body == "decoded"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_body_of_known_length_keeps_it(path: Path, method: str) -> None:
    """This holds for HEAD requests too, in recording and replay."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})

    answers = []
    with running.Running(app) as server:
        for mode in ("rewrite", "once"):
            with proxied(path, server.url, mode=mode) as url:
                answers.append(httpx.request(method, f"{url}/v1/models/m"))
    for answer in answers:
        assert answer.headers["content-length"] == "5"
        assert answer.content == (b"hello" if method == "GET" else b"")


class TestTimes:
    """Recorded times are the wire's, whatever the client does."""

    def test_a_slow_client_does_not_show_in_the_recording(self, path: Path, connect: Any, wire: Any) -> None:
        """Each chunk has the time at which it was sent, although the client reads the first one after the last."""
        chunks = events(8)
        paced = Paced(chunks)
        told, seen = [], []
        with running.Running(paced.app) as server:
            with proxied(path, server.url) as url, connect(url, PATH) as (_, reader):
                wire.head(reader)
                part = path.with_name(f"{path.name}.part")
                for count in range(1, len(chunks) + 1):
                    told.append(time.perf_counter())
                    paced()
                    until(lambda count=count: part.read_bytes().count(b"\n[") == count)
                    seen.append(time.perf_counter())
                assert [wire.chunk(reader) for _ in chunks] == chunks
        gaps = [chunk.after for chunk in recorded(path)[0].chunks[1:]]
        for gap, (told_before, told_then), (seen_before, seen_then) in zip(
            gaps, pairwise(told), pairwise(seen), strict=True
        ):
            assert told_then - seen_before - 0.001 <= gap <= seen_then - told_before + 0.001

    def test_a_client_that_does_not_read_delays_nothing(self, path: Path, connect: Any, wire: Any) -> None:
        """While the client sleeps, the whole answer is recorded at its pace.

        It is larger than the sockets' buffers, and smaller than that of the recording's reader.
        """
        chunks = [bytes([65 + n]) * (ROOM // 8) for n in range(7)]
        with scripted(chunks, gap=0.02) as server:
            with proxied(path, server.url) as url, connect(url, PATH) as (_, reader):
                wire.head(reader)
                part = path.with_name(f"{path.name}.part")
                until(lambda: b'{"end": "eof"' in part.read_bytes()[-200:])
                assert b"".join(iter(lambda: wire.chunk(reader), b"")) == b"".join(chunks)
            sent = [at for at, _ in server.sent[0]]
        stored = recorded(path)[0]
        assert stored.body == b"".join(chunks)
        assert stored.end.kind == "eof"
        assert stored.duration < sent[-1] - sent[0] + 2

    def test_recorded_times_do_not_include_connecting_to_the_upstream(self, path: Path, fetch: Fetch) -> None:
        """The head's time counts from the moment when the request left."""
        with scripted(events(2), head_after=0.2) as server, proxied(path, server.url) as url:
            fetch(url, PATH)
        response = recorded(path)[0].response
        assert response is not None
        assert 0.19 < response.after < 1


class TestModes:
    """Record modes: what is played and what is recorded."""

    def test_new_plays_recordings_and_appends_missing_ones(self, path: Path, fetch: Fetch) -> None:
        """New recordings are added at the end of the cassette."""
        with scripted(events(2)) as server:
            with proxied(path, server.url) as url:
                fetch(url, PATH)
            with proxied(path, server.url, mode="new", repeat=True) as url:
                assert [fetch(url, PATH).chunks for _ in range(3)] == [events(2)] * 3
                fetch(url, PATH, body={"contents": []})
            assert len(server.requests) == 2
        assert [interaction.request.json for interaction in recorded(path)] == [ASK, {"contents": []}]

    def test_once_refuses_requests_without_a_recording(self, path: Path) -> None:
        """The answer is a miss."""
        with scripted(events(2)) as server:
            with proxied(path, server.url, mode="once") as url:
                httpx.post(url + PATH, json=ASK)
            with proxied(path, server.url, mode="once") as url:
                answer = httpx.post(url + PATH, json={})
            assert len(server.requests) == 1
        assert answer.status_code == 404
        assert answer.headers["x-gemini-replay"] == "miss"

    def test_the_address_of_upstream_is_not_recorded(self, path: Path, fetch: Fetch) -> None:
        """The recorded URL has the base URL's host: a stand-in leaves no trace in the cassette."""
        with scripted(events(2)) as server:
            with proxied(path, "https://generativelanguage.googleapis.com", upstream=f"{server.url}/in") as url:
                assert fetch(url, PATH).chunks == events(2)
            assert server.requests[0].path == f"/in{PATH.partition('?')[0]}"
        request = recorded(path)[0].request
        assert request.url == f"https://generativelanguage.googleapis.com{PATH}"
        assert dict(request.headers)["host"] == "generativelanguage.googleapis.com"


def test_many_clients_record_side_by_side(path: Path) -> None:
    """Each gets its own stream; the cassette holds them whole, in the order of the requests."""
    with scripted(events(10), gap=0.01) as server, proxied(path, server.url) as url:
        asks = [{"contents": [{"parts": [{"text": f"number {n}"}]}]} for n in range(20)]
        got: list[bytes] = []
        threads = [
            threading.Thread(target=lambda ask=ask: got.append(httpx.post(url + PATH, json=ask).content))
            for ask in asks
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == [b"".join(events(10))] * 20
    stored = recorded(path)
    assert {len(interaction.chunks) for interaction in stored} == {10}
    texts = sorted(json.dumps(interaction.request.json) for interaction in stored)
    assert texts == sorted(json.dumps(ask) for ask in asks)
