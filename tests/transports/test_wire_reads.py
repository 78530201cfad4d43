"""Chunks that one read of the wire brought are written together, before the next wait for the wire."""

from __future__ import annotations

import concurrent.futures
import os
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from support.clients import ASK, Client
from support.every_client import EVERY_CLIENT
from support.raw_server import CHUNKED, LAST, Answer, chunked, raw_server
from support.streams import GOOGLE, event

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.transports.wire_reads import before_reads_of

FIRST, REST = event("one"), [event(f"{number} more") for number in range(20)]


@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
def test_chunks_that_came_together_are_written_with_few_calls_while_the_wire_is_quiet(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a chunk of its own, and all are in the journal before anything else comes."""
    path, real, writes = tmp_path / "story.jsonl", os.write, list[int]()

    def counted(file: int, data: bytes) -> int:
        if data.startswith(b"["):
            writes.append(data.count(b"\n"))
        return real(file, data)

    def written() -> int:
        part = path.with_name(path.name + ".part")
        return part.read_bytes().count(b"\n[") if part.exists() else 0

    monkeypatch.setattr(os, "write", counted)
    quiet_is_over = threading.Event()
    pieces = [(0.0, CHUNKED), (0.3, chunked(FIRST)), (0.3, chunked(*REST)), (quiet_is_over, LAST)]
    with raw_server(Answer(pieces)) as server, concurrent.futures.ThreadPoolExecutor(1) as executor:
        with gemini_replay.record(path, upstream=server.url):
            live = executor.submit(client.fetch, GOOGLE)
            while not live.done() and written() < 21:
                time.sleep(0.01)
            in_time, written_in_time = not live.done(), written()
            quiet_is_over.set()
            live.result()
    assert in_time
    assert written_in_time == 21
    (interaction,) = Cassette.load(path).interactions
    assert [chunk.data for chunk in interaction.chunks] == [FIRST, *REST]
    assert sum(writes) == 21
    assert len(writes) <= 8


@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
def test_a_connection_is_left_as_it_was(library: Any, tmp_path: Path) -> None:
    """Its stream is wrapped only while a response is recorded."""
    answer = Answer([(0.0, CHUNKED), (0.0, chunked(FIRST)), (0.0, LAST)])
    with raw_server(answer) as server, library.Client() as client:
        for _ in range(2):
            with (
                gemini_replay.record(tmp_path / "story.jsonl", mode="rewrite", upstream=server.url),
                client.stream("POST", GOOGLE, json=ASK) as response,
            ):
                assert b"".join(response.iter_raw()) == FIRST
            assert "read" not in vars(response.extensions["network_stream"])
        assert server.connections == 1


class Slotted:
    """A foreign stream that accepts no attributes."""

    __slots__ = ()

    def read(self) -> bytes:
        return b"x"


class Instrumented:
    """A stream whose `read` another tool has replaced."""

    def __init__(self) -> None:
        self.read = lambda: b"x"


@pytest.mark.parametrize(
    "stream", [None, object(), Slotted(), Instrumented()], ids=lambda stream: type(stream).__name__
)
def test_a_stream_of_another_kind_is_left_alone(stream: Any) -> None:
    """Then reads are not announced, and every chunk is written by itself."""
    told: list[None] = []
    read = getattr(stream, "read", None)
    with before_reads_of(stream)(lambda: told.append(None)):
        assert getattr(stream, "read", None) == read
    assert told == []
