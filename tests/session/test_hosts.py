"""Which hosts belong to a session: Google's and those named in `hosts`."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support.streams import PATH

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.errors import NetworkBlockedError, UsageError
from gemini_replay.session import hosts
from gemini_replay.session.hosts import Hosts


@pytest.mark.parametrize(
    ("pattern", "url", "matches"),
    [
        ("api.example.org", "https://api.example.org/x", True),
        ("API.example.org", "https://api.EXAMPLE.org./x", True),
        ("*.example.org", "https://api.example.org:444/x", True),
        ("*.example.org", "https://example.org/x", False),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/x", True),
        ("127.0.0.1:8080", "http://127.0.0.1:8081/x", False),
        ("127.0.0.1", "http://127.0.0.1:8081/x", True),
        ("example.org:443", "https://example.org/x", True),
        ("example.org:443", "http://example.org/x", False),
        ("[::1]:8080", "http://[::1]:8080/x", True),
        ("[::1]:8080", "http://[::1]:8081/x", False),
        ("[::1]", "http://[::1]:8081/x", True),
        ("::1", "http://[::1]:8081/x", True),
        ("host[12]:80", "http://host2/x", True),
        ("*:8080", "http://anything:8080/x", True),
    ],
)
def test_a_host_is_a_shell_pattern_with_or_without_a_port(pattern: str, url: str, matches: bool) -> None:
    """`hosts` and `ignore_hosts` take the same patterns; `ignore_hosts` wins."""
    assert Hosts([pattern], [], None).owns(url) is matches
    gateway = url.replace("/x", PATH)
    assert Hosts([], [pattern], None).owns(gateway) is not matches
    assert Hosts([pattern], [pattern], None).owns(gateway) is not matches


@pytest.mark.parametrize(
    "pattern", ["", " ", "http://localhost", "localhost:", "localhost:0", "localhost:99999", "a/b"]
)
def test_what_is_not_a_host_is_refused(pattern: str) -> None:
    """The error shows what a host looks like."""
    with pytest.raises(UsageError, match=r"hosts names (?s:.*)127\.0\.0\.1:8080"):
        Hosts([pattern], [], None)
    with pytest.raises(UsageError, match="ignore_hosts names"):
        Hosts([], [pattern], None)


@pytest.mark.parametrize(
    "pattern",
    ["*", "*.googleapis.com", "generativelanguage.googleapis.com", "us-east5-aiplatform.googleapis.com:443"],
)
def test_googles_own_hosts_cannot_be_ignored(pattern: str) -> None:
    """Their requests would reach the network unseen."""
    with pytest.raises(UsageError, match=r"Gemini's own hosts(?s:.*)live"):
        Hosts([], [pattern], None)


def test_a_pattern_that_matches_an_unknown_region_does_not_ignore_it() -> None:
    """Not every regional host of Google's is known when the session opens, so such a host is still owned."""
    ignoring = Hosts([], ["mars-*"], None)
    assert ignoring.owns("https://mars-aiplatform.googleapis.com/x")
    assert not ignoring.owns(f"https://mars-gateway.example.org{PATH}")


def test_a_host_with_a_port_is_guarded_on_that_port(tmp_path: Path) -> None:
    """Clients that no transport sees are stopped when they look the host up."""
    path = tmp_path / "empty.jsonl"
    Cassette([]).save(path)
    with pytest.raises(NetworkBlockedError), gemini_replay.replay(path, hosts=["localhost:8080"]):
        assert socket.getaddrinfo("localhost", 8081)
        socket.getaddrinfo("localhost", 8080)


def test_an_invalid_url_belongs_to_no_session() -> None:
    """The client itself raises the error."""
    assert not Hosts((), (), None).owns("http://[::1/v1/models/m:streamGenerateContent")
    assert Hosts(None, (), None).owns("http://[::1/v1/models/m:streamGenerateContent")


def test_a_base_url_that_cannot_be_used_is_shown_without_its_secrets() -> None:
    """The error shows neither a password nor a key."""
    with pytest.raises(UsageError) as wrong:
        hosts.base_url("ftp://me:secret-1@host/path?key=secret-2")
    assert "ftp://host/path" in str(wrong.value)
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize("host", ["oauth2.googleapis.com", "STS.googleapis.com.", "iamcredentials.googleapis.com"])
def test_a_request_for_a_token_is_never_the_sessions(host: str) -> None:
    """This holds even if a broad pattern matches its host."""
    own = Hosts(["*.googleapis.com"], (), None)
    assert not own.owns(f"https://{host}/token")
    assert own.owns("https://storage.googleapis.com/x")
