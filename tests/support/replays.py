"""Recordings for the replay server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gemini_replay import Interaction
from gemini_replay.cassette.model import Chunk, End, Headers, Request, Response
from support.streams import PATH

ASK = {"contents": [{"role": "user", "parts": [{"text": "Tell me a story."}]}]}


SSE: Headers = (("content-type", "text/event-stream"), ("transfer-encoding", "chunked"))


Fetch = Callable[..., Any]


def interaction(
    chunks: list[bytes],
    *,
    gap: float = 0.001,
    after: float = 0.0,
    status: int = 200,
    headers: Headers = SSE,
    ask: Any = ASK,
    method: str = "POST",
    path: str = PATH,
    **options: Any,
) -> Interaction:
    """A recording of one answer to `ASK`."""
    url = f"https://generativelanguage.googleapis.com{path}"
    request = Request(method, url, body=json.dumps(ask).encode() if ask is not None else b"")
    response = Response(status, headers, after, options.get("body"))
    return Interaction(request, response, tuple(Chunk(gap, data) for data in chunks), options.get("end", End()))
