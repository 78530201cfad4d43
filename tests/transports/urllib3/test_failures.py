"""requests and urllib3: a failure raises the library's own error, live, in recording and on replay."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

import pytest
import requests
import requests.adapters
import urllib3
from support.clients import ASK, TIMEOUT, Client
from support.raw_server import CHUNKED, LAST, Answer, chunked, head, raw_server
from support.streams import GOOGLE, PATH
from support.urllib3_cases import (
    BODY,
    CHUNKS,
    STREAM,
    answer,
    asked,
    cassette,
    stored,
)

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, End, Interaction, Response
from gemini_replay.errors import MissError, RecordingEndedError, RecordingError

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
"""Failures whose details a cassette does not store: how much of an HTTP chunk came, or a wrong framing."""


def chain(error: BaseException | None) -> list[str]:
    """Each exception in the traceback, with its type and message, without the addresses of objects."""
    shown = []
    while error is not None:
        shown.append(f"{type(error).__module__}.{type(error).__name__}: {re.sub('0x[0-9a-f]+', '…', str(error))}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return shown


def params(cases: dict[str, Any]) -> list[Any]:
    return [pytest.param(*case, id=name) for name, case in cases.items()]


@pytest.mark.parametrize(("reply", "ending"), params({**FAILURES, **NEARLY}))
def test_a_failure_is_the_librarys_own_live_recorded_and_replayed(
    client: Client, reply: Answer, ending: str, path: Path
) -> None:
    """Type and chunks are the same, and so are message and causes, unless a cassette cannot store the details."""
    timeout = TIMEOUT if ending == "timeout" else 10.0
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


def test_a_partly_received_http_chunk_is_recorded(client: Client, path: Path) -> None:
    """Clients that read in small pieces have seen its first part."""
    with raw_server(NEARLY["reset in an HTTP chunk"][0]) as server, gemini_replay.record(path):
        client.fetch(server.url + PATH)
    assert [chunk.data for chunk in stored(path).chunks] == [*CHUNKS[:2], CUT.partition(b"\r\n")[2]]


def test_a_slow_consumer_does_not_time_out_on_due_chunks(client: Client, path: Path) -> None:
    """As on a socket, the timeout counts from when the client asks for more, not from the previous chunk."""
    reply = Answer([(0.0, CHUNKED + chunked(CHUNKS[0])), (0.8, chunked(CHUNKS[1]) + LAST)])
    with raw_server(reply) as server:
        assert client.fetch(server.url + PATH, timeout=TIMEOUT, consume=1.0).error is None
        with gemini_replay.record(path):
            recorded = client.fetch(server.url + PATH, timeout=TIMEOUT, consume=1.0)
        with gemini_replay.replay(path):
            again = client.fetch(server.url + PATH, timeout=TIMEOUT, consume=1.0)
    assert (recorded.error, again.error) == (None, None)
    assert stored(path).end.kind == "eof"


def test_a_refused_connection_is_the_librarys_own_error_with_a_note(client: Client, path: Path) -> None:
    """The note is on the exception about the connection, which the traceback shows as the cause."""
    with pytest.raises(RecordingError, match=r"no connection to http://127\.0\.0\.1:9 \(NewConnectionError\)"):
        with gemini_replay.record(path):
            seen = client.fetch("http://127.0.0.1:9" + PATH)
    assert type(seen.error) is client.errors["connect"]
    assert seen.error is not None
    shown = "".join(traceback.format_exception(seen.error))
    assert "no connection to http://127.0.0.1:9. " in shown
    assert not path.exists()


def test_reading_past_a_cancelled_recording_is_explained(client: Client, path: Path) -> None:
    """The error is raised from the library's own loop, but is not one of the library's."""
    cut = Interaction(asked(), Response(200), (Chunk(0, CHUNKS[0]),), End("cancelled"))
    with gemini_replay.replay(cassette(path, cut)):
        seen = client.fetch(GOOGLE)
    assert seen.chunks == CHUNKS[:1]
    assert type(seen.error) is RecordingEndedError


def test_a_miss_is_not_retried(path: Path) -> None:
    """Whatever retries the client has, there is one attempt, and our own error is raised unwrapped."""
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
    """A 503 and then an answer are recorded and replayed as two interactions."""
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
