"""A break on one side of the recording proxy reaches the other side, and is recorded as what it was."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from support.clients import KEY
from support.proxies import ASK, Fetch, Paced, proxied, recorded, scripted, until
from support.streams import PATH, events

from gemini_replay import Cassette
from gemini_replay.server import running, upstream


class TestBreaks:
    """Breaks on both sides of the proxy."""

    @pytest.mark.parametrize(("end", "how"), [("reset", None), ("closed", "closed")], ids=["reset", "closed"])
    def test_the_upstreams_break_is_passed_on(self, path: Path, fetch: Fetch, end: Any, how: str | None) -> None:
        """After the chunks, a reset comes as a reset and a FIN as a FIN, live and on replay."""
        with scripted(events(3), end=end, end_after=0.02) as server:
            answers = []
            for mode in ("rewrite", "once"):
                with proxied(path, server.url, mode=mode) as url:
                    answers.append(fetch(url, PATH))
        stored = recorded(path)[0]
        assert (stored.end.kind, stored.end.how) == ("reset", how)
        for answer in answers:
            assert (answer.chunks, answer.complete) == (events(3), False)
            assert isinstance(answer.error, ConnectionResetError) is (how is None)

    @pytest.mark.parametrize(
        ("linger", "error"), [(True, httpx.ReadError), (False, httpx.RemoteProtocolError)], ids=["reset", "closed"]
    )
    def test_a_break_before_the_head_is_passed_on(self, path: Path, linger: bool, error: type[Exception]) -> None:
        """The client gets no response, and the recording has none."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            below = scope["extensions"]["gemini_replay.connection"]
            await (below.reset() if linger else below.close())

        with running.Running(app) as server:
            for mode in ("rewrite", "once"):
                with proxied(path, server.url, mode=mode) as url, pytest.raises(error):
                    httpx.post(url + PATH, json=ASK)
        assert recorded(path)[0].response is None
        assert recorded(path)[0].end.kind == "reset"

    def test_a_client_that_leaves_cancels_the_upstreams_answer(self, path: Path, connect: Any, wire: Any) -> None:
        """The upstream sees the connection end. After the chunks, the recording says "cancelled"."""
        paced = Paced()
        with running.Running(paced.app) as server, proxied(path, server.url) as url:
            with connect(url, PATH) as (_, reader):
                wire.head(reader)
                paced()
                assert wire.chunk(reader) == events(3)[0]
            assert paced.left.wait(10)
        stored = recorded(path)[0]
        assert [chunk.data for chunk in stored.chunks] == events(3)[:1]
        assert stored.end.kind == "cancelled"

    def test_a_client_that_leaves_before_the_head_cancels_the_request(self, path: Path, connect: Any) -> None:
        """The recording has no response."""
        with scripted(events(1), head_after=30) as server, proxied(path, server.url) as url:
            with connect(url, PATH):
                until(lambda: len(server.requests) == 1)
            part = path.with_name(f"{path.name}.part")
            until(lambda: b'"cancelled"' in part.read_bytes())
        assert recorded(path)[0].response is None
        assert recorded(path)[0].end.kind == "cancelled"

    def test_an_unreachable_upstream_is_a_502_without_a_recording(self, path: Path) -> None:
        """The answer has Google's form and the address, and no file is made."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with proxied(path, f"http://127.0.0.1:{port}") as url:
            answer = httpx.post(f"{url}{PATH}&key={KEY}", json=ASK)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["status"]) == (502, 502, "UNAVAILABLE")
        assert f"http://127.0.0.1:{port}" in error["message"]
        assert answer.headers["x-gemini-replay"] == "error"
        assert KEY not in answer.text
        assert not path.exists()

    def test_an_untrusted_certificate_is_explained(self, path: Path, tmp_path: Path) -> None:
        """The answer names the setting that makes it trusted."""
        trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "s.pem")
        with upstream.start(ssl_certfile=str(tmp_path / "s.pem")) as server, proxied(path, server.url) as url:
            answer = httpx.post(url + PATH, json=ASK)
        assert answer.status_code == 502
        assert "SSL_CERT_FILE" in answer.json()["error"]["message"]

    def test_two_proxies_record_to_one_cassette(self, path: Path) -> None:
        """In the end, the cassette has the recordings of both."""
        with scripted(events(1)) as server, proxied(path, server.url) as one, proxied(path, server.url) as other:
            for url in (one, other):
                assert httpx.post(url + PATH, json=ASK).status_code == 200
        assert len(Cassette.load(path).interactions) == 2
