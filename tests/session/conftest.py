"""Two cassettes that answer the same request, a thread, and two sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.two_sessions import ASKED, Two, Worker

from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, Interaction, Response


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    """Two cassettes that answer the same request, each with its own name."""
    made = {name: tmp_path / f"{name}.jsonl" for name in "AB"}
    for name, path in made.items():
        Cassette([Interaction(ASKED, Response(200), (Chunk(0.0, name.encode()),))] * 4).save(path)
    return made


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker thread that was started before any session."""
    made = Worker()
    yield made
    made.end()


@pytest.fixture
def two(paths: dict[str, Path]) -> Iterator[Two]:
    made = Two(paths)
    yield made
    for name in "AB":
        if made._workers[name].thread.is_alive():
            made.end(name)
