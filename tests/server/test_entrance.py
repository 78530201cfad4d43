"""The entrance of a server: which origins and hosts it accepts, and what it refuses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.clients import KEY
from support.streams import PATH, events
from support.talking import ASK, ask, served, talk

from gemini_replay import Session
from gemini_replay.server import running, upstream
from gemini_replay.server.entrance import Rules
from gemini_replay.server.serving import serving

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
    """Which web pages may use a server."""

    @pytest.mark.parametrize("origin", LOCAL_ORIGINS)
    def test_local_pages_are_allowed(self, tmp_path: Path, origin: str) -> None:
        """Any port is allowed, and the answer lets the page read the body and every header."""
        with served(tmp_path, headers=(("content-type", "text/event-stream"), ("x-own", "1"))) as (_, url):
            answer = ask(url, origin=origin)
        assert answer.content == b"".join(events(2))
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-expose-headers"].split(",") == ["content-type", "x-own"]
        assert answer.headers["vary"] == "Origin"

    @pytest.mark.parametrize("origin", OTHER_ORIGINS)
    def test_other_pages_are_refused(self, tmp_path: Path, origin: str, caplog: pytest.LogCaptureFixture) -> None:
        """Nothing is played, the page cannot read the refusal, and the log says why."""
        with served(tmp_path) as (session, url):
            answer = ask(url, origin=origin)
        assert (answer.status_code, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
        assert "access-control-allow-origin" not in answer.headers
        assert session.played == []
        assert "--allow-origin" in caplog.text

    def test_pages_without_an_origin_header_are_refused(self, tmp_path: Path) -> None:
        """Another header of the browser shows that a page makes the request. A person's own visit is allowed."""
        with served(tmp_path) as (_, url):
            assert ask(url, sec_fetch_site="cross-site").status_code == 403
            for site in ("same-origin", "same-site", "none"):
                assert ask(url, sec_fetch_site=site).status_code == 200

    def test_named_pages_are_allowed(self, tmp_path: Path) -> None:
        """Exactly the named origins are allowed, in upper or lower case."""
        rules = Rules(allow_origins=("https://App.example", "null"))
        with served(tmp_path, rules) as (_, url):
            statuses = [
                ask(url, origin=origin).status_code
                for origin in ("https://app.example", "null", "https://app.example:8443", "http://app.example")
            ]
        assert statuses == [200, 200, 403, 403]

    def test_programs_see_no_difference(self, tmp_path: Path) -> None:
        """Programs send no origin, and get the recorded headers unchanged."""
        recorded = (("access-control-allow-origin", "https://recorded.example"), ("vary", "X-Origin"))
        with served(tmp_path, headers=recorded) as (_, url):
            plain, page = ask(url), ask(url, origin="http://localhost:3000")
        assert plain.headers["access-control-allow-origin"] == "https://recorded.example"
        assert "access-control-expose-headers" not in plain.headers
        assert page.headers.get_list("access-control-allow-origin") == ["http://localhost:3000"]
        assert page.headers.get_list("vary") == ["X-Origin", "Origin"]

    def test_a_preflight_is_answered_as_google_does(self, tmp_path: Path) -> None:
        """It allows any method and the requested headers, without playing anything. Other pages get no permission."""
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
        assert plain.headers["x-gemini-replay"] == "miss"  # not a preflight, but an ordinary request

    def test_a_page_can_read_a_miss(self, tmp_path: Path) -> None:
        """The miss in the answer says what to do."""
        with served(tmp_path) as (_, url):
            answer = httpx.post(url + PATH, json={}, headers={"origin": "http://localhost:3000"})
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
        assert "x-gemini-replay" in answer.headers["access-control-expose-headers"].split(",")


class TestHosts:
    """Which host names a server accepts: by DNS rebinding, a page can make a name of its own lead here."""

    @pytest.mark.parametrize(
        "host", ["localhost", "LOCALHOST:99", "localhost.", "127.0.0.1:1", "127.1.2.3", "[::1]:8", "a.localhost:1"]
    )
    def test_local_names_are_accepted(self, tmp_path: Path, host: str) -> None:
        """Any port is accepted."""
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
    def test_other_names_are_refused(self, tmp_path: Path, host: str, caplog: pytest.LogCaptureFixture) -> None:
        """Nothing is played, and the log says how to allow a name."""
        with served(tmp_path) as (session, url):
            answer = ask(url, host=host)
        assert (answer.status_code, session.played) == (403, [])
        assert "--allow-host" in caplog.text

    def test_allowed_names_are_accepted(self, tmp_path: Path) -> None:
        """They are accepted with any port."""
        with served(tmp_path, Rules(allow_hosts=("host.docker.internal", "[fe80::1]"))) as (_, url):
            statuses = [
                ask(url, host=host).status_code
                for host in ("Host.docker.internal:80", "[fe80::1]:1", "docker.internal")
            ]
        assert statuses == [200, 200, 403]

    def test_a_server_for_other_machines_accepts_any_name(self) -> None:
        """It cannot know its names, but it still checks origins."""
        with upstream.start(pace=0, host="0.0.0.0") as server:
            url = f"http://127.0.0.1:{server.port}"
            assert ask(url, host="app.example", x_goog_api_key="k").status_code == 200
            assert ask(url, host="app.example", origin="http://app.example").status_code == 403
            assert len(server.requests) == 1


def test_every_server_has_an_entrance(tmp_path: Path) -> None:
    """The embedded upstream checks too, and so does the recording proxy, which then forwards nothing."""
    session = Session(tmp_path / "c.jsonl", mode="rewrite", hosts=None)
    with upstream.start(pace=0) as server, serving(session, base=server.url) as url:
        for base in (server.url, url):
            assert ask(base, origin="https://app.example").status_code == 403
            assert ask(base, host="app.example").status_code == 403
        assert server.requests == []
    session.close()
    assert not (tmp_path / "c.jsonl").exists()


def test_no_log_line_and_no_refusal_holds_a_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fetch: Callable[..., Any]
) -> None:
    """A key may be in every place of a request that is refused, misses, or meets a bug."""

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

    with caplog.at_level(0, logger="gemini_replay"), served(tmp_path) as (_, url), running.Running(buggy) as bug:
        said = [*requests(url), *requests(bug.url)]
    lines = [record for record in caplog.records if record.name.startswith("gemini_replay")]
    text = logging.Formatter("%(message)s")
    assert len(lines) >= len(said)
    assert not [line for line in lines if KEY in text.format(line)]
    assert not [answer for answer in said if KEY.encode() in answer]
    assert any("ValueError" in text.format(line) for line in lines)
