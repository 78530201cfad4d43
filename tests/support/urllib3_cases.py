"""What the tests of requests and urllib3 share: a question, an answer on the wire, and its recording."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import urllib3

from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, Interaction, Request, Response

from .clients import ASK, KEY
from .raw_server import CHUNKED, LAST, Answer, End, chunked
from .streams import GOOGLE, events

CHUNKS = events(4)
BODY = json.dumps(ASK).encode()
HEADERS = {"x-goog-api-key": KEY}

NEW = pytest.mark.skipif(
    not hasattr(urllib3.HTTPResponse, "shutdown"), reason="this urllib3 has neither read1 nor shutdown"
)


def answer(*pieces: bytes, gap: float = 0.0, end: End = "keep") -> Answer:
    """An answer of these pieces: the first comes at once, each other one after `gap` seconds."""
    return Answer([(gap if n else 0.0, piece) for n, piece in enumerate(pieces)], end)


STREAM = answer(CHUNKED, *(chunked(chunk) for chunk in CHUNKS), LAST, gap=0.01)


def asked(method: str = "POST") -> Request:
    """The question as a cassette stores it."""
    return Request(method, GOOGLE, (("content-type", "application/json"),), BODY)


def whole(gap: float = 0.0) -> Interaction:
    """A recording of the question and its whole answer."""
    return Interaction(asked(), Response(200), tuple(Chunk(gap, chunk) for chunk in CHUNKS))


def cassette(path: Path, *interactions: Interaction) -> Path:
    """A cassette with these recordings."""
    Cassette(interactions=list(interactions)).save(path)
    return path


def stored(path: Path, number: int = 0) -> Interaction:
    """One recording from a cassette."""
    return Cassette.load(path).interactions[number]


def no_reader_is_left() -> None:
    """Assert that every thread that read ahead has ended, or ends within seconds."""
    for thread in threading.enumerate():
        if thread.name == "gemini-replay-reader":
            thread.join(timeout=5)
            assert not thread.is_alive()
