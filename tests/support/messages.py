"""Gemini's messages, as JSON objects."""

from __future__ import annotations

from typing import Any


def message(*parts: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [*parts]}, **candidate}]}
