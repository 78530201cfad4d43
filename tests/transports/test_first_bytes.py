"""Which host the first bytes on a connection are for."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_replay.transports import first_bytes


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (b"GET /a HTTP/1.1\r\nHost: b.org\r\n\r\n", "http://b.org/a"),
        (b"POST /a?x=1 HTTP/1.1\r\nA: b\r\nHOST:b.org:81 \r\n\r\n{}", "http://b.org:81/a?x=1"),
        (b"GET http://b.org/a HTTP/1.1\r\nHost: c.org\r\n\r\n", "http://b.org/a"),
        (b"CONNECT b.org:443 HTTP/1.1\r\n\r\n", ("b.org", 443)),
        (b"CONNECT b.org HTTP/1.0\r\n\r\n", ("b.org", None)),
        (b"\x05\x01\x00\x03\x05b.org\x01\xbb", ("b.org", 443)),
        (b"\x04\x01\x01\xbb\x00\x00\x00\x01me\x00b.org\x00", ("b.org", 443)),
        (b"GET /a HTTP/1.1\r\n\r\nHost: b.org\r\n", None),
        (b"GET /a HTTP/1.0\r\n\r\n", None),
        (b"OPTIONS * HTTP/1.1\r\nHost: b.org\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nHost: b.org\r\n\r\n", None),
        (b"\x05\x01\x00", None),
        (b"\x16\x03\x01", None),
        (b"", None),
        ("GET / HTTP/1.1\r\n", None),
        (None, None),
    ],
)
def test_the_host_that_the_first_bytes_name(data: Any, asked: Any) -> None:
    """It is found in heads of HTTP requests and in requests to proxies, also in memoryviews and arrays."""
    assert first_bytes.destination(data, "http") == asked
    if isinstance(data, bytes):
        assert first_bytes.destination(memoryview(bytearray(data)), "http") == asked
