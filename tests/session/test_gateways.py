"""Gateways and other servers. Those in the test's process are code under test."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from support.clients import KEY
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, Interaction, Request, Response
from gemini_replay.errors import MissError, RefusedError
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario


def body(text: str) -> bytes:
    return json.dumps({"contents": [{"parts": [{"text": text}]}]}).encode()


def ask(text: str, url: str = GOOGLE) -> str:
    return httpx.post(url, content=body(text), headers={"x-goog-api-key": KEY}).text


class Gateway(ThreadingHTTPServer):
    """A gateway to Google that adds text to each prompt, or passes requests on unchanged."""

    def __init__(self, adds: str = " (be brief)") -> None:
        self.adds, self.calls = adds, 0
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}{PATH}"
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...

    def do_POST(self) -> None:
        gateway: Any = self.server
        gateway.calls += 1
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = f"gateway: {ask(asked['contents'][0]['parts'][0]['text'] + gateway.adds)}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.end()


@pytest.fixture
def server() -> Iterator[upstream.RunningUpstream]:
    """A server that stands in for Google."""
    with upstream.start(Scenario.from_chunks(events(2))) as running:
        yield running


def test_a_server_of_this_process_is_called_while_recording_and_while_replaying(
    gateway: Gateway, server: upstream.RunningUpstream, tmp_path: Path
) -> None:
    """Only the server's requests to Google are recorded and replayed."""
    path = tmp_path / "story.jsonl"
    with gemini_replay.record(path, upstream=server.url) as recorded:
        live = requests.post(gateway.url, data=body("hi"), timeout=10).text
    assert (gateway.calls, recorded.recorded_count) == (1, 1)
    assert live.startswith("gateway: data:")
    assert Cassette.load(path).interactions[0].request.url == GOOGLE
    with gemini_replay.replay(path) as replayed:
        assert requests.post(gateway.url, data=body("hi"), timeout=10).text == live
    assert (gateway.calls, len(replayed.played)) == (2, 1)
    assert replayed.passed_through == recorded.passed_through == [f"127.0.0.1:{gateway.server_port}"]


def test_an_ambiguous_request_to_a_gateway_is_refused(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """A gateway passes requests on unchanged: it or the cassette could answer, until `ignore_hosts` decides."""
    path, gateway = tmp_path / "story.jsonl", Gateway(adds="")
    here = f"127.0.0.1:{gateway.server_port}"
    try:
        with gemini_replay.record(path, upstream=server.url):
            live = ask("hi", gateway.url)
        with pytest.raises(RefusedError, match=f"(?s)a server of this process.*{here}.*ignore_hosts"):
            with gemini_replay.replay(path):
                ask("hi", gateway.url)
        assert gateway.calls == 1
        with gemini_replay.replay(path, ignore_hosts=["127.0.0.1"]):
            assert ask("hi", gateway.url) == live
        with gemini_replay.replay(path, hosts=[here]):
            assert f"gateway: {ask('hi', gateway.url)}" == live
        assert gateway.calls == 2
    finally:
        gateway.end()


def test_a_server_of_this_process_may_stand_in_for_google(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """Without requests to Google, its own answers are recorded, and replayed even while it still listens."""
    path = tmp_path / "story.jsonl"
    with gemini_replay.record(path):
        live = ask("hi", server.url + PATH)
    with gemini_replay.replay(path) as replayed:
        assert ask("hi", server.url + PATH) == live
    assert len(replayed.played) == len(server.app.requests) == 1


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_upstream_itself_may_be_called(server: upstream.RunningUpstream, tmp_path: Path, name: str) -> None:
    """The address of `upstream` is not code under test, whatever name of this machine it uses."""
    path = tmp_path / "story.jsonl"
    with gemini_replay.record(path, upstream=f"http://{name}:{server.port}") as opened:
        live = ask("hi", server.url + PATH)
    assert opened.recorded_count == 1
    with gemini_replay.replay(path):
        assert ask("hi", f"http://localhost:{server.port}{PATH}") == live


def test_a_gateway_in_another_process_is_recorded_and_replayed(
    server: upstream.RunningUpstream, tmp_path: Path
) -> None:
    """This process does not listen on its port. For replaying, the gateway need not run."""
    path = tmp_path / "story.jsonl"
    code = (
        "import http.server\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_POST(self):\n"
        "        self.send_response(200); self.send_header('content-length', '4'); self.end_headers()\n"
        "        self.wfile.write(b'gate')\n"
        "server = http.server.HTTPServer(('127.0.0.1', 0), H)\n"
        "print(server.server_port, flush=True)\n"
        "server.serve_forever()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as other:
        try:
            assert other.stdout is not None
            url = f"http://127.0.0.1:{int(other.stdout.readline())}{PATH}"
            with gemini_replay.record(path) as opened:
                assert ask("hi", url) == "gate"
            assert opened.recorded_count == 1
            with gemini_replay.record(tmp_path / "other.jsonl", upstream=server.url) as routed:
                assert ask("hi", url) != "gate"
            assert routed.recorded_count == 1
        finally:
            other.kill()
    with gemini_replay.replay(path):
        assert ask("hi", url) == "gate"
    with pytest.raises(MissError), gemini_replay.replay(path):
        ask("bye", url)


def test_a_session_never_owns_requests_to_an_ignored_host(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """This holds for recording and replaying, and for every request."""
    path = tmp_path / "story.jsonl"
    Cassette([Interaction(Request("POST", GOOGLE, (), body("hi")), Response(200), (Chunk(0.0, b"told"),))]).save(path)
    ignored = [f"127.0.0.1:{server.port}"]
    with gemini_replay.record(tmp_path / "new.jsonl", ignore_hosts=ignored) as recorded:
        ask("hi", server.url + PATH)
    with gemini_replay.replay(path, ignore_hosts=ignored) as replayed:
        assert ask("hi", server.url + PATH) != "told"
        assert ask("hi") == "told"
    assert len(server.app.requests) == 2
    assert recorded.recorded_count == 0
    assert len(replayed.played) == 1
