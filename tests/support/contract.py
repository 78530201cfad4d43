"""Streams for the tests that every transport must pass."""

from __future__ import annotations

from typing import Any

from gemini_replay.server.upstream.scenarios import Scenario

from .streams import gaps_of

GAP = 0.05
"""Seconds between two chunks, in tests that look at times."""


def scripted(chunks: list[bytes], *, gap: float = 0.0, **options: Any) -> Scenario:
    """These chunks with the same gap before each."""
    return Scenario.from_chunks(chunks, gaps=gaps_of(chunks, gap), **options)
