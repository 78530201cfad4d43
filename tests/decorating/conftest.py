"""Two cassettes for decorated functions to replay, and a server to record from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.decorated import asked
from support.streams import events

from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, Interaction, Response
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    """Two cassettes. Each answers "one" and "two" once, with its own name before the answer."""
    made = {name: tmp_path / f"{name}.jsonl" for name in "AB"}
    for name, path in made.items():
        Cassette(
            [
                Interaction(asked(text), Response(200), (Chunk(0.0, f"{name} {text}".encode()),))
                for text in ("one", "two")
            ]
        ).save(path)
    return made


@pytest.fixture
def server() -> Iterator[upstream.RunningUpstream]:
    with upstream.start(Scenario.from_chunks(events(2))) as running:
        yield running
