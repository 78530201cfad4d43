"""Heads that cannot be sent to a client: an upstream's and a recording's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.clients import KEY
from support.raw_server import Answer, head, raw_server
from support.streams import PATH, events

from gemini_replay import Cassette, Interaction, Session
from gemini_replay.cassette.matching.lookup import InMemory, Recording
from gemini_replay.cassette.model import Chunk, Headers, Request, Response
from gemini_replay.server.serving import serving

ASK = {"contents": [{"role": "user", "parts": [{"text": "Tell me a story."}]}]}

CANNOT_BE_PASSED_ON = {
    "999": (head("999 No", "content-length: 0"), "the status 999"),
    "600": (head("600 No", "content-length: 0"), "the status 600"),
    "101": (head("101 Switching Protocols", "upgrade: h2c", "connection: upgrade"), "not valid HTTP/1.1"),
    "099": (b"HTTP/1.1 099 No\r\n\r\n", "not valid HTTP/1.1"),
    "two lengths": (head("200 OK", "content-length: 1", "content-length: 2"), "not valid HTTP/1.1"),
    "header line": (head("200 OK", f"set-cookie : {KEY}"), "not valid HTTP/1.1"),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not valid HTTP/1.1"),
}


@pytest.mark.parametrize(("answer", "reason"), CANNOT_BE_PASSED_ON.values(), ids=CANNOT_BE_PASSED_ON)
def test_an_upstreams_bad_head_is_a_502(
    tmp_path: Path, answer: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer and the log give the reason without secrets. Nothing is recorded, but the next request is."""
    path = tmp_path / "c.jsonl"
    session = Session(path, mode="rewrite", hosts=None)
    good = head("200 OK", "content-length: 2") + b"{}"
    with raw_server(Answer([(0, answer)], "close"), Answer([(0, good)])) as server:
        with serving(session, base=server.url) as url:
            bad = httpx.post(url + PATH, json=ASK)
            assert httpx.post(url + PATH, json=ASK).content == b"{}"
    session.close()
    error = bad.json()["error"]
    assert (bad.status_code, error["code"], error["status"]) == (502, 502, "UNAVAILABLE")
    assert reason in error["message"]
    assert bad.headers["x-gemini-replay"] == "error"
    assert reason in caplog.text
    assert KEY not in caplog.text + bad.text
    assert [found.response.status for found in Cassette.load(path).interactions if found.response] == [200]
    assert session.problems == []


def test_interim_responses_are_left_out(tmp_path: Path) -> None:
    """The proxy skips those before the real response, as any client does."""
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 150 Strange\r\n\r\n"
    session = Session(tmp_path / "c.jsonl", mode="rewrite", hosts=None)
    with raw_server(Answer([(0, interim + head("200 OK", "content-length: 2") + b"{}")])) as server:
        with serving(session, base=server.url) as url:
            assert httpx.post(url + PATH, json=ASK).content == b"{}"
    session.close()


def test_a_url_that_is_too_long_to_be_sent_on_is_a_400(tmp_path: Path) -> None:
    """Nothing is recorded."""
    session = Session(tmp_path / "c.jsonl", mode="rewrite", hosts=None)
    with raw_server() as server:
        with serving(session, base=f"{server.url}/{'x' * 500}") as url:
            answer = httpx.get(f"{url}/{'a' * 65_300}", headers={"accept": "a", "user-agent": "a"})
        assert server.requests == []
    session.close()
    assert answer.status_code == 400
    assert not (tmp_path / "c.jsonl").exists()


@contextmanager
def served(session: Session) -> Iterator[str]:
    with serving(session) as url:
        yield url
    session.close()


@pytest.mark.parametrize(
    ("status", "headers", "what"),
    [
        (999, (), "the status 999"),
        (101, (), "the status 101"),
        (200, (("x-a", "one\r\ntwo: 2"),), "the header 'x-a'"),
        (200, (("x a", "1"),), "the header 'x a'"),
        (200, (("", "1"),), "the header ''"),
        (200, (("x-a", "1\0"),), "the header 'x-a'"),
    ],
    ids=["999", "101", "line break", "space in a name", "no name", "NUL"],
)
def test_a_recording_that_http_cannot_carry_is_a_500(
    tmp_path: Path, status: int, headers: Headers, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer gives the reason; there is no traceback."""
    url = f"https://generativelanguage.googleapis.com{PATH}"
    request = Request("POST", url, body=json.dumps(ASK).encode())
    recording = Interaction(request, Response(status, headers), (Chunk(0, events(1)[0]),))
    path = tmp_path / "c.jsonl"
    Cassette([Interaction(request, Response(200), ())]).save(path)
    session = Session.replaying(path, hosts=None)
    stored = Recording(0, path, 1, "interaction 1 of 1", InMemory(request, recording), [])
    session._replayer._pool.take = lambda request: stored  # type: ignore[method-assign]
    with served(session) as base:
        answer = httpx.post(base + PATH, json=ASK)
    assert (answer.status_code, answer.headers["x-gemini-replay"]) == (500, "error")
    assert what in answer.json()["error"]["message"]
    assert what in caplog.text
    assert not [record for record in caplog.records if record.exc_info]
