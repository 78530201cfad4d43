"""Tests of another API than Gemini, through the plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT = """
import socket
import httpx
import pytest
from provider.toy import FIN, TOY, sung
from gemini_replay import Cassette

URL = "https://eu.toy.example/v1/tenor/sing"

pytestmark = pytest.mark.gemini_cassette("song", provider=TOY)

@pytest.fixture(scope="module")
def early():
    try:
        return httpx.post(URL, json={}).content
    except Exception as error:
        return error
"""
CASSETTE = """{"cassette": 1}
{"request": {"method": "POST", "url": "https://eu.toy.example/v1/tenor/sing", "headers": [], "json": {}}}
{"response": {"status": 200, "headers": []}, "after": 0.0}
[0.0, "event: fin\\ndata: {\\"fin\\": \\"encore\\"}\\n\\n"]
{"end": "eof", "after": 0.0}
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a recorded song."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    folder = pytester.path / "cassettes"
    folder.mkdir()
    (folder / "song.jsonl").write_text(CASSETTE, encoding="utf-8")
    return pytester


def test_the_marker_names_the_provider(project: pytest.Pytester) -> None:
    """This works in the process and for a server."""
    project.makepyfile(
        PROJECT
        + """
def test_here():
    assert httpx.post(URL, json={}).content == FIN

def test_there(gemini_server):
    assert httpx.post(f"{gemini_server}/v1/tenor/sing", json={}).content == FIN

def test_past_the_server(gemini_server):
    socket.create_connection(("eu.toy.example", 443))
"""
    )
    result = project.runpytest()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*A request to eu.toy.example was stopped before it left this machine.*"])


def test_a_request_before_the_session_belongs_to_the_provider(project: pytest.Pytester) -> None:
    """A module's fixture asks before the test's cassette is open. It is refused: the host is the provider's."""
    project.makepyfile(
        PROJECT
        + """
def test_early(early):
    assert "is not open yet" in str(early)
"""
    )
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*A request to eu.toy.example was stopped before it left this machine.*"])


def test_a_wrong_provider_is_named(project: pytest.Pytester) -> None:
    """The test fails, and the error says what the argument takes."""
    project.makepyfile(
        """
import pytest

@pytest.mark.gemini_cassette("song", provider=5)
def test_it(): ...
"""
    )
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*provider is 5.*"])
