"""The guard: the host names that it refuses to look up."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

import gemini_replay
from gemini_replay.errors import NetworkBlockedError
from gemini_replay.gemini import GEMINI
from gemini_replay.transports import guard


@pytest.mark.parametrize(
    "name",
    [
        "generativelanguage.googleapis.com",
        "GenerativeLanguage.GoogleAPIs.com",
        "generativelanguage.googleapis.com.",
        b"generativelanguage.googleapis.com",
        "generativelanguage。googleapis．com",
        "ｇenerativelanguage｡googleapis.com",
        "genera\N{SOFT HYPHEN}tivelanguage.googleapis.com",
        "generativelanguage.mtls.googleapis.com",
        "aiplatform.googleapis.com",
        "us-central1-aiplatform.googleapis.com",
        "us-central1-aiplatform.mtls.googleapis.com",
        "aiplatform.eu.rep.googleapis.com",
        "aiplatform-some.p.googleapis.com",
        "cloudcode-pa.googleapis.com",
        "daily-cloudcode-pa.sandbox.googleapis.com",
    ],
)
def test_a_gemini_host_is_refused_in_every_spelling(
    name: str | bytes, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's look-up, which would give this machine's address, is not called."""
    asked = []

    def look_up(host: Any, *others: Any, **more: Any) -> list[Any]:
        asked.append(host)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(NetworkBlockedError, match="stopped before it left"), gemini_replay.replay(empty):
        socket.getaddrinfo(name, 443)
    assert asked == []
    assert socket.getaddrinfo(name, 443) == []


@pytest.mark.parametrize(
    "name", ["localhost", "googleapis.com", "storage.googleapis.com", "oauth2.googleapis.com", ""]
)
def test_other_hosts_are_left_alone(name: str, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is an empty name, which stands for this machine."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_: [host])
    with gemini_replay.replay(empty):
        assert socket.getaddrinfo(name, 443) == [name]


def test_wrong_arguments_raise_the_functions_own_error(empty: Path) -> None:
    """The guard neither fails on them nor takes them for names."""
    with gemini_replay.replay(empty):
        with socket.socket() as sock, pytest.raises(TypeError):
            sock.connect(None)  # type: ignore[arg-type]
        with socket.socket() as sock, pytest.raises(TypeError):
            sock.send("text")  # type: ignore[arg-type]
        with socket.socket() as sock, pytest.raises(OverflowError):
            sock.connect(("127.0.0.1", 1 << 20))
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("127.0.0.1", "no service")


def test_every_pattern_of_googles_hosts_is_guarded() -> None:
    """A star stands for any name."""
    for pattern in GEMINI.hosts:
        assert guard.session.Hosts((), (), None).owns_host(pattern.replace("*", "some"))
