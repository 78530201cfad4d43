"""The recording proxy takes certificates and proxies from the environment, as any client does."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from support.proxies import Fetch, proxied, recorded, scripted
from support.raw_server import CHUNKED, LAST, Answer, chunked, raw_server
from support.streams import PATH, events

from gemini_replay.errors import UsageError
from gemini_replay.server import upstream


def test_the_environments_certificates_are_trusted(
    path: Path, tmp_path: Path, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``SSL_CERT_FILE`` counts, as for any client. The proxy itself speaks plain HTTP."""
    issuer = trustme.CA()
    issuer.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "s.pem")
    issuer.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with upstream.start("story", pace=0.01, ssl_certfile=str(tmp_path / "s.pem")) as server:
        with proxied(path, server.url) as url:
            answer = fetch(url, PATH)
        assert answer.chunks == [data for _, data in server.sent[0]]
    assert recorded(path)[0].request.url.startswith("https://")


def test_the_environments_proxy_is_used(path: Path, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    """``HTTP_PROXY`` and ``NO_PROXY`` count, as for any client."""
    for name in ("http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with raw_server(Answer([(0, CHUNKED + chunked(*events(1)) + LAST)])) as other:
        monkeypatch.setenv("HTTP_PROXY", other.url.removeprefix("http://"))
        with proxied(path, "http://gemini.invalid") as url:
            assert fetch(url, PATH).chunks == events(1)
        assert other.requests[0].startswith(f"POST http://gemini.invalid{PATH} HTTP/1.1\r\n".encode())
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with scripted(events(2)) as server, proxied(path, server.url) as url:
            assert fetch(url, PATH).chunks == events(2)


def test_certificates_that_cannot_be_read_are_a_usage_error(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This is about certificates that the environment names."""
    (tmp_path / "no.pem").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "no.pem"))
    with pytest.raises(UsageError, match="SSL_CERT_FILE"), proxied(path, "https://127.0.0.1:1"):
        pass
