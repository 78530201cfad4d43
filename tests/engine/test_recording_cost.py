"""What a recorded chunk costs, from the recorder to the journal, in calls and bytes, not in time."""

from __future__ import annotations

import base64
import random
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.calls import calls_of
from support.secret_bodies import KEY
from support.streams import GOOGLE, event

from gemini_replay.cassette.journal import Journal
from gemini_replay.cassette.model import Request
from gemini_replay.cassette.redaction import Redactor
from gemini_replay.engine.recorder import Recorder

REDACTOR = Redactor(environ={"GEMINI_API_KEY": KEY, "OPENAI_API_KEY": "sk-" + "0aB1" * 12})
PROSE = "The moon keeps its distance, and tonight it is 384,400 km away from all who watch it. "
PICTURE = base64.b64encode(random.Random(3).randbytes(150_000))


def cut(body: bytes, size: int = 1024) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


class Recording:
    """A recording to a file."""

    def __init__(self, folder: Path) -> None:
        redactor = REDACTOR.for_request(Request("POST", GOOGLE, (("x-goog-api-key", KEY),)))
        self._journal = Journal(folder / "a.jsonl")
        entry = self._journal.begin(redactor.request())
        self._problems = list[BaseException]()
        self._recorder = Recorder(
            entry=entry, began=0.0, scrub=redactor.stream(), redact=redactor.response, failed=self._problems.append
        )
        self._recorder.head(200, (("content-type", "text/event-stream"),), 0.0)

    def of(self, chunks: Sequence[bytes], together: int = 1) -> None:
        for number, data in enumerate(chunks, 1):
            self._recorder.chunk(data, 1.0)
            if number % together == 0:
                self._recorder.write()
        assert not self._problems


@pytest.mark.parametrize(
    ("chunks", "alone", "of_ten"),
    [
        pytest.param([event(f"{n} {PROSE}") for n in range(200)], 132, 62, id="small events"),
        pytest.param([event(f"{n} {PROSE * 15}") for n in range(200)], 132, 62, id="events of 1.4 KB"),
        pytest.param([event(f"{n} {'月亮很远。' * 60}") for n in range(200)], 140, 70, id="Chinese"),
        pytest.param(cut(b'data: {"text": "' + PROSE.encode() * 2000), 144, 40, id="a long line"),
        pytest.param(cut(b'data: {"data": "' + PICTURE), 140, 38, id="a picture"),
    ],
)
def test_a_chunk_costs_few_calls(chunks: list[bytes], alone: int, of_ten: int, tmp_path: Path) -> None:
    """A chunk is redacted, encoded and written in few calls, alone and as one of ten that arrived together."""
    recording = Recording(tmp_path)
    recording.of(chunks[:50])  # caches
    measured = chunks[50:]
    assert calls_of(lambda: recording.of(measured)) / len(measured) <= alone
    assert calls_of(lambda: recording.of(measured, 10)) / len(measured) <= of_ten


def test_a_recording_holds_nothing_that_it_has_written(tmp_path: Path) -> None:
    """After megabytes of chunks, it needs no more memory."""
    chunks = [event(f"{n} {PROSE * 15}") for n in range(1500)]
    recording = Recording(tmp_path)
    recording.of(chunks[:100])
    tracemalloc.start()
    try:
        recording.of(chunks[100:200])
        before, _ = tracemalloc.get_traced_memory()
        recording.of(chunks[200:])
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 50_000
