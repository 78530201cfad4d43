"""The server in a URL, and the URL of a server."""

from __future__ import annotations

import pytest

from gemini_replay.urls import address, host, host_and_port, netloc, server, server_url


@pytest.mark.parametrize(
    ("url", "named", "placed"),
    [
        ("https://api.example.org/x?y", "api.example.org", "api.example.org"),
        ("http://api.example.org:8080/x", "api.example.org", "api.example.org:8080"),
        ("http://user:secret@api.example.org:8080/x", "api.example.org", "api.example.org:8080"),
        ("http://[::1]:8080/x", "[::1]", "[::1]:8080"),
        ("https://user@[::1]/x", "[::1]", "[::1]"),
    ],
)
def test_the_server_of_a_url(url: str, named: str, placed: str) -> None:
    """It has no user and password, and an IPv6 address has brackets."""
    assert host(url) == named
    assert netloc(url) == placed
    assert server(url) == f"{url.partition(':')[0]}://{placed}"
    assert address(url) == (placed if ":8080" in url else f"{placed}:443")


@pytest.mark.parametrize(
    ("scheme", "name", "port", "url"),
    [
        ("https", "api.example.org", 443, "https://api.example.org"),
        ("https", "api.example.org", 80, "https://api.example.org:80"),
        ("http", "api.example.org", None, "http://api.example.org"),
        ("http", "::1", 80, "http://[::1]"),
        ("http", "::1", 8080, "http://[::1]:8080"),
        ("http", "[::1]", 8080, "http://[::1]:8080"),
    ],
)
def test_the_url_of_a_server(scheme: str, name: str, port: int | None, url: str) -> None:
    """The scheme's default port is left out, and an IPv6 address has one pair of brackets."""
    assert server_url(scheme, name, port) == url
    assert host_and_port(scheme, name, port) == url.partition("//")[2]
