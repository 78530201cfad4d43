"""A request that another recorder handles too is refused, since that recorder reads responses as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import vcr
from support.cassettes import recorded
from support.clients import Client
from support.every_client import EVERY_CLIENT
from support.streams import GOOGLE, events

import gemini_replay
from gemini_replay.errors import RefusedError, UsageError

SKIPPED = ["httplib", "httplib2", "requests", "urllib3", "aiohttp", "httpx", "httpx2"]
HANDLED = [client for client in EVERY_CLIENT if not client.name.startswith("httpcore")]
"""The clients that VCR knows."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return recorded(tmp_path / "story.jsonl", events(3))


@pytest.mark.parametrize("client", HANDLED, ids=lambda client: client.name)
def test_a_request_that_vcr_handles_is_refused(client: Client, path: Path, tmp_path: Path) -> None:
    """The error names the other recorder and what to do, and the session ends with it."""
    with pytest.raises(RefusedError, match=r"VCR\.py handles this request, too"):
        with gemini_replay.replay(path), vcr.use_cassette(str(tmp_path / "story.yaml")):
            assert "skip_patchers" in str(client.fetch(GOOGLE).error)


@pytest.mark.parametrize("client", HANDLED, ids=lambda client: client.name)
def test_a_client_that_vcr_skips_is_answered(client: Client, path: Path, tmp_path: Path) -> None:
    """This holds in a function wrapped by VCR's decorator too."""
    skipping = vcr.VCR(skip_patchers=SKIPPED)

    @skipping.use_cassette(str(tmp_path / "story.yaml"))
    def fetch() -> list[bytes]:
        return client.fetch(GOOGLE).chunks

    with gemini_replay.replay(path):
        assert b"".join(fetch()) == b"".join(events(3))


def test_connections_that_vcr_has_replaced_are_an_error(path: Path, tmp_path: Path) -> None:
    """VCR replaces http.client's connections. A session cannot intercept those, and says so."""
    with vcr.use_cassette(str(tmp_path / "story.yaml")):
        with pytest.raises(UsageError, match=r"vcr\S* has replaced the connections of http\.client"):
            gemini_replay.replay(path).__enter__()
