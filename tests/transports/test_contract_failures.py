"""The contract of every transport for streams that fail: the library's own error, recorded and replayed."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from support.cassettes import recorded, streaming
from support.clients import TIMEOUT, Client
from support.contract import scripted
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk
from gemini_replay.errors import RecordingError
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario


def test_a_reset_is_the_librarys_own_error_recorded_and_replayed(client: Client, path: Path) -> None:
    """A TCP reset in mid-stream raises it after the chunks before the reset, live and on replay."""
    chunks = events(5)[:3]
    with upstream.start(scripted(chunks, gap=0.01, end="reset", end_after=0.02)) as server:
        with gemini_replay.record(path):
            live = client.fetch(server.url + PATH)
        with gemini_replay.replay(path):
            again = client.fetch(server.url + PATH)
    assert Cassette.load(path).interactions[0].end.kind == "reset"
    for seen in (live, again):
        assert type(seen.error) is client.errors["reset"]
        assert seen.chunks == chunks
    assert str(live.error) == str(again.error)


def test_a_body_that_is_closed_early_raises_the_same_error_again(client: Client, path: Path) -> None:
    """The peer closes the connection normally, but without the last chunk."""
    chunks = events(5)[:2]
    with upstream.start(scripted(chunks, gap=0.01, end="closed")) as server:
        with gemini_replay.record(path):
            live = client.fetch(server.url + PATH)
        with gemini_replay.replay(path):
            again = client.fetch(server.url + PATH)
    end = Cassette.load(path).interactions[0].end
    assert (end.kind, end.how) == ("reset", "closed")
    for seen in (live, again):
        assert type(seen.error) is client.errors["closed"]
        assert seen.chunks == chunks
    assert str(live.error) == str(again.error)


def test_a_gap_beyond_the_read_timeout_raises_the_librarys_read_timeout(client: Client, path: Path) -> None:
    """The error comes after the client's own timeout, long before the gap is over."""
    chunks = events(3)
    patient = streaming(*chunks)
    pauses = tuple(map(Chunk, (0.0, 0.01, 30.0), chunks))
    with gemini_replay.replay(recorded(path, replace(patient, chunks=pauses))):
        seen = client.fetch(GOOGLE, timeout=TIMEOUT)
    assert type(seen.error) is client.errors["timeout"]
    assert seen.chunks == chunks[:2]
    assert 0.15 < seen.ended - seen.times[-1] < 10


def test_a_timeout_while_recording_is_recorded_as_one(client: Client, path: Path) -> None:
    """And raises the same again."""
    chunks = events(4)
    gaps = [0.0, 0.01, 5.0, 0.01]
    with upstream.start(Scenario.from_chunks(chunks, gaps=gaps)) as server:
        plain = client.fetch(server.url + PATH, timeout=TIMEOUT)
        with gemini_replay.record(path):
            live = client.fetch(server.url + PATH, timeout=TIMEOUT)
    with gemini_replay.replay(path):
        again = client.fetch(GOOGLE)
    assert Cassette.load(path).interactions[0].end.kind == "timeout"
    if client.is_async:  # a sync client's message depends on TLS
        assert str(plain.error) == str(live.error) == str(again.error)
    for seen in (plain, live, again):
        assert type(seen.error) is client.errors["timeout"]
        assert seen.chunks == chunks[:2]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpx leaves its generators to trio
def test_an_early_close_is_recorded_as_cancelled(client: Client, path: Path) -> None:
    """The stream is not read to its end for the recording's sake, and closing does not wait for the server."""
    chunks = events(6)
    gaps = [0.0, 0.01, 0.01, 20.0, 0.01, 0.01]
    with upstream.start(Scenario.from_chunks(chunks, gaps=gaps)) as server, gemini_replay.record(path):
        live = client.fetch(server.url + PATH, stop_after=2)
    stored = Cassette.load(path).interactions[0]
    assert stored.end.kind == "cancelled"
    assert live.chunks == chunks[:2]
    assert [chunk.data for chunk in stored.chunks] in (chunks[:2], chunks[:3])
    assert live.ended - live.began < 10
    with gemini_replay.replay(path):
        assert client.fetch(GOOGLE, stop_after=2).error is None


def test_an_unreachable_upstream_is_the_clients_own_error_with_a_note(client: Client, path: Path) -> None:
    """Nothing is recorded and no cassette changes; the end of the block says so too."""
    path.write_text('{"cassette": 1}\n', encoding="utf-8")
    with pytest.raises(RecordingError, match=r"no connection to http://127\.0\.0\.1:9 \("):
        with gemini_replay.record(path, upstream="http://127.0.0.1:9"):
            seen = client.fetch(GOOGLE)
    assert isinstance(seen.error, client.errors["connect"])
    said = "".join(traceback.format_exception(seen.error))
    assert "http://127.0.0.1:9" in said
    assert "--gemini-upstream" in said
    assert path.read_text(encoding="utf-8") == '{"cassette": 1}\n'


def test_recording_does_not_change_when_the_read_timeout_begins(client: Client, path: Path) -> None:
    """A gap is longer than the timeout, but the client is busy for a part of it. The result is as without recording.

    Most clients count from the moment when they ask for more, and go on; aiohttp counts from the last data, and
    raises an error.
    """
    chunks = events(2)
    with upstream.start(Scenario.from_chunks(chunks, gaps=[0.0, 1.0])) as server:
        plain = client.fetch(server.url + PATH, timeout=TIMEOUT, consume=0.7)
        with gemini_replay.record(path):
            live = client.fetch(server.url + PATH, timeout=TIMEOUT, consume=0.7)
    assert type(live.error) is type(plain.error)
    assert plain.chunks == live.chunks
    assert (plain.error is None) is (client.name != "aiohttp")
