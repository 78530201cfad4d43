"""Shared by tests of transports: every client, a path for a cassette, and a check of threads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clients import Client
from support.every_client import EVERY_CLIENT
from support.urllib3_cases import no_reader_is_left

from gemini_replay import Cassette


@pytest.fixture(params=EVERY_CLIENT, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    """Each supported client in turn."""
    return request.param


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the test's cassette."""
    return tmp_path / "cassette.jsonl"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A cassette without recordings."""
    path = tmp_path / "empty.jsonl"
    Cassette([]).save(path)
    return path


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """Check that every thread that read ahead has ended when the test is over."""
    yield
    no_reader_is_left()
