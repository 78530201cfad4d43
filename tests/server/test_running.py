"""Servers start on a free port, stop at once even with open connections, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from gemini_replay.errors import MissingExtraError, UsageError
from gemini_replay.server import running, upstream
from gemini_replay.server.upstream.scenarios import Scenario, stalling

ASK = {"contents": [{"parts": [{"text": "Tell me a story."}]}]}


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def test_serves_any_asgi_app_on_a_free_port() -> None:
    """Port 0 gives a port that the URL names, and the app answers there."""
    with running.Running(hello) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert httpx.get(server.url).text == "hello"


def test_an_app_of_any_signature_is_called_with_requests_only() -> None:
    """An app that takes any arguments is not mistaken for a factory."""
    calls = []

    async def app(*args: Any) -> None:
        calls.append(len(args))
        await hello(*args)

    with running.Running(app) as server:
        assert httpx.get(server.url).text == "hello"
    assert calls == [3]


def test_two_servers_live_side_by_side() -> None:
    """Each server has its own port, app and thread."""
    with upstream.start("story", pace=0) as one, upstream.start("echo", pace=0) as other:
        assert one.port != other.port
        httpx.post(f"{one.url}/v1beta/models/gemini-x:streamGenerateContent", json={})
        assert (len(one.requests), len(other.requests)) == (1, 0)


def test_stops_twice_and_frees_its_port_and_thread() -> None:
    """After stop() nothing listens, no thread is left, and a second stop() is harmless."""
    before = set(threading.enumerate())
    server = running.Running(hello)
    port = server.port
    server.stop()
    server.stop()
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_stops_while_a_stall_is_open(
    connect: Callable[..., Any], wire: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """A stop ends a stalled stream at once, prints nothing, and the client sees the end."""
    server = upstream.RunningUpstream(upstream.Upstream(stalling(3600), pace=0.001))
    with connect(server.url) as (_, reader):
        assert wire.head(reader).status == 200
        for _ in range(3):
            assert wire.chunk(reader)
        started = time.perf_counter()
        server.stop()
        assert time.perf_counter() - started < 3
        assert wire.chunk(reader) is None
    assert capfd.readouterr() == ("", "")


def test_stops_under_a_client_that_does_not_read(connect: Callable[..., Any], wire: Any) -> None:
    """Data that the client does not read does not delay a stop."""
    big = Scenario.from_chunks([bytes(1_000_000)] * 50)
    server = upstream.RunningUpstream(upstream.Upstream(big))
    with connect(server.url) as (_, reader):
        assert wire.head(reader).status == 200
        started = time.perf_counter()
        server.stop()
        assert time.perf_counter() - started < 3


def test_garbage_on_the_port_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """A client that does not speak HTTP gets a 400, and nothing is printed."""
    with (
        running.Running(hello) as server,
        socket.create_connection(("127.0.0.1", server.port)) as sock,
    ):
        sock.sendall(b"\x16\x03\x01 what?\r\n\r\n")
        assert b" 400 " in sock.recv(4096)
    assert capfd.readouterr() == ("", "")


def test_an_address_in_use_is_a_usage_error() -> None:
    """A port that is taken is reported with its number and a way out."""
    with (
        running.Running(hello) as server,
        pytest.raises(UsageError, match=str(server.port)) as caught,
    ):
        running.Running(hello, port=server.port)
    assert "0 for any free one" in str(caught.value)


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "not PEM"])
def test_a_bad_certificate_is_a_usage_error(tmp_path: Path, content: str | None) -> None:
    """A certificate that is missing or unreadable is reported with its path."""
    path = tmp_path / "server.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=r"server\.pem"):
        running.Running(hello, ssl_certfile=path)


def _certified(folder: Path) -> ssl.SSLContext:
    """Write a certificate for 127.0.0.1 to ``s.pem``; returns a context that trusts its issuer."""
    issuer = trustme.CA()
    issuer.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "s.pem")
    trust = ssl.create_default_context()
    issuer.configure_trust(trust)
    return trust


def test_serves_https(tmp_path: Path) -> None:
    """With a certificate the URL is https, and a client that trusts its issuer gets the stream."""
    trust = _certified(tmp_path)
    with upstream.start(pace=0, ssl_certfile=str(tmp_path / "s.pem")) as server:
        assert server.url.startswith("https://")
        url = f"{server.url}/v1beta/models/story:streamGenerateContent?alt=sse&key=k"
        answer = httpx.post(url, json=ASK, verify=trust)
        assert answer.content == b"".join(chunk.data for chunk in server.sent[0])


def test_a_reset_works_over_tls_too(tmp_path: Path) -> None:
    """The scenario cut sends a real reset below TLS, after all that was sent before it.

    The client is async, since Python's blocking TLS sockets take a reset for a normal end.
    """
    trust = _certified(tmp_path)
    got = bytearray()

    async def ask(url: str) -> None:
        async with httpx.AsyncClient(verify=trust) as client:
            path = "/v1beta/models/gemini-x:streamGenerateContent?alt=sse&key=k"
            async with client.stream("POST", url + path, json=ASK) as answer:
                async for data in answer.aiter_raw():
                    got.extend(data)

    with upstream.start("cut", pace=0.01, ssl_certfile=str(tmp_path / "s.pem")) as server:
        with pytest.raises(httpx.ReadError):
            asyncio.run(ask(server.url))
        assert got == b"".join(chunk.data for chunk in server.sent[0])


def test_without_uvicorn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing uvicorn is an error with the command that installs it."""
    monkeypatch.delitem(sys.modules, "gemini_replay.server.uvicorn_server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"gemini-replay\[server\]"):
        running.Running(hello)


def test_importing_the_servers_imports_no_uvicorn() -> None:
    """Uvicorn is imported when a server starts, not before."""
    code = "import sys, gemini_replay.server.upstream; print('uvicorn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


_FOREGROUND = """
from gemini_replay.server import running, upstream
running.serve_forever(upstream.Upstream(pace=0), announce=lambda url: print(url, flush=True))
print("stopped", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
def test_the_foreground_server_ends_on_signals(number: signal.Signals) -> None:
    """serve_forever announces its URL, answers, and returns on SIGINT and SIGTERM without more output."""
    with subprocess.Popen(
        [sys.executable, "-c", _FOREGROUND],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/v1beta/models/story", params={"key": "k"}).status_code == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("stopped\n", "", 0)
