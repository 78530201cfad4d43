"""The replay server gives recordings, unchanged, to any HTTP client."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import statistics
import time
import zlib
from typing import Any

import httpx
import pytest
from support.clients import CLIENTS, Client
from support.measuring import least
from support.replays import ASK, SSE, Fetch, interaction
from support.streams import PATH, events

from gemini_replay.cassette.model import Headers


class TestAnswers:
    """Bytes, boundaries, times and heads."""

    def test_one_recorded_chunk_is_one_http_chunk(self, fetch: Fetch, served: Any) -> None:
        """This holds for any bytes. Head and body are the recorded ones."""
        chunks = [b"data: {\r", b"\n\xff\x00", "你".encode()[:2], "你".encode()[2:]]
        with served(interaction(chunks, status=207, headers=(*SSE, ("x-twice", "1"), ("x-twice", "2")))) as url:
            answer = fetch(url, PATH)
        assert (answer.status, answer.chunks, answer.complete) == (207, chunks, True)
        assert answer.headers == [
            ("content-type", "text/event-stream"),
            ("x-twice", "1"),
            ("x-twice", "2"),
            ("transfer-encoding", "chunked"),
        ]

    @pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
    def test_every_client_sees_the_recorded_boundaries(self, client: Client, served: Any) -> None:
        """Each client sees the chunks as from Google itself, and no chunk waits for another one."""
        from support.clients import ASK

        chunks = events(20)

        def late() -> float:
            with served(interaction(chunks, gap=0.02, after=0.05, ask=ASK)) as url:
                seen = client.fetch(url + PATH)
            assert seen.error is None
            assert seen.chunks == chunks
            early = min(at - seen.began - 0.05 - 0.02 * n for n, at in enumerate(seen.times, 1))
            assert early > -0.005
            # Lateness counts from the head, since clients differ in how long they take to connect.
            return statistics.median(at - seen.headed - 0.02 * n for n, at in enumerate(seen.times, 1))

        assert least(late, 0.25) < 0.25

    def test_speed_divides_the_times(self, fetch: Fetch, served: Any) -> None:
        """A minute is played at a speed of 1000, an hour at instant speed."""
        with served(interaction(events(60), gap=1.0), speed=1000) as url:
            started = time.perf_counter()
            assert fetch(url, PATH).chunks == events(60)
            assert 0.06 < time.perf_counter() - started < 10
        with served(interaction(events(60), gap=60.0), speed="instant") as url:
            assert fetch(url, PATH).body == b"".join(events(60))

    def test_a_json_array_comes_in_its_pieces(self, fetch: Fetch, served: Any) -> None:
        """Without alt=sse, another recording answers."""
        array, path = [b"[{\n}\n", b",\r\n{\n}\n", b"]"], PATH.removesuffix("?alt=sse")
        head: Headers = (("content-type", "application/json; charset=UTF-8"),)
        with served(interaction(events(2)), interaction(array, path=path, headers=head)) as url:
            assert fetch(url, path).chunks == array
            assert fetch(url, PATH).chunks == events(2)

    def test_clients_that_accept_gzip_get_gzip_chunk_by_chunk(self, fetch: Fetch, served: Any) -> None:
        """Each chunk can be decompressed as soon as it comes. Other clients get plain chunks."""
        head: Headers = (("content-type", "application/json"), ("content-encoding", "gzip"), ("content-length", "9"))
        with served(interaction(events(5), headers=head, body="decoded")) as url:
            packed = fetch(url, PATH, headers={"accept-encoding": "gzip, br"})
            plain = fetch(url, PATH)
        unpacker = zlib.decompressobj(wbits=31)
        assert [unpacker.decompress(chunk) for chunk in packed.chunks] == events(5)
        assert packed.header("content-encoding") == "gzip"
        assert (plain.chunks, plain.header("content-encoding")) == (events(5), None)

    def test_a_body_kept_as_the_wires_goes_out_unchanged(self, served: Any) -> None:
        """Its length is sent if it is true."""
        packed = gzip.compress(b"{}")
        head: Headers = (("content-encoding", "gzip"), ("content-length", str(len(packed))))
        with served(interaction([packed], headers=head, body="wire")) as url:
            answer = httpx.post(f"{url}{PATH}", json=ASK)
        assert answer.json() == {}
        assert answer.headers["content-length"] == str(len(packed))
        assert "transfer-encoding" not in answer.headers

    def test_errors_are_answers_like_any_other(self, fetch: Fetch, served: Any) -> None:
        """A recorded 429 has its status, headers and body, without the mark of our own answers."""
        head: Headers = (("content-type", "text/event-stream"), ("retry-after", "7"))
        with served(interaction([b'{"error": {}}'], status=429, headers=head)) as url:
            answer = fetch(url, PATH)
        assert (answer.status, answer.header("retry-after"), answer.body) == (429, "7", b'{"error": {}}')
        assert answer.header("x-gemini-replay") is None

    def test_headers_of_the_recorded_connection_are_left_out(self, served: Any) -> None:
        """Headers about the recorded connection would be wrong for this one."""
        own = (("connection", "close, x-own"), ("x-own", "1"), ("keep-alive", "timeout=1"), ("te", "gzip"))
        with served(interaction(events(1), headers=(*SSE, *own))) as url, httpx.Client() as client:
            for _ in range(2):
                answer = client.post(url + PATH, json=ASK)
                assert set(answer.headers) == {"content-type", "transfer-encoding"}

    def test_a_header_beyond_latin_1_is_sent_as_utf_8(self, served: Any) -> None:
        """A cassette written by hand may have one."""
        with served(interaction(events(1), headers=(("x-title", "月亮"),))) as url:
            assert dict(httpx.post(url + PATH, json=ASK).headers.raw)[b"x-title"].decode() == "月亮"

    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
    def test_other_methods_and_paths_are_replayed_too(self, served: Any, method: str) -> None:
        """A model's description, or anything else that was recorded, is played."""
        path, head = "/v1beta/models/gemini-x", (("content-type", "application/json"),)
        body = [] if method == "HEAD" else [b"{}"]
        with served(interaction(body, method=method, path=path, ask=None, headers=head)) as url:
            answer = httpx.request(method, url + path)
        assert (answer.status_code, answer.content) == (200, b"".join(body))

    @pytest.mark.parametrize("prefix", ["", "/team/gemini", "//odd"], ids=["none", "gateway", "odd"])
    def test_prefix_host_name_and_key_do_not_matter(self, fetch: Fetch, served: Any, prefix: str) -> None:
        """Matching compares none of them, nor the API version."""
        path = f"{prefix}/v1alpha/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=abc"
        with served(interaction(events(2))) as url:
            answer = fetch(url, path, headers={"host": "localhost:1", "authorization": "Bearer abc"})
        assert answer.chunks == events(2)

    def test_a_client_of_http_1_0_gets_the_body_up_to_the_close(self, served: Any) -> None:
        """HTTP/1.0 has no chunks."""
        body = json.dumps(ASK).encode()
        with served(interaction(events(2))) as url:
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=30) as sock:
                sock.sendall(f"POST {PATH} HTTP/1.0\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
                got = b"".join(iter(lambda: sock.recv(65536), b""))
        assert got.partition(b"\r\n\r\n")[2] == b"".join(events(2))


def test_fifty_clients_at_once_get_each_chunk_in_its_own_time(served: Any) -> None:
    """Concurrent streams are complete and equal, and none waits for another."""
    chunks = events(20)

    async def one(client: httpx.AsyncClient, url: str) -> tuple[bytes, list[float]]:
        started, times, body = time.perf_counter(), [], b""
        async with client.stream("POST", url + PATH, json=ASK) as answer:
            async for data in answer.aiter_raw():
                times.append(time.perf_counter() - started)
                body += data
        return body, times

    async def all_of_them(url: str) -> list[tuple[bytes, list[float]]]:
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=50), timeout=60) as client:
            return await asyncio.gather(*(one(client, url) for _ in range(50)))

    head, gap = 0.3, 0.05
    with served(interaction(chunks, gap=gap, after=head)) as url:
        answers = asyncio.run(all_of_them(url))
    assert {body for body, _ in answers} == {b"".join(chunks)}
    assert all(times[0] > head + gap - 0.002 for _, times in answers)
    took, due = [times[-1] for _, times in answers], head + gap * len(chunks)
    assert min(took) > due - 0.002
    assert statistics.median(took) < 5 * due  # one after another they would take 50 times as long
