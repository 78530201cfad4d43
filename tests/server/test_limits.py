"""Requests are limited in size and time, and a server's memory does not grow."""

from __future__ import annotations

import contextlib
import gc
import json
import time
import tracemalloc
from pathlib import Path

import httpx
import pytest
from support.streams import PATH
from support.talking import ASK, GOOD_HEAD, ask, connected, is_whole, read_answer, refused, served, talk

from gemini_replay.server import running, upstream
from gemini_replay.server.entrance import Rules
from gemini_replay.server.serving import app


class TestLimits:
    """Limits of size and time."""

    def test_a_body_may_have_the_limits_size_and_not_a_byte_more(self, tmp_path: Path) -> None:
        """This holds with and without a declared length. The connection can be used again."""
        body = json.dumps(ASK).encode()
        size = len(body)
        with served(tmp_path, Rules(max_body=size)) as (session, url), httpx.Client() as client:
            assert client.post(url + PATH, content=body).status_code == 200
            declared = client.post(url + PATH, content=b"x" * (size + 1))
            chunked = client.post(url + PATH, content=iter([b"x" * size, b"x"]))
            assert client.post(url + PATH, content=body).status_code == 200
            assert session.misses == []
        for answer in (declared, chunked):
            assert (answer.status_code, answer.json()["error"]["code"]) == (413, 413)
            assert f"{size} bytes" in answer.json()["error"]["message"]

    @pytest.mark.parametrize("origin", ["http://localhost", "https://app.example"])
    def test_a_client_that_closes_its_connection_gets_the_refusal(self, tmp_path: Path, origin: str) -> None:
        """The refusal reaches it while it still sends more than the sockets can buffer."""
        body = b"x" * 30_000_000
        headers = {"connection": "close", "origin": origin}
        with served(tmp_path, Rules(max_body=1000)) as (_, url):
            declared = httpx.post(url + PATH, content=body, headers=headers)
            chunked = httpx.post(url + PATH, content=iter([body]), headers=headers)
        assert [declared.status_code, chunked.status_code] == ([413] * 2 if "localhost" in origin else [403] * 2)

    def test_a_server_does_not_ask_for_a_body_that_is_too_large(self, tmp_path: Path) -> None:
        """A client that waits for ``100 Continue`` gets the refusal instead."""
        head = GOOD_HEAD + "Expect: 100-continue\r\nContent-Length: 99999\r\n\r\n"
        with served(tmp_path, Rules(max_body=10)) as (_, url):
            assert talk(url, head.encode()).startswith(b"HTTP/1.1 413 ")

    @pytest.mark.parametrize("gap", [0, 1], ids=["at once", "in pieces"])
    @pytest.mark.parametrize("lines", ["X-A: " + "a" * 70_000, "X-A: a\r\n" * 200], ids=["bytes", "lines"])
    def test_a_head_that_is_too_large_is_a_431(self, tmp_path: Path, lines: str, gap: int) -> None:
        """This holds for heads in one piece or many, complete or not."""
        with served(tmp_path) as (_, url):
            code, message = refused(talk(url, (GOOD_HEAD + lines + "\r\n\r\n" * (1 - gap)).encode()))
        assert code == 431
        assert "head" in message

    def test_a_large_head_is_accepted(self, tmp_path: Path) -> None:
        """It may have a hundred headers, one of them of 50,000 bytes."""
        headers = {**{f"x-{n}": "a" for n in range(100)}, "x-long": "a" * 50_000}
        with served(tmp_path) as (_, url):
            assert httpx.post(url + PATH, json=ASK, headers=headers).status_code == 200

    @pytest.mark.parametrize(
        ("sent", "what"),
        [("POST / HT", "head"), (GOOD_HEAD, "head"), (GOOD_HEAD + "Content-Length: 5\r\n\r\nhel", "body")],
        ids=["line", "head", "body"],
    )
    def test_a_request_that_is_never_complete_is_a_408(self, tmp_path: Path, sent: str, what: str) -> None:
        """This holds even if a byte comes now and then. The connection is closed."""
        rules = Rules(head_seconds=0.3, body_seconds=0.3)
        with served(tmp_path, rules) as (session, url):
            with connected(url) as sock:
                sock.sendall(sent.encode())
                sock.settimeout(0.05)
                got, deadline = b"", time.monotonic() + 20
                while not got and time.monotonic() < deadline:
                    try:
                        got = sock.recv(65536)
                    except TimeoutError:
                        sock.sendall(b"x" if what == "head" else b"")
                sock.settimeout(20)
                got += read_answer(sock) if not is_whole(got) else b""
                assert sock.recv(1) == b""
            code, message = refused(got)
            assert ask(url).status_code == 200
            assert len(session.played) == 1
        assert (code, what in message) == (408, True)

    def test_a_second_request_has_a_limit_too(self, tmp_path: Path) -> None:
        """The first request on its connection was complete."""
        good = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with served(tmp_path, Rules(head_seconds=0.3)) as (_, url), connected(url) as sock:
            sock.sendall(good + b"POST /")
            assert read_answer(sock).startswith(b"HTTP/1.1 404 ")
            assert refused(read_answer(sock))[0] == 408

    def test_a_connection_may_be_idle(self, tmp_path: Path) -> None:
        """Before and between requests, it may be idle for longer than a head may take, without delay for others."""
        count = 1000
        with served(tmp_path, Rules(head_seconds=0.2, body_seconds=0.2)) as (_, url), httpx.Client() as client:
            assert client.post(url + PATH, json=ASK).status_code == 200
            with contextlib.ExitStack() as idle:
                socks = [idle.enter_context(connected(url)) for _ in range(count)]
                time.sleep(0.6)
                assert client.post(url + PATH, json=ASK).status_code == 200
                for sock in (socks[0], socks[-1]):
                    sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    assert read_answer(sock).startswith(b"HTTP/1.1 404 ")


class TestMemory:
    """A server that runs for days needs no more memory than one that has just started."""

    def test_misses_leave_nothing_behind(self, tmp_path: Path) -> None:
        """After five misses to warm up, twenty of a megabyte each take no more memory."""

        def miss(url: str, count: int) -> int:
            for n in range(count):
                text = f"{n} " + "x" * 1_000_000
                assert httpx.post(url + PATH, json={"contents": [{"parts": [{"text": text}]}]}).status_code == 404
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        with served(tmp_path) as (_, url):
            tracemalloc.start()
            try:
                before = miss(url, 5)
                after = miss(url, 20)
            finally:
                tracemalloc.stop()
        assert after - before < 4_000_000

    def test_a_limited_number_of_misses_is_kept(self, tmp_path: Path) -> None:
        """The session counts all misses and keeps a hundred."""
        with served(tmp_path) as (session, _), running.Running(app(session)) as server, httpx.Client() as client:
            for n in range(130):
                client.get(f"{server.url}/v1/models/{n}")
            assert (server.app.missed, len(session.misses)) == (130, 100)

    def test_the_upstream_of_the_command_line_keeps_no_requests(self) -> None:
        """It keeps no answers either."""
        with running.Running(upstream.Upstream(pace=0, kept=0)) as server:
            for _ in range(3):
                assert ask(server.url, x_goog_api_key="k").status_code == 200
            assert (server.app.requests, server.app.sent) == ([], [])
