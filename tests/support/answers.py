"""The events in an answer, and the answer that they add up to."""

from __future__ import annotations

from typing import Any

from gemini_replay import gemini


def events(answer: Any) -> list[gemini.Event]:
    return list(gemini.parse_stream(answer.chunks))


def collected(answer: Any) -> gemini.Answer:
    return gemini.collect(events(answer))
