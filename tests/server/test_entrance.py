"""What a server lets in: from whom, in which form, how much, and for how long it waits."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import re
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.clients import KEY
from support.streams import PATH, events

from gemini_replay import Cassette, Interaction, Session
from gemini_replay.cassette.model import Chunk, Headers, Request, Response
from gemini_replay.cli import main
from gemini_replay.errors import UsageError
from gemini_replay.server import running, upstream
from gemini_replay.server.entrance import USUAL, Rules, parse_size
from gemini_replay.server.serving import app, serving

ASK = {"contents": [{"role": "user", "parts": [{"text": "Tell me a story."}]}]}
URL = f"https://generativelanguage.googleapis.com{PATH}"
GOOD_HEAD = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n"


@contextmanager
def served(folder: Path, rules: Rules = USUAL, *, headers: Headers = ()) -> Iterator[tuple[Session, str]]:
    """One recording behind a server; gives its session and its URL."""
    path = folder / "cassette.jsonl"
    chunks = tuple(Chunk(0.0, data) for data in events(2))
    Cassette([Interaction(Request("POST", URL, body=json.dumps(ASK).encode()), Response(200, headers), chunks)]).save(
        path
    )
    session = Session.replaying(path, speed="instant", hosts=None, repeat=True)
    with serving(session, rules=rules) as url:
        yield session, url
    session.close()


def ask(url: str, **headers: str) -> httpx.Response:
    return httpx.post(url + PATH, json=ASK, headers={name.replace("_", "-"): text for name, text in headers.items()})


def talk(url: str, data: bytes) -> bytes:
    """The answer to these bytes, or what came of it before the server closed the connection."""
    with connected(url) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(data)
        return read_answer(sock)


def connected(url: str) -> socket.socket:
    parts = httpx.URL(url)
    return socket.create_connection((parts.host, parts.port or 0), timeout=20)


def read_answer(sock: socket.socket) -> bytes:
    got = b""
    with contextlib.suppress(OSError):
        while not is_whole(got) and (more := sock.recv(65536)):
            got += more
    return got


def is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(end) and length is not None and len(body) >= int(length[1])


def refused(answer: bytes) -> tuple[int, str]:
    """Status and message of a refusal in Google's words."""
    head, _, body = answer.partition(b"\r\n\r\n")
    error = json.loads(body)["error"]
    assert f" {error['code']} ".encode() in head
    assert b"x-gemini-replay: error" in head
    return error["code"], error["message"]


LOCAL_ORIGINS = [
    "http://localhost",
    "http://localhost:3000",
    "https://localhost:8443",
    "http://127.0.0.1:5173",
    "http://[::1]:80",
    "http://app.localhost:3000",
]
OTHER_ORIGINS = [
    "https://app.example",
    "http://localhost.app.example",
    "http://notlocalhost",
    "http://app.example:3000",
    "http://127.0.0.1.app.example",
    "http://localhost@app.example",
    "ftp://localhost",
    "chrome-extension://localhost",
    "http://192.168.1.5",
    "null",
    "",
    "nonsense",
    "http://[::1",
]


