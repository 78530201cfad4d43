"""Requests that decorated functions make."""

from __future__ import annotations

import httpx

from gemini_replay.cassette.model import Request
from support.streams import GOOGLE


def asked(text: str) -> Request:
    return Request("POST", GOOGLE, (("content-type", "application/json"),), body(text))


def body(text: str) -> bytes:
    return b'{"contents": [{"parts": [{"text": "%s"}]}]}' % text.encode()


def ask(text: str) -> str:
    return httpx.post(GOOGLE, content=body(text)).text


async def aask(text: str) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.post(GOOGLE, content=body(text))).text
