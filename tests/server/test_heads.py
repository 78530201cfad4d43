"""Heads of requests that a server refuses, since two readers could understand them differently."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from support.streams import PATH
from support.talking import GOOD_HEAD, ask, refused, served, talk

from gemini_replay import Cassette, Session
from gemini_replay.server import upstream
from gemini_replay.server.serving import serving

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
def test_an_ambiguous_head_is_refused(tmp_path: Path, head: str, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is a 4xx in Google's form. Nothing is forwarded or recorded, and the log has no traceback."""
    session = Session(tmp_path / "c.jsonl", mode="rewrite", hosts=None)
    with upstream.start(pace=0) as server, serving(session, base=server.url) as url:
        answer = talk(url, head.encode("latin-1"))
        assert 400 <= refused(answer)[0] < 500
        assert ask(url, x_goog_api_key="k").status_code == 200
        assert len(server.requests) == 1
    session.close()
    assert len(Cassette.load(tmp_path / "c.jsonl").interactions) == 1
    assert not [record for record in caplog.records if record.exc_info or record.levelno > logging.WARNING]


def test_dots_and_percent_signs_in_names_are_accepted(tmp_path: Path) -> None:
    """Such names are neither dot segments nor escapes."""
    with served(tmp_path) as (_, url):
        for path in ("/v1.5/models/gemini-2.5-flash", "/a..b/...", "/%/%zz", "/.well-known/x"):
            assert talk(url, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())[
                :12
            ] == (b"HTTP/1.1 404")
