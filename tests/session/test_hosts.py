"""Which hosts are a session's: Google's, those that are named, gateways; but no server of this very process."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
from gemini_replay.errors import MissError, NetworkBlockedError, RefusedError, UsageError
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario
from gemini_replay.session import hosts
from gemini_replay.session.hosts import Hosts


def body(text: str) -> bytes:
    return json.dumps({"contents": [{"parts": [{"text": text}]}]}).encode()


def ask(text: str, url: str = GOOGLE) -> str:
    return httpx.post(url, content=body(text), headers={"x-goog-api-key": KEY}).text


# -- patterns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "url", "matches"),
    [
        ("api.example.org", "https://api.example.org/x", True),
        ("API.example.org", "https://api.EXAMPLE.org./x", True),
        ("*.example.org", "https://api.example.org:444/x", True),
        ("*.example.org", "https://example.org/x", False),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/x", True),
        ("127.0.0.1:8080", "http://127.0.0.1:8081/x", False),
        ("127.0.0.1", "http://127.0.0.1:8081/x", True),
        ("example.org:443", "https://example.org/x", True),
        ("example.org:443", "http://example.org/x", False),
        ("[::1]:8080", "http://[::1]:8080/x", True),
        ("[::1]:8080", "http://[::1]:8081/x", False),
        ("[::1]", "http://[::1]:8081/x", True),
        ("::1", "http://[::1]:8081/x", True),
        ("host[12]:80", "http://host2/x", True),
        ("*:8080", "http://anything:8080/x", True),
    ],
)
def test_a_host_is_a_shell_pattern_with_or_without_a_port(pattern: str, url: str, matches: bool) -> None:
    """The same for hosts and for hosts to ignore, and ignoring wins."""
    assert Hosts([pattern], [], None).owns(url) is matches
    gateway = url.replace("/x", PATH)
    assert Hosts([], [pattern], None).owns(gateway) is not matches
    assert Hosts([pattern], [pattern], None).owns(gateway) is not matches


@pytest.mark.parametrize(
    "pattern", ["", " ", "http://localhost", "localhost:", "localhost:0", "localhost:99999", "a/b"]
)
def test_what_is_not_a_host_is_refused(pattern: str) -> None:
    """With what a host looks like."""
    with pytest.raises(UsageError, match=r"hosts names (?s:.*)127\.0\.0\.1:8080"):
        Hosts([pattern], [], None)
    with pytest.raises(UsageError, match="ignore_hosts names"):
        Hosts([], [pattern], None)


@pytest.mark.parametrize(
    "pattern",
    ["*", "*.googleapis.com", "generativelanguage.googleapis.com", "us-east5-aiplatform.googleapis.com:443"],
)
def test_googles_own_hosts_cannot_be_ignored(pattern: str) -> None:
    """Their requests would reach the network unseen."""
    with pytest.raises(UsageError, match=r"Gemini's own hosts(?s:.*)live"):
        Hosts([], [pattern], None)


def test_a_pattern_that_happens_to_take_in_one_of_googles_hosts_does_not_ignore_it() -> None:
    """Not every region is known when the session opens."""
    ignoring = Hosts([], ["mars-*"], None)
    assert ignoring.owns("https://mars-aiplatform.googleapis.com/x")
    assert not ignoring.owns(f"https://mars-gateway.example.org{PATH}")


def test_a_host_with_a_port_is_guarded_on_that_port(tmp_path: Path) -> None:
    """Clients that no transport sees are stopped at its look-up."""
    path = tmp_path / "empty.jsonl"
    Cassette([]).save(path)
    with pytest.raises(NetworkBlockedError), gemini_replay.replay(path, hosts=["localhost:8080"]):
        assert socket.getaddrinfo("localhost", 8081)
        socket.getaddrinfo("localhost", 8080)


# -- who listens -----------------------------------------------------------------------------------------------------


@contextmanager
def listening(host: str, family: socket.AddressFamily = socket.AF_INET) -> Iterator[int]:
    with socket.create_server((host, 0), family=family) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "api.localhost", "0.0.0.0"])
def test_a_socket_of_this_process_is_found_where_it_listens(host: str) -> None:
    """On its own port, until it is closed."""
    with listening("127.0.0.1") as port:
        assert hosts.listens(host, port)
        assert not hosts.listens(host, port + 1)
    assert not hosts.listens(host, port)


def test_a_socket_that_listens_everywhere_is_found(tmp_path: Path) -> None:
    """On any loopback address."""
    with listening("0.0.0.0") as port:
        assert hosts.listens("127.0.0.1", port)
        assert hosts.listens("127.0.0.9", port)
        assert not hosts.listens("::1", port)


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_addresses_of_both_families_are_told_apart() -> None:
    """::1 is not 127.0.0.1."""
    try:
        with listening("::1", socket.AF_INET6) as port:
            assert hosts.listens("::1", port)
            assert hosts.listens("localhost", port)
            assert not hosts.listens("127.0.0.1", port)
    except OSError:
        pytest.skip("there is no IPv6 here")


def test_a_connection_is_no_listener_and_another_host_is_not_looked_for() -> None:
    """Also where its port is the same."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert not hosts.listens("127.0.0.1", client.getsockname()[1])
        assert not hosts.listens("192.0.2.1", port)
        assert not hosts.listens("example.org", port)


