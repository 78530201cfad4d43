"""Ways to ask for the story, with a placeholder as the key."""

from __future__ import annotations

import os
from typing import Any

import httpx

HOST = "generativelanguage.googleapis.com"
URL = f"https://{HOST}/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
HEADERS = {"x-goog-api-key": "AIzaSyD-0123456789abcdefghijklmnopqrstuv"}
CHUNKS = 4
MODEL_TIME_S = 0.2
"""The story's number of chunks, and its seconds in the recorded rhythm."""


def body(text: str) -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": text}]}]}


def ask(text: str = "Tell me a story.") -> list[bytes]:
    with httpx.Client(headers=HEADERS) as client, client.stream("POST", URL, json=body(text)) as response:
        return list(response.iter_raw())


async def aask(text: str = "Tell me a story.") -> list[bytes]:
    async with httpx.AsyncClient(headers=HEADERS) as client:
        async with client.stream("POST", URL, json=body(text)) as response:
            return [chunk async for chunk in response.aiter_raw()]


def ask_with_requests(text: str = "Tell me a story.") -> bytes:
    import requests

    with requests.post(URL, json=body(text), headers=HEADERS, stream=True) as response:
        return b"".join(response.iter_content(None))


def ask_with_google_genai() -> int:
    from google import genai

    with genai.Client(api_key=HEADERS["x-goog-api-key"]) as client:
        stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="Tell me a story.")
        return len([chunk.text for chunk in stream])


def real_time() -> float:
    """Seconds by the system's clock, which no tool replaces."""
    return os.times().elapsed
