"""The contract of every transport: bytes, boundaries and times, in recording and replay."""

from __future__ import annotations

import statistics
from itertools import accumulate, count, pairwise
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import recorded, streaming
from support.clients import KEY, Client, Seen
from support.contract import GAP, assert_in_rhythm, scripted
from support.every_client import EVERY_CLIENT
from support.measuring import least
from support.streams import GOOGLE, PATH, cut_at_events, events

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.errors import MissError
from gemini_replay.server import upstream


def test_a_recorded_stream_replays_chunk_for_chunk_without_the_server(client: Client, path: Path) -> None:
    """The client sees the same as live, and nothing reaches the server."""
    chunks = events(8)
    with upstream.start(scripted(chunks, gap=0.005)) as server:
        with gemini_replay.record(path):
            live = client.fetch(server.url + PATH)
        asked = len(server.app.requests)
        with gemini_replay.replay(path, speed="instant") as session:
            again = client.fetch(server.url + PATH)
        assert len(server.app.requests) == asked == 1
    assert (live.error, again.error) == (None, None)
    assert live.chunks == again.chunks == chunks
    assert (live.status, live.headers) == (again.status, again.headers)
    assert [i.text for i in session.played] == ["".join(f"第{n}句。🌙" for n in range(1, 9))]


def test_replay_needs_no_server_at_all(client: Client, path: Path) -> None:
    """A cassette recorded from one host answers requests to the real host, since matching ignores hosts."""
    with upstream.start(scripted(events(3))) as server, gemini_replay.record(path):
        client.fetch(server.url + PATH)
    with gemini_replay.replay(path):
        again = client.fetch(GOOGLE)
    assert again.body == b"".join(events(3))


def test_every_body_of_the_corpus_is_recorded_and_replayed_exactly(corpus_entry: dict[str, Any], path: Path) -> None:
    """Byte for byte and chunk for chunk, in every client, at the chunk boundaries of a real server.

    The network may carry a large chunk in pieces (loopback often does from about 32 KiB). The client then sees these
    pieces, and they are what is recorded and replayed.
    """
    body = corpus_entry["body"]
    sizes = corpus_entry.get("wire_chunk_sizes")
    if sizes and sum(sizes) == len(body):
        bounds = [sum(sizes[:n]) for n in range(len(sizes) + 1)]
        chunks = [body[a:b] for a, b in pairwise(bounds)]
    else:
        chunks = cut_at_events(body, corpus_entry["framing"])
    content_type = "text/event-stream" if corpus_entry["framing"] == "sse" else "application/json; charset=UTF-8"
    scenario = scripted(
        chunks,
        gap=0.001,
        status=corpus_entry["status"] or 200,
        headers=(("content-type", content_type),),
    )
    with upstream.start(scenario) as server:
        for client in EVERY_CLIENT:
            with gemini_replay.record(path):
                live = client.fetch(server.url + PATH)
            with gemini_replay.replay(path, speed="instant"):
                again = client.fetch(server.url + PATH)
            assert live.body == body, client.name
            assert set(_ends(live.chunks)) >= set(_ends(chunks)), client.name
            assert len(live.chunks) - len(chunks) <= len(body) // 4_096, client.name
            assert again.chunks == live.chunks, client.name
            stored = Cassette.load(path).interactions[0]
            assert [chunk.data for chunk in stored.chunks] == live.chunks, client.name
            assert stored.end.kind == "eof"
        assert len(server.app.requests) == len(EVERY_CLIENT)


def _ends(chunks: list[bytes]) -> list[int]:
    """Where each chunk ends in the body."""
    return list(accumulate(map(len, chunks)))


def test_replay_keeps_the_recorded_rhythm(client: Client, path: Path) -> None:
    """The wait for the head and the gaps between chunks."""
    recorded(path, streaming(*events(8), gap=GAP, after=GAP))

    def fetch() -> Seen:
        with gemini_replay.replay(path):
            return client.fetch(GOOGLE)

    assert_in_rhythm(fetch, after=GAP)


def test_recorded_times_are_the_wires_not_the_consumers(client: Client, tmp_path: Path) -> None:
    """Even a consumer that works three times as long as the gaps does not change the recorded times."""
    paths = (tmp_path / f"{number}.jsonl" for number in count())

    def off() -> float:
        path = next(paths)
        with upstream.start(scripted(events(5), gap=GAP)) as server:
            with gemini_replay.record(path):
                client.fetch(server.url + PATH, consume=3 * GAP)
            sent = [at for at, _ in server.app.sent[0]]
        chunks = Cassette.load(path).interactions[0].chunks
        gaps = zip(chunks[1:], pairwise(sent), strict=True)
        return statistics.median(abs(chunk.after - (b - a)) for chunk, (a, b) in gaps)

    assert least(off, GAP) < GAP  # with the consumer's times it would be two gaps


