"""Cassettes that a test writes itself: known answers to `support.clients.ASK`."""

from __future__ import annotations

import json
from pathlib import Path

from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response

from .clients import ASK
from .streams import GOOGLE


def streaming(*chunks: bytes, gap: float = 0.001, after: float = 0.0, end: End | None = None) -> Interaction:
    """One recording that answers `ASK`: its head comes `after` so many seconds, then each chunk after the gap."""
    request = Request("POST", GOOGLE, (("content-type", "application/json"),), json.dumps(ASK).encode())
    response = Response(200, (("content-type", "text/event-stream"),), after)
    return Interaction(request, response, tuple(Chunk(gap, data) for data in chunks), end or End())


def recorded(path: Path, *answers: Interaction | list[bytes]) -> Path:
    """A cassette whose recordings all answer `ASK`."""
    interactions = [answer if isinstance(answer, Interaction) else streaming(*answer) for answer in answers]
    Cassette(interactions=interactions).save(path)
    return path
