"""http.client and urllib.request: how requests are made, connections, proxies."""

from __future__ import annotations

import http.client
import io
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from support.clients import ASK
from support.raw_server import LAST, RawServer, chunked, head, raw_server
from support.streams import GOOGLE, PATH
from support.urllib3_cases import BODY, CHUNKS, HEADERS, answer, stored

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.errors import MissError
from gemini_replay.server import upstream

WHOLE = b"".join(CHUNKS)
HOST = urlsplit(GOOGLE).netloc
TYPED = {"content-type": "application/json", **HEADERS}


def connection(url: str = "") -> http.client.HTTPConnection:
    """A connection to a server, or to Google."""
    return http.client.HTTPConnection(urlsplit(url).netloc) if url else http.client.HTTPSConnection(HOST)


def in_one_call(body: Any, **options: Any) -> Callable[[http.client.HTTPConnection], None]:
    """The usual way."""
    return lambda made: made.request("POST", PATH, body() if callable(body) else body, TYPED, **options)


def by_hand(*pieces: bytes, **headers: str) -> Callable[[http.client.HTTPConnection], None]:
    """Step by step."""

    def ask(made: http.client.HTTPConnection) -> None:
        made.putrequest("POST", PATH)
        for name, value in {**TYPED, **headers}.items():
            made.putheader(name.replace("_", "-"), value)
        made.endheaders()
        for piece in pieces:
            made.send(piece)

    return ask


WAYS = {
    "bytes": in_one_call(BODY),
    "text": in_one_call(BODY.decode()),
    "a file": in_one_call(lambda: io.BytesIO(BODY)),
    "an iterable": in_one_call(lambda: iter([BODY[:9], BODY[9:]])),
    "by hand": by_hand(BODY, content_length=str(len(BODY))),
    "by hand, in pieces": by_hand(BODY[:9], BODY[9:], content_length=str(len(BODY))),
    "by hand, in chunks": by_hand(chunked(BODY), LAST, transfer_encoding="chunked"),
}


def answered(made: http.client.HTTPConnection, ask: Callable[[http.client.HTTPConnection], None]) -> bytes:
    """Ask, and read the whole answer."""
    ask(made)
    with made.getresponse() as response:
        return response.read()


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_make_a_request(way: str, path: Path, server: RawServer) -> None:
    """The request reaches the server unchanged, is recorded, and is replayed."""
    with gemini_replay.record(new := path.with_name("new.jsonl")):
        made = connection(server.url)
        assert answered(made, WAYS[way]) == WHOLE
        made.close()
    assert stored(new).request.json == ASK
    assert server.requests[0].startswith(b"POST /v1beta/models/")
    with gemini_replay.replay(path, speed="instant"):
        assert answered(connection(), WAYS[way]) == WHOLE


def test_a_response_before_the_request_is_complete_is_refused(path: Path) -> None:
    """Otherwise the server would wait for the rest of the request."""
    with gemini_replay.replay(path):
        made = connection()
        by_hand(BODY[:9], content_length=str(len(BODY)))(made)
        with pytest.raises(http.client.ResponseNotReady, match="incomplete"):
            made.getresponse()
        made.close()


def test_one_connection_is_used_again_while_recording(tmp_path: Path, server: RawServer) -> None:
    """This is the same as without recording."""
    made = connection(server.url)
    with gemini_replay.record(path := tmp_path / "new.jsonl"):
        assert [answered(made, in_one_call(BODY)) for _ in range(3)] == [WHOLE] * 3
    assert answered(made, in_one_call(BODY)) == WHOLE
    made.close()
    assert server.connections == 1
    assert len(Cassette.load(path).interactions) == 3


def health(made: http.client.HTTPConnection) -> None:
    """A request that belongs to no session."""
    made.request("GET", "/health")


def test_one_connection_has_played_and_real_answers(tmp_path: Path, server: RawServer) -> None:
    """The session's requests are played. All others go to the server, also after the session."""
    path = tmp_path / "new.jsonl"
    made = connection(server.url)
    with gemini_replay.record(path):
        assert [answered(made, in_one_call(BODY)) for _ in range(2)] == [WHOLE] * 2
    with gemini_replay.replay(path, speed="instant") as session:
        for _ in range(2):
            assert answered(made, health) == WHOLE
            assert answered(made, in_one_call(BODY)) == WHOLE
        assert len(session.played) == 2
    assert answered(made, in_one_call(BODY)) == WHOLE
    made.close()
    assert [request.split()[0] for request in server.requests[2:]] == [b"GET", b"GET", b"POST"]


def test_recording_elsewhere_leaves_the_connection_to_its_own_server(tmp_path: Path, server: RawServer) -> None:
    """The upstream answers the recorded requests, but none after the session."""
    path = tmp_path / "new.jsonl"
    with raw_server(answer(head("200 OK", "content-length: 3"), b"own")) as own:
        made = connection(own.url)
        assert answered(made, health) == b"own"
        with gemini_replay.record(path, upstream=server.url + "/gw", hosts=[urlsplit(own.url).netloc]):
            assert answered(made, in_one_call(BODY)) == WHOLE
        assert answered(made, in_one_call(BODY)) == b"own"
        made.close()
    first = server.requests[0].lower()
    assert first.startswith(b"post /gw/v1beta/models/")
    assert first.count(b"host:") == 1
    assert b"host: " + urlsplit(server.url).netloc.encode() in first
    assert len(server.requests) == 1
    assert stored(path).request.url == own.url + PATH


