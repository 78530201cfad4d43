"""The guard: from a session that only replays, no way leads to its hosts."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.streams import PATH
from support.ways_out import WAYS
from support.ways_out.grpc import secure_channel
from support.ways_out.stage import HEAD, HOST, Ask, Stage, Way, at, connect, stage, url

import gemini_replay
from gemini_replay import transports
from gemini_replay.errors import NetworkBlockedError, RecordingError, RefusedError
from gemini_replay.transports import guard


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    gc.freeze()  # the collection below then takes no longer for all that earlier tests have left
    with stage(monkeypatch) as made:
        yield made
    with warnings.catch_warnings(action="ignore"):  # clients that are stopped in the middle leave things open
        gc.collect()


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::pytest.PytestUnhandledThreadExceptionWarning",
)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_no_way_leads_out(way: Way, there: Stage, empty: Path) -> None:
    """Without a session, the way reaches the host. In a replaying session it does not, and the session reports it."""

    def prepared() -> Ask:
        ask = way.prepare(there)
        there.clear()
        return ask

    ask = prepared()
    with contextlib.suppress(Exception):
        ask()
    assert there.reached(way, within=5), (
        "without a session, this way does not reach the host: the test would prove nothing"
    )
    ask = prepared()
    with pytest.raises(RefusedError), gemini_replay.replay(empty, hosts=[HOST]):
        with contextlib.suppress(Exception):
            ask()
        assert not there.reached(way, within=0.05)


GEVENT = """
from gevent import monkey
monkey.patch_all()
import socket
import gevent
import gemini_replay
from gemini_replay.errors import NetworkBlockedError

def ask():
    for way in (socket.create_connection, socket.socket().connect):
        try:
            way(("localhost", {port}))
        except NetworkBlockedError:
            print("refused")

try:
    with gemini_replay.replay({path!r}, hosts=["localhost"]):
        ask()
        gevent.spawn(ask).join()
except NetworkBlockedError:
    print("told")
"""


def test_gevents_sockets_are_guarded_as_well(there: Stage, empty: Path) -> None:
    """Python's socket classes are then replaced with gevent's own."""
    pytest.importorskip("gevent")
    code = GEVENT.format(port=there.plain.port, path=str(empty))
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert out.stdout.split() == ["refused"] * 4 + ["told"]
    assert there.plain.connections == 0


SERVER = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        with sock:
            data = sock.recv(65536)
            if data == b"end":
                sys.exit()
            if data:
                print(data.split()[1].decode(), flush=True)
            sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
"""


def test_a_gateway_that_no_setting_names_is_recognized_by_its_path(empty: Path) -> None:
    """The head of the request may be sent by a loop or by a socket."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout is not None
        port = int(gateway.stdout.readline())
        head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\n\r\n".encode()

        async def by_a_loop() -> None:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(head)
            finally:
                writer.close()

        def by_a_socket(data: bytes) -> None:
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(data)

        for ask in (lambda: by_a_socket(head), lambda: asyncio.run(by_a_loop())):
            with pytest.raises(NetworkBlockedError, match=f"127.0.0.1:{port}"), gemini_replay.replay(empty):
                ask()
        with gemini_replay.replay(empty, ignore_hosts=[f"127.0.0.1:{port}"]):
            by_a_socket(head)
        by_a_socket(b"end")
        assert gateway.stdout.read().split() == [PATH]


def test_a_server_of_this_process_is_code_under_test(empty: Path, there: Stage) -> None:
    """Its paths may look like those of a gateway."""
    with gemini_replay.replay(empty), socket.create_connection(("127.0.0.1", there.plain.port)) as sock:
        sock.sendall(f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{there.plain.port}\r\n\r\n".encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 200")


def refusal(ask: Any, empty: Path) -> str:
    with pytest.raises(NetworkBlockedError) as raised, gemini_replay.replay(empty, hosts=[HOST]):
        ask()
    return str(raised.value)


def test_the_error_names_the_client(there: Stage, empty: Path) -> None:
    """It names a bare socket, gRPC or the Live API, and says what to do."""
    assert "came through a client, which" in refusal(lambda: connect(at(there)), empty)
    grpc = pytest.importorskip("grpc")
    said = refusal(lambda: secure_channel(grpc, "dns:///localhost:443"), empty)
    assert "gRPC" in said
    assert 'transport="rest"' in said
    live = pytest.importorskip("websockets.sync.client")
    said = refusal(lambda: live.connect(url(there).replace("http", "ws")), empty)
    assert "Live API" in said
    assert "does not record" in said


def test_for_a_supported_client_the_error_says_that_no_session_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not advise another client."""
    requests = pytest.importorskip("requests")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    transports.block_network()
    try:
        with pytest.raises(NetworkBlockedError) as raised:
            requests.get("https://generativelanguage.googleapis.com/v1beta/models", timeout=5)
    finally:
        transports.unblock_network()
    assert "No session is open" in str(raised.value)
    assert "came through requests" in str(raised.value)
    assert "supported client" not in str(raised.value)


def test_an_unseen_request_fails_the_recording(there: Stage, tmp_path: Path) -> None:
    """The client itself is not disturbed."""
    path = tmp_path / "new.jsonl"
    with pytest.raises(RecordingError, match=rf"{HOST}.*was not recorded"):
        with gemini_replay.record(path, hosts=[HOST]), socket.create_connection(at(there)) as sock:
            sock.sendall(HEAD)
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
    assert not path.exists()


def test_recorded_clients_do_not_count_as_unseen(there: Stage, tmp_path: Path) -> None:
    """Requests to an upstream that stands in for Google do not count either."""
    httpx = pytest.importorskip("httpx")
    with gemini_replay.record(tmp_path / "a.jsonl", hosts=[HOST]) as opened:
        assert httpx.get(url(there)).text == "ok"
    assert opened.recorded_count == 1
    with gemini_replay.record(tmp_path / "b.jsonl", upstream=f"http://{HOST}:{there.plain.port}") as opened:
        assert httpx.post(f"https://generativelanguage.googleapis.com{PATH}").text == "ok"
    assert opened.recorded_count == 1


def test_a_thread_that_outlives_its_session_is_still_refused(there: Stage, empty: Path) -> None:
    """This includes a bare socket, and holds even while no other session is open."""
    go, refused = threading.Event(), []

    def late() -> None:
        go.wait(10)
        try:
            connect(at(there))
        except NetworkBlockedError as error:
            refused.append(error)

    with gemini_replay.replay(empty, hosts=[HOST]):
        thread = threading.Thread(target=late)
        thread.start()
    go.set()
    thread.join(10)
    assert len(refused) == 1
    connect(at(there))


def test_only_an_inactive_audit_hook_is_left(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every function of sockets, TLS and loops is the original, and the hook examines no event."""
    found = [
        (owner, name, vars(owner).get(name))
        for library in (None, "asyncio", "trio")
        for owner, name, _ in guard.interceptions(library)
    ]
    with gemini_replay.replay(empty):
        assert all(vars(owner).get(name) is not before for owner, name, before in found)
    assert all(vars(owner).get(name) is before for owner, name, before in found)
    monkeypatch.setattr(guard, "_EVENTS", None)  # examining an event would fail
    assert socket.getaddrinfo("localhost", 80)
