"""Events and texts to write cassettes from."""

from __future__ import annotations

from typing import Any

from gemini_replay import Cassette, Interaction

STORY = "从前，海边有一座老灯塔🐈。1 < 2 > 0, and “so on”: " + "every evening the keeper climbs 108 steps. " * 12
PROMPT = "给我讲一个小故事 <b>"
BUSY = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


def said(text: str, **candidate: Any) -> dict[str, Any]:
    """An event with this text; `candidate` holds further members of its candidate."""
    return {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, **candidate}]}


def only(cassette: Cassette) -> Interaction:
    """The only interaction of a cassette."""
    (interaction,) = cassette.interactions
    return interaction