def test_an_abandoned_request_is_not_recorded(tmp_path: Path, server: RawServer) -> None:
    """Its response was never requested. The next request is recorded."""
    made = connection(server.url)
    with gemini_replay.record(path := tmp_path / "new.jsonl"):
        in_one_call(BODY)(made)
        made.close()
        assert answered(made, in_one_call(BODY)) == WHOLE
        made.close()
    assert len(Cassette.load(path).interactions) == 1


def test_a_connection_to_a_sessions_host_is_opened_when_it_is_needed(path: Path, server: RawServer) -> None:
    """It is never opened on replay. With an upstream, recording opens only a connection to that."""
    made = connection()
    with gemini_replay.replay(path, speed="instant"):
        made.connect()
        assert answered(made, in_one_call(BODY)) == WHOLE
    place = urlsplit(server.url).netloc
    with gemini_replay.record(path.with_name("new.jsonl"), upstream=server.url, hosts=[place]):
        made.connect()
        assert answered(made, in_one_call(BODY)) == WHOLE
        named = connection(server.url)
        named.connect()
        assert answered(named, in_one_call(BODY)) == WHOLE
        named.close()
    assert server.connections == 2


def test_a_miss_leaves_the_connection_as_it_was(path: Path) -> None:
    """The connection can be closed and used again."""
    made = connection()
    with pytest.raises(MissError), gemini_replay.replay(path, speed="instant") as session:
        with pytest.raises(MissError):
            made.request("POST", PATH, b"{}", TYPED)
        made.close()
        assert answered(made, in_one_call(BODY)) == WHOLE
        assert len(session.played) == 1


@pytest.mark.parametrize("secure", [True, False], ids=["tunnel", "forwarding"])
def test_a_proxy_gets_no_replayed_request(secure: bool, path: Path, server: RawServer) -> None:
    """It gets neither a CONNECT nor a request with an absolute URL."""
    url = GOOGLE if secure else GOOGLE.replace("https:", "http:")
    proxies = urllib.request.ProxyHandler({"http": server.url, "https": server.url})
    opener = urllib.request.build_opener(proxies)
    with gemini_replay.replay(path, speed="instant"):
        with opener.open(urllib.request.Request(url, BODY, TYPED)) as response:
            assert response.read() == WHOLE
        made = http.client.HTTPSConnection(urlsplit(server.url).netloc)
        made.set_tunnel(HOST)
        assert answered(made, in_one_call(BODY)) == WHOLE
    assert server.connections == 0


def test_a_request_to_a_proxy_is_recorded_with_the_clients_url(tmp_path: Path, server: RawServer) -> None:
    """The proxy gets the whole URL."""
    url = GOOGLE.replace("https:", "http:")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": server.url}))
    with gemini_replay.record(path := tmp_path / "new.jsonl"):
        with opener.open(urllib.request.Request(url, BODY, TYPED)) as response:
            assert response.read() == WHOLE
    assert server.requests[0].startswith(b"POST http://generativelanguage.googleapis.com/v1beta/models/")
    assert stored(path).request.url == url


def test_the_cassette_names_the_client(tmp_path: Path, server: RawServer) -> None:
    """The name also has the library on top of http.client."""
    with gemini_replay.record(path := tmp_path / "new.jsonl"):
        made = connection(server.url)
        made.request("POST", PATH, BODY, {**TYPED, "user-agent": "google-genai-sdk/3.4.0 gl-python/3.11"})
        made.getresponse().read()
        made.close()
    assert (stored(path).request.client or "").startswith("http.client 3.")
    assert (stored(path).request.client or "").endswith("; google-genai-sdk/3.4.0")


def test_debugging_output_changes_nothing(
    path: Path, server: RawServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Debugging output is a popular way to see what requests sends."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with gemini_replay.record(path.with_name("new.jsonl")):
        made = connection(server.url)
        assert answered(made, in_one_call(BODY)) == WHOLE
        made.close()
        assert requests.post(server.url + PATH, BODY, headers=TYPED).content == WHOLE
    with gemini_replay.replay(path, speed="instant"):
        assert answered(connection(), in_one_call(BODY)) == WHOLE
        assert requests.post(GOOGLE, BODY, headers=TYPED).content == WHOLE
    assert "send:" in capsys.readouterr().out


def test_requests_of_urllib3_are_planned_once(path: Path) -> None:
    """Its connections are http.client's too, so two transports see them."""
    with upstream.start() as running:
        with gemini_replay.record(path.with_name("new.jsonl")) as session:
            requests.post(running.url + PATH, BODY, headers=TYPED)
            assert len(session.recorded) == 1
        with gemini_replay.replay(path, ignore_hosts=[]) as session:
            requests.post(running.url + "/health", BODY, headers=TYPED)
            requests.post(GOOGLE, BODY, headers=TYPED)
            assert len(session.played) == 1


def test_an_answer_that_ends_with_the_connection(tmp_path: Path) -> None:
    """Such an answer has neither a length nor chunks."""
    until_closed = answer(head("200 OK", "connection: close"), *CHUNKS, gap=0.01, end="close")
    with raw_server(until_closed) as server, gemini_replay.record(path := tmp_path / "new.jsonl"):
        assert answered(connection(server.url), in_one_call(BODY)) == WHOLE
    with gemini_replay.replay(path, speed="instant"):
        assert answered(connection(), in_one_call(BODY)) == WHOLE