def test_looking_leaves_sockets_as_they_are() -> None:
    """Also where new ones have a time limit."""
    socket.setdefaulttimeout(5)
    try:
        with listening("127.0.0.1") as port, socket.socket() as other:
            other.setblocking(True)
            assert hosts.listens("127.0.0.1", port)
            assert other.gettimeout() is None
            assert other.fileno() != -1
    finally:
        socket.setdefaulttimeout(None)


def test_a_socket_of_uvloop_is_found() -> None:
    """It is no object of Python's own."""
    uvloop = pytest.importorskip("uvloop")

    async def main() -> bool:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        with_port = server.sockets[0].getsockname()[1]
        async with server:
            return hosts.listens("127.0.0.1", with_port)

    loop = uvloop.new_event_loop()
    assert loop.run_until_complete(main())
    loop.close()


def test_a_system_that_lists_no_descriptors_knows_pythons_own_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows does."""
    monkeypatch.setattr(sys, "platform", "win32")
    with listening("127.0.0.1") as port:
        assert hosts.listens("127.0.0.1", port)
    assert not hosts.listens("127.0.0.1", port)


# -- a gateway under test --------------------------------------------------------------------------------------------


class Gateway(ThreadingHTTPServer):
    """Adds to what it is asked, and asks that of Google; or hands it on as it came."""

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
    """In place of Google."""
    with upstream.start(Scenario.from_chunks(events(2))) as running:
        yield running


def test_a_server_of_this_process_is_called_while_recording_and_while_replaying(
    gateway: Gateway, server: upstream.RunningUpstream, tmp_path: Path
) -> None:
    """Only what it asks of Google is recorded, and replayed."""
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


def test_a_request_that_both_may_answer_is_refused_until_it_is_said_who_shall(
    server: upstream.RunningUpstream, tmp_path: Path
) -> None:
    """A gateway that hands requests on as they came; the cassette holds what it asks."""
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


def test_a_server_of_this_process_stands_for_google_where_nothing_else_does(
    server: upstream.RunningUpstream, tmp_path: Path
) -> None:
    """It is recorded, and later replayed while it still listens."""
    path = tmp_path / "story.jsonl"
    with gemini_replay.record(path):
        live = ask("hi", server.url + PATH)
    with gemini_replay.replay(path) as replayed:
        assert ask("hi", server.url + PATH) == live
    assert len(replayed.played) == len(server.app.requests) == 1


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_upstream_itself_may_be_called(server: upstream.RunningUpstream, tmp_path: Path, name: str) -> None:
    """Its own address is not code under test, by whatever name of this machine."""
    path = tmp_path / "story.jsonl"
    with gemini_replay.record(path, upstream=f"http://{name}:{server.port}") as opened:
        live = ask("hi", server.url + PATH)
    assert opened.recorded_count == 1
    with gemini_replay.replay(path):
        assert ask("hi", f"http://localhost:{server.port}{PATH}") == live


def test_a_gateway_in_another_process_is_recorded_and_replayed(
    server: upstream.RunningUpstream, tmp_path: Path
) -> None:
    """Nobody here listens on its port; while replaying it need not run."""
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


def test_a_host_that_is_ignored_is_never_the_sessions(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """While recording and while replaying, whatever it is asked."""
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


def test_a_url_that_leads_nowhere_belongs_to_nobody() -> None:
    """The client says what is wrong with it."""
    assert not Hosts((), (), None).owns("http://[::1/v1/models/m:streamGenerateContent")
    assert Hosts(None, (), None).owns("http://[::1/v1/models/m:streamGenerateContent")


def test_a_base_url_that_cannot_be_used_is_shown_without_its_secrets() -> None:
    """Neither a password nor a key in it."""
    with pytest.raises(UsageError) as wrong:
        hosts.base_url("ftp://me:secret-1@host/path?key=secret-2")
    assert "ftp://host/path" in str(wrong.value)
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize("host", ["oauth2.googleapis.com", "STS.googleapis.com.", "iamcredentials.googleapis.com"])
def test_a_request_for_a_token_is_never_the_sessions(host: str) -> None:
    """Not even where a broad pattern takes its host in."""
    own = Hosts(["*.googleapis.com"], (), None)
    assert not own.owns(f"https://{host}/token")
    assert own.owns("https://storage.googleapis.com/x")
