"""Stories with requests, and a parser of one's own for server-sent events."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

import requests

MODEL = "gemini-2.5-flash"
BASE_URL = "https://generativelanguage.googleapis.com"


class IncompleteStoryError(Exception):
    """The stream ended before the story did."""


def tell(topic: str, session: requests.Session | None = None) -> Iterator[str]:
    """The pieces of a story, as they arrive.

    Raises:
        IncompleteStoryError: the stream ended without a finish reason.
        requests.RequestException: the server cannot be reached, refuses, or breaks off.
    """
    url = f"{os.environ.get('GOOGLE_GEMINI_BASE_URL', BASE_URL)}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
    response = (session or requests.Session()).post(
        url,
        headers={"x-goog-api-key": os.environ.get("GEMINI_API_KEY", "")},
        json={"contents": [{"role": "user", "parts": [{"text": f"Tell me a story of {topic}."}]}]},
        stream=True,
        timeout=(10, 60),
    )
    finished = False
    with response:
        response.raise_for_status()
        for message in parse(response.iter_content(chunk_size=None)):
            if "error" in message:
                raise requests.RequestException(message["error"]["message"])
            for candidate in message.get("candidates", []):
                finished = finished or "finishReason" in candidate
                for part in candidate.get("content", {}).get("parts", []):
                    if "text" in part and not part.get("thought"):
                        yield part["text"]
    if not finished:
        raise IncompleteStoryError("The story has no end.")


def parse(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The messages of a stream of server-sent events, wherever it is cut into chunks.

    An error in mid-stream is a bare JSON object on several lines.
    """
    data: list[bytes] = []
    error: list[bytes] = []
    for line in _lines(chunks):
        if error or line.startswith(b"{"):
            error.append(line)
            if line == b"}" or len(error) == 1:
                with contextlib.suppress(ValueError):  # not complete yet
                    yield json.loads(b"\n".join(error))
                    error = []
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            if data != [b"[DONE]"]:
                yield json.loads(b"\n".join(data))
            data = []


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends, which are LF, CR or CRLF. A chunk may begin in the middle of a CRLF."""
    parts: list[bytes] = []
    after_cr = False
    for chunk in chunks:
        rest = chunk.removeprefix(b"\n") if after_cr else chunk
        after_cr = chunk.endswith(b"\r") if chunk else after_cr
        for line in rest.splitlines(keepends=True):
            parts.append(line)
            if line.endswith((b"\n", b"\r")):
                yield b"".join(parts).rstrip(b"\r\n")
                parts = []
    if parts:  # an error may end without a line end
        yield b"".join(parts)
