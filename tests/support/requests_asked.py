"""Requests to match."""

from __future__ import annotations

import json
from typing import Any

from gemini_replay.cassette.model import Headers, Request

GOOGLE = "https://generativelanguage.googleapis.com"
MODEL = "gemini-2.5-flash"


def asks(
    body: Any = None,
    *,
    url: str = f"{GOOGLE}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse",
    method: str = "POST",
    headers: Headers = (),
) -> Request:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Request(method, url, headers, content)


def prompt(text: str) -> Any:
    return {"contents": [{"parts": [{"text": text}], "role": "user"}]}
