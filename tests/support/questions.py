"""A question: asked with httpx, and as a cassette stores it."""

from __future__ import annotations

from pathlib import Path

import httpx

from gemini_replay.cassette.model import Request

from .cassettes import recorded
from .clients import ASK, KEY
from .streams import GOOGLE, events


def asked(body: object = ASK) -> Request:
    """The question as a cassette stores it."""
    made = httpx.Request("POST", GOOGLE, json=body)
    return Request("POST", GOOGLE, (("content-type", "application/json"),), made.content)


def post(library: object, body: object = ASK) -> bytes:
    """Ask with httpx or httpx2; returns the answer's body."""
    return library.post(GOOGLE, json=body, headers={"x-goog-api-key": KEY}).content  # type: ignore[attr-defined]


def four_answers(path: Path) -> Path:
    """A cassette with four recordings of the same question."""
    return recorded(path, *[events(3)] * 4)