def test_recording_does_not_delay_the_client(client: Client, tmp_path: Path) -> None:
    """The client has most chunks before the server sends the next ones."""
    paths = (tmp_path / f"{number}.jsonl" for number in count())

    def delayed() -> int:
        with upstream.start(scripted(events(8), gap=GAP)) as server, gemini_replay.record(next(paths)):
            seen = client.fetch(server.url + PATH)
            sent = [at for at, _ in server.app.sent[0]]
        assert len(seen.times) == len(sent) == 8
        return sum(came >= following for came, following in zip(seen.times, sent[1:], strict=False))

    assert least(delayed, 4) < 4  # of seven


def test_gzip_is_stored_decoded_and_replayed_as_gzip_if_accepted(client: Client, path: Path) -> None:
    """Clients with and without gzip get the same elements at the same boundaries."""
    url = "/v1beta/models/array:streamGenerateContent"
    gzip, plain = {"x-goog-api-key": KEY, "accept-encoding": "gzip"}, {"x-goog-api-key": KEY, "accept-encoding": ""}
    with upstream.start(pace=0.1) as server, gemini_replay.record(path):
        live = client.fetch(server.url + url, headers=gzip, raw=False)
    assert live.headers["content-encoding"] == "gzip"
    stored = Cassette.load(path).interactions[0]
    assert stored.response is not None
    assert stored.response.body == "decoded"
    assert stored.body == live.body
    assert stored.body.startswith(b"[{")
    with gemini_replay.replay(path, speed="instant"):
        again = client.fetch(server.url + url, headers=gzip, raw=False)
    with gemini_replay.replay(path, speed="instant"):
        bare = client.fetch(server.url + url, headers=plain)
    assert again.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in bare.headers
    assert again.chunks == live.chunks
    assert bare.body == live.body


def test_an_error_instead_of_a_stream_is_an_answer_like_any_other(client: Client, path: Path) -> None:
    """Status, headers and body of a 429 come back."""
    with upstream.start("429", pace=0) as server:
        with gemini_replay.record(path):
            live = client.fetch(server.url + PATH)
        with gemini_replay.replay(path):
            again = client.fetch(server.url + PATH)
    assert live.status == again.status == 429
    assert live.body == again.body
    assert b"RESOURCE_EXHAUSTED" in again.body


def test_a_miss_is_our_own_error_and_names_the_nearest(client: Client, path: Path) -> None:
    """It is not a connection error, which SDKs would retry, and it shows no secret."""
    with upstream.start(scripted(events(2))) as server, gemini_replay.record(path):
        client.fetch(server.url + PATH)
    other = {"contents": [{"role": "user", "parts": [{"text": "something else"}]}]}
    with pytest.raises(MissError) as missed, gemini_replay.replay(path):
        seen = client.fetch(GOOGLE, json=other)
        assert isinstance(seen.error, MissError)
        assert not isinstance(seen.error, (OSError, *client.errors.values()))
    message = str(missed.value)
    assert "contents[0].parts[0].text" in message
    assert "something else" in message
    assert 'mode="new"' in message
    assert KEY not in message


def test_equal_requests_play_in_recorded_order_and_then_miss(client: Client, path: Path) -> None:
    """The first and the second request get the two answers in order; the third is a miss."""
    with gemini_replay.record(path, mode="rewrite"):
        for n in (2, 3):
            with upstream.start(scripted(events(n))) as server:
                client.fetch(server.url + PATH)
    with pytest.raises(MissError, match="already played"), gemini_replay.replay(path) as session:
        assert [len(client.fetch(GOOGLE).chunks) for _ in range(2)] == [2, 3]
        assert session.unused == []
        client.fetch(GOOGLE)


def test_other_requests_reach_their_servers(client: Client, path: Path) -> None:
    """Requests to other hosts and paths are not recorded."""
    with upstream.start(scripted(events(2))) as server, gemini_replay.record(path) as session:
        seen = client.fetch(server.url + "/some/other/api")
    assert seen.chunks == events(2)
    assert not session.recorded
    assert not path.exists()


def test_a_live_request_goes_to_the_upstream_and_is_not_recorded(client: Client, path: Path) -> None:
    """Requests to other hosts and paths reach their own servers."""
    with upstream.start(scripted(events(2))) as server:
        with gemini_replay.record(path, mode="live", upstream=server.url) as session:
            seen = client.fetch(GOOGLE)
            assert client.fetch(server.url + "/other").chunks == events(2)
        assert [one.path for one in server.app.requests][-1] == "/other"
    assert seen.chunks == events(2)
    assert session.recorded_count == 0
    assert not path.exists()


def test_recording_into_an_upstream_keeps_the_clients_own_url(client: Client, path: Path) -> None:
    """A client that asks Google gets the upstream's answer; the cassette has Google's URL."""
    with upstream.start(scripted(events(2))) as server, gemini_replay.record(path, upstream=server.url + "/gw/"):
        seen = client.fetch(GOOGLE)
        assert server.app.requests[0].path.startswith("/gw/v1beta/models/")
    assert seen.chunks == events(2)
    assert Cassette.load(path).interactions[0].request.url == GOOGLE