class TestOrigins:
    """Whose pages may use a server."""

    @pytest.mark.parametrize("origin", LOCAL_ORIGINS)
    def test_pages_of_this_machine_may(self, tmp_path: Path, origin: str) -> None:
        """Whatever their port; the answer lets them read it, with every header."""
        with served(tmp_path, headers=(("content-type", "text/event-stream"), ("x-own", "1"))) as (_, url):
            answer = ask(url, origin=origin)
        assert answer.content == b"".join(events(2))
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-expose-headers"].split(",") == ["content-type", "x-own"]
        assert answer.headers["vary"] == "Origin"

    @pytest.mark.parametrize("origin", OTHER_ORIGINS)
    def test_other_pages_may_not(self, tmp_path: Path, origin: str, caplog: pytest.LogCaptureFixture) -> None:
        """Nothing is played, the page cannot read the refusal, and the log says why."""
        with served(tmp_path) as (session, url):
            answer = ask(url, origin=origin)
        assert (answer.status_code, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
        assert "access-control-allow-origin" not in answer.headers
        assert session.played == []
        assert "--allow-origin" in caplog.text

    def test_pages_that_send_no_origin_may_not_either(self, tmp_path: Path) -> None:
        """A browser says where such a request comes from; a person's own visit passes."""
        with served(tmp_path) as (_, url):
            assert ask(url, sec_fetch_site="cross-site").status_code == 403
            for site in ("same-origin", "same-site", "none"):
                assert ask(url, sec_fetch_site=site).status_code == 200

    def test_allowed_pages_may(self, tmp_path: Path) -> None:
        """Exactly those that are named, in either case."""
        rules = Rules(allow_origins=("https://App.example", "null"))
        with served(tmp_path, rules) as (_, url):
            statuses = [
                ask(url, origin=origin).status_code
                for origin in ("https://app.example", "null", "https://app.example:8443", "http://app.example")
            ]
        assert statuses == [200, 200, 403, 403]

    def test_programs_see_no_difference(self, tmp_path: Path) -> None:
        """They send no origin; recorded headers pass as they are."""
        recorded = (("access-control-allow-origin", "https://recorded.example"), ("vary", "X-Origin"))
        with served(tmp_path, headers=recorded) as (_, url):
            plain, page = ask(url), ask(url, origin="http://localhost:3000")
        assert plain.headers["access-control-allow-origin"] == "https://recorded.example"
        assert "access-control-expose-headers" not in plain.headers
        assert page.headers.get_list("access-control-allow-origin") == ["http://localhost:3000"]
        assert page.headers.get_list("vary") == ["X-Origin", "Origin"]

    def test_a_preflight_is_answered_as_google_does(self, tmp_path: Path) -> None:
        """Any method, the headers that were asked for; nothing is played. Other pages get none of it."""
        asked = {
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,x-goog-api-key",
            "access-control-request-private-network": "true",
        }
        with served(tmp_path) as (session, url):
            answer = httpx.options(url + PATH, headers={"origin": "http://localhost:3000", **asked})
            other = httpx.options(url + PATH, headers={"origin": "https://app.example", **asked})
            assert session.played == session.misses == []
            plain = httpx.options(url + PATH, headers={"origin": "http://localhost:3000"})
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
        assert "POST" in answer.headers["access-control-allow-methods"].split(",")
        assert answer.headers["access-control-allow-headers"] == "content-type,x-goog-api-key"
        assert answer.headers["access-control-max-age"] == "3600"
        assert answer.headers["access-control-allow-private-network"] == "true"
        assert other.status_code == 403
        assert not [name for name in other.headers if name.startswith("access-control")]
        assert plain.headers["x-gemini-replay"] == "miss"  # no preflight: a request like any other

    def test_a_page_can_read_a_miss(self, tmp_path: Path) -> None:
        """It says what to do."""
        with served(tmp_path) as (_, url):
            answer = httpx.post(url + PATH, json={}, headers={"origin": "http://localhost:3000"})
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
        assert "x-gemini-replay" in answer.headers["access-control-expose-headers"].split(",")


class TestHosts:
    """By which names a server may be called: a page can make any name of its own lead here (DNS rebinding)."""

    @pytest.mark.parametrize(
        "host", ["localhost", "LOCALHOST:99", "localhost.", "127.0.0.1:1", "127.1.2.3", "[::1]:8", "a.localhost:1"]
    )
    def test_local_names_will_do(self, tmp_path: Path, host: str) -> None:
        """Whatever the port."""
        with served(tmp_path) as (_, url):
            assert ask(url, host=host).status_code == 200

    @pytest.mark.parametrize(
        "host",
        [
            "app.example",
            "localhost.app.example",
            "127.0.0.1.app.example:80",
            "192.168.1.5",
            "[fe80::1]",
            "0.0.0.0",
            "",
        ],
    )
    def test_other_names_will_not(self, tmp_path: Path, host: str, caplog: pytest.LogCaptureFixture) -> None:
        """Nothing is played; the log says how to allow one."""
        with served(tmp_path) as (session, url):
            answer = ask(url, host=host)
        assert (answer.status_code, session.played) == (403, [])
        assert "--allow-host" in caplog.text

    def test_allowed_names_will_do(self, tmp_path: Path) -> None:
        """With any port."""
        with served(tmp_path, Rules(allow_hosts=("host.docker.internal", "[fe80::1]"))) as (_, url):
            statuses = [
                ask(url, host=host).status_code
                for host in ("Host.docker.internal:80", "[fe80::1]:1", "docker.internal")
            ]
        assert statuses == [200, 200, 403]

    def test_a_server_for_other_machines_has_any_name(self) -> None:
        """It cannot know its names; but it still looks at origins."""
        with upstream.start(pace=0, host="0.0.0.0") as server:
            url = f"http://127.0.0.1:{server.port}"
            assert ask(url, host="app.example", x_goog_api_key="k").status_code == 200
            assert ask(url, host="app.example", origin="http://app.example").status_code == 403
            assert len(server.requests) == 1


def test_every_server_has_an_entrance(tmp_path: Path) -> None:
    """The embedded upstream, and the recording proxy, which sends nothing on."""
    session = Session(tmp_path / "c.jsonl", mode="rewrite", hosts=None)
    with upstream.start(pace=0) as server, serving(session, base=server.url) as url:
        for base in (server.url, url):
            assert ask(base, origin="https://app.example").status_code == 403
            assert ask(base, host="app.example").status_code == 403
        assert server.requests == []
    session.close()
    assert not (tmp_path / "c.jsonl").exists()


BAD_HEADS = {
    "length and chunks": GOOD_HEAD + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": GOOD_HEAD + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "no length": GOOD_HEAD + "Content-Length: five\r\n\r\n",
    "other coding": GOOD_HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n",
    "connect": "CONNECT generativelanguage.googleapis.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "absolute": f"POST http://localhost{PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}",
    "asterisk": "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "fragment": "GET /a#/../b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "fragment of a query": "GET /a?b#c HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "dots": "GET /v1beta/../secret HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "dots at the end": "GET /v1beta/.. HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "one dot": "GET /./v1beta HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "encoded dots": "GET /v1beta/%2e%2E/secret HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "encoded slash": "GET /v1beta%2f..%2Fsecret HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "encoded twice": "GET /v1beta/%252e%252e/secret HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "backslash": "GET /v1beta/..\\secret HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "folded": "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n b\r\n\r\n",
    "bare LF": "GET / HTTP/1.1\nHost: localhost\n\n",
    "bare LF in the middle": "GET / HTTP/1.1\r\nHost: localhost\nX-A: 1\r\n\r\n",
    "bare LF at the end": "GET / HTTP/1.1\r\nHost: localhost\r\n\nGET /b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "bare CR": "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\rX-B: 2\r\n\r\n",
    "two hosts": "GET / HTTP/1.1\r\nHost: localhost\r\nHost: app.example\r\n\r\n",
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "space before the colon": "GET / HTTP/1.1\r\nHost: localhost\r\nX-A : 1\r\n\r\n",
    "NUL": "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: \0\r\n\r\n",
    "not HTTP": "\x16\x03\x01 hello\r\n\r\n",
    "space in the path": "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("head", BAD_HEADS.values(), ids=BAD_HEADS)
def test_an_uncertain_head_is_refused(tmp_path: Path, head: str, caplog: pytest.LogCaptureFixture) -> None:
    """With a 4xx in Google's words; nothing is forwarded or recorded, and the log has no traceback."""
    session = Session(tmp_path / "c.jsonl", mode="rewrite", hosts=None)
    with upstream.start(pace=0) as server, serving(session, base=server.url) as url:
        answer = talk(url, head.encode("latin-1"))
        assert 400 <= refused(answer)[0] < 500
        assert ask(url, x_goog_api_key="k").status_code == 200
        assert len(server.requests) == 1
    session.close()
    assert len(Cassette.load(tmp_path / "c.jsonl").interactions) == 1
    assert not [record for record in caplog.records if record.exc_info or record.levelno > logging.WARNING]


def test_dots_in_names_are_no_segments(tmp_path: Path) -> None:
    """Nor is a percent sign an escape."""
    with served(tmp_path) as (_, url):
        for path in ("/v1.5/models/gemini-2.5-flash", "/a..b/...", "/%/%zz", "/.well-known/x"):
            assert talk(url, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())[
                :12
            ] == (b"HTTP/1.1 404")


class TestLimits:
    """Of size and time."""

    def test_a_body_of_the_limit_comes_in_and_one_byte_more_does_not(self, tmp_path: Path) -> None:
        """Whether its length was told before or not; the connection can be used again."""
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
        """While it still sends: more than the sockets between take."""
        body = b"x" * 30_000_000
        headers = {"connection": "close", "origin": origin}
        with served(tmp_path, Rules(max_body=1000)) as (_, url):
            declared = httpx.post(url + PATH, content=body, headers=headers)
            chunked = httpx.post(url + PATH, content=iter([body]), headers=headers)
        assert [declared.status_code, chunked.status_code] == ([413] * 2 if "localhost" in origin else [403] * 2)

    def test_a_body_that_is_too_large_is_not_asked_for(self, tmp_path: Path) -> None:
        """A client that waits for ``100 Continue`` gets the refusal instead."""
        head = GOOD_HEAD + "Expect: 100-continue\r\nContent-Length: 99999\r\n\r\n"
        with served(tmp_path, Rules(max_body=10)) as (_, url):
            assert talk(url, head.encode()).startswith(b"HTTP/1.1 413 ")

    @pytest.mark.parametrize("gap", [0, 1], ids=["at once", "in pieces"])
    @pytest.mark.parametrize("lines", ["X-A: " + "a" * 70_000, "X-A: a\r\n" * 200], ids=["bytes", "lines"])
    def test_a_head_that_is_too_large_is_a_431(self, tmp_path: Path, lines: str, gap: int) -> None:
        """In one piece or in many, complete or not."""
        with served(tmp_path) as (_, url):
            code, message = refused(talk(url, (GOOD_HEAD + lines + "\r\n\r\n" * (1 - gap)).encode()))
        assert code == 431
        assert "head" in message

    def test_a_large_head_comes_in(self, tmp_path: Path) -> None:
        """A hundred headers, and one of 50,000 bytes."""
        headers = {**{f"x-{n}": "a" for n in range(100)}, "x-long": "a" * 50_000}
        with served(tmp_path) as (_, url):
            assert httpx.post(url + PATH, json=ASK, headers=headers).status_code == 200

    @pytest.mark.parametrize(
        ("sent", "what"),
        [("POST / HT", "head"), (GOOD_HEAD, "head"), (GOOD_HEAD + "Content-Length: 5\r\n\r\nhel", "body")],
        ids=["line", "head", "body"],
    )
    def test_a_request_that_is_never_complete_is_a_408(self, tmp_path: Path, sent: str, what: str) -> None:
        """Also where a byte comes now and then; the connection is closed."""
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
        """On a connection that was good before."""
        good = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with served(tmp_path, Rules(head_seconds=0.3)) as (_, url), connected(url) as sock:
            sock.sendall(good + b"POST /")
            assert read_answer(sock).startswith(b"HTTP/1.1 404 ")
            assert refused(read_answer(sock))[0] == 408

    def test_a_connection_that_says_nothing_may_rest(self, tmp_path: Path) -> None:
        """Before the first request and between two, longer than a head may take; a thousand hold nobody up."""
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
    """A server that runs for days is as large as one that has just started."""

    def test_misses_leave_nothing_behind(self, tmp_path: Path) -> None:
        """Twenty of a megabyte each, after five that warmed everything up."""

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

    def test_misses_are_counted_and_not_kept(self, tmp_path: Path) -> None:
        """A hundred of them stay with the session."""
        with served(tmp_path) as (session, _), running.serve(app(session)) as server, httpx.Client() as client:
            for n in range(130):
                client.get(f"{server.url}/v1/models/{n}")
            assert (server.app.missed, len(session.misses)) == (130, 100)

    def test_the_upstream_of_the_command_line_keeps_no_requests(self) -> None:
        """Nor what it sent."""
        with running.serve(upstream.Upstream(pace=0, kept=0)) as server:
            for _ in range(3):
                assert ask(server.url, x_goog_api_key="k").status_code == 200
            assert (server.app.requests, server.app.sent) == ([], [])


class TestRules:
    """What cannot be used is said at once."""

    @pytest.mark.parametrize(
        ("text", "size"),
        [("0", 0), ("1000", 1000), ("64K", 65536), ("128m", 2**27), ("1 GiB", 2**30), ("2MB", 2**21)],
    )
    def test_sizes(self, text: str, size: int) -> None:
        """In bytes, or with K, M, G."""
        assert parse_size(text) == size

    @pytest.mark.parametrize("text", ["", "-1", "1.5M", "much", "1T"])
    def test_what_is_not_a_size(self, text: str) -> None:
        """A negative number, a fraction, another unit."""
        with pytest.raises(UsageError, match="is not a size"):
            parse_size(text)

    @pytest.mark.parametrize(
        ("rules", "words"),
        [
            ({"allow_origins": ("app.example",)}, "is not an origin"),
            ({"allow_origins": ("https://app.example/",)}, "is not an origin"),
            ({"allow_origins": ("*",)}, "is not an origin"),
            ({"allow_hosts": ("app.example:80",)}, "is not the name of a host"),
            ({"allow_hosts": ("http://app.example",)}, "is not the name of a host"),
            ({"max_body": -1}, "max_body is -1"),
        ],
    )
    def test_what_is_not_a_rule(self, rules: dict[str, Any], words: str) -> None:
        """An origin has a scheme and no path; a host has no port."""
        with pytest.raises(UsageError, match=words):
            Rules(**rules)

    @pytest.mark.parametrize("command", ["serve", "record", "upstream"])
    @pytest.mark.parametrize(
        ("option", "words"),
        [
            (("--allow-origin", "app.example"), "is not an origin"),
            (("--allow-host", "a:80"), "is not the name of a host"),
            (("--max-body", "much"), "is not a size"),
        ],
        ids=["origin", "host", "size"],
    )
    def test_every_command_that_listens_has_them(
        self, command: str, option: tuple[str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Before anything listens."""
        path = tmp_path / "c.jsonl"
        Cassette([]).save(path)
        assert main([command, *([] if command == "upstream" else [str(path)]), *option]) == 2
        captured = capsys.readouterr()
        assert (words in captured.err, captured.out) == (True, "")


def test_no_log_line_and_no_refusal_holds_a_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fetch: Callable[..., Any]
) -> None:
    """A key in every place of a request that is refused, is missed, or meets a bug."""

    async def buggy(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError(f"{scope['query_string']} {scope['headers']}")

    def requests(url: str) -> Iterator[bytes]:
        key = {"x-goog-api-key": KEY, "authorization": f"Bearer {KEY}"}
        path = f"{PATH}&key={KEY}"
        yield httpx.post(url + path, json={"key": KEY}, headers=key).content
        yield httpx.post(url + path, json={"key": KEY}, headers={**key, "origin": "https://app.example"}).content
        yield httpx.post(f"{url}/a/%2e%2e/{path}", json=ASK, headers=key).content
        yield talk(url, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nx-goog-api-key: {KEY}\r\n x\r\n\r\n".encode())
        yield talk(url, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nx-goog-api-key : {KEY}\r\n\r\n".encode())
        yield talk(url, f"GET http://u:{KEY}@localhost{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield talk(url, f"CONNECT {KEY}:443 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    with caplog.at_level(0, logger="gemini_replay"), served(tmp_path) as (_, url), running.serve(buggy) as bug:
        said = [*requests(url), *requests(bug.url)]
    lines = [record for record in caplog.records if record.name.startswith("gemini_replay")]
    text = logging.Formatter("%(message)s")
    assert len(lines) >= len(said)
    assert not [line for line in lines if KEY in text.format(line)]
    assert not [answer for answer in said if KEY.encode() in answer]
    assert any("ValueError" in text.format(line) for line in lines)
