"""The framings of the embedded upstream: SSE, arrays, gzip, a gateway's form, and raw chunks."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

MODEL = "models/gemini-2.5-flash:streamGenerateContent"
Fetch = Callable[..., Any]


def test_sse_is_one_http_chunk_for_each_event(fetch: Fetch, server: Any) -> None:
    """With alt=sse each chunk is one event: data, JSON on one line, CRLF CRLF; never compressed."""
    answer = fetch(server.url, headers={"accept-encoding": "gzip"})
    assert len(answer.chunks) > 10
    for chunk in answer.chunks:
        assert chunk.startswith(b"data: {")
        assert chunk.endswith(b"}\r\n\r\n")
        assert chunk.count(b"\n") == 2
        json.loads(chunk[6:])
    assert answer.header("content-encoding") is None
    assert "\\u003c" in answer.body.decode()
    assert "🐈" in answer.body.decode()


def test_without_alt_the_answer_is_an_array_piece_by_piece(fetch: Fetch, server: Any) -> None:
    """Without alt=sse each element of a pretty-printed array is one chunk."""
    answer = fetch(server.url, f"/v1beta/{MODEL}")
    assert answer.header("content-type") == "application/json; charset=UTF-8"
    assert answer.header("content-disposition") is None
    first, second, *_, last = answer.chunks
    assert first.startswith(b'[{\n  "candidates": [\n')
    assert first.endswith(b"\n}\n")
    assert second.startswith(b",\r\n{\n")
    assert last == b"]"
    assert len(json.loads(answer.body)) == len(answer.chunks) - 1


def test_gzip_is_flushed_with_each_element(fetch: Fetch, server: Any) -> None:
    """A client that takes gzip gets each element in a chunk that ends with a sync flush."""
    plain = fetch(server.url, f"/v1beta/{MODEL}")
    packed = fetch(server.url, f"/v1beta/{MODEL}", headers={"accept-encoding": "br, gzip;q=0.5"})
    assert packed.header("content-encoding") == "gzip"
    assert len(packed.chunks) == len(plain.chunks)
    unpacker = zlib.decompressobj(wbits=31)
    for nth, chunk in enumerate(packed.chunks[:-1]):
        assert chunk.endswith(b"\0\0\xff\xff")
        assert unpacker.decompress(chunk) == plain.chunks[nth]
    assert unpacker.decompress(packed.chunks[-1]) == b"]"
    assert unpacker.eof


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "gzip; q=0.0", "deflate, br"])
def test_gzip_is_not_forced_on_anyone(fetch: Fetch, server: Any, accepted: str) -> None:
    """A client that does not take gzip gets plain JSON."""
    answer = fetch(server.url, f"/v1beta/{MODEL}", headers={"accept-encoding": accepted})
    assert answer.header("content-encoding") is None
    json.loads(answer.body)


class TestGateway:
    """The form in which API gateways send Gemini streams."""

    @pytest.mark.parametrize("query", ["?alt=sse", ""], ids=["sse asked", "nothing asked"])
    def test_any_scenario_can_be_wrapped(self, fetch: Fetch, query: str) -> None:
        """It is always SSE with LF, headers inside each event, a comment and a final [DONE]. A Bearer key works."""
        with upstream.start("max_tokens", gateway=True, key="tok", pace=0) as server:
            answer = fetch(
                server.url,
                f"/team/gemini/v1beta/{MODEL}{query}",
                key=None,
                headers={"authorization": "Bearer tok", "accept-encoding": "gzip"},
            )
        first, comment, *_, last = answer.chunks
        assert "content-type" in json.loads(first[6:])["sdkHttpResponse"]["headers"]
        assert comment == b": keep-alive\n\n"
        assert last == b"data: [DONE]\n\n"
        assert b"\r" not in answer.body
        assert answer.header("content-encoding") is None

    def test_the_plain_form_only_wraps(self, fetch: Fetch) -> None:
        """``plain`` has neither comment nor [DONE]: every block is an event."""
        with upstream.start("max_tokens", gateway="plain", pace=0) as server:
            answer = fetch(server.url)
        assert all("sdkHttpResponse" in json.loads(chunk[6:]) for chunk in answer.chunks)

    def test_errors_come_as_data(self, fetch: Fetch) -> None:
        """An error in mid-stream is an event of its own."""
        with upstream.start("inband_error", gateway="plain", pace=0) as server:
            answer = fetch(server.url)
        assert json.loads(answer.body.split(b"\n\n")[-2][6:])["error"]["code"] == 503


def test_raw_chunks_go_out_as_given(fetch: Fetch) -> None:
    """``from_chunks`` sends these chunks, this status and these headers, whatever is asked for."""
    chunks = [b"\xff\x00", b"data: {\r", b"\n"]
    scenario = Scenario.from_chunks(
        chunks,
        gaps=[0.001, 0.002, 0],
        status=207,
        headers={"Content-Type": "x/y", "Content-Length": "3", "X-Twice": "1"},
    )
    with upstream.start(scenario) as server:
        answer = fetch(server.url, "/anything", body=b"no JSON")
    assert (answer.status, answer.chunks, answer.complete) == (207, chunks, True)
    assert answer.headers == [
        ("content-type", "x/y"),
        ("x-twice", "1"),
        ("transfer-encoding", "chunked"),
    ]
