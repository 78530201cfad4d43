"""A cassette and a server with the same answer, and a check of threads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.raw_server import RawServer, raw_server
from support.urllib3_cases import STREAM, cassette, no_reader_is_left, whole


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    no_reader_is_left()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette with two recordings of the same question."""
    return cassette(tmp_path / "story.jsonl", whole(), whole())


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server that streams the same answer to every client."""
    with raw_server(STREAM) as running:
        yield running
