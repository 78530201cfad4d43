"""Interactions to retime, and what their times are afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from gemini_replay import frames
from gemini_replay.cassette.model import Chunk, End, EndKind, Interaction, Request, Response
from gemini_replay.gemini import spelling

URL = "https://generativelanguage.googleapis.com/v1beta/models/{model}:streamGenerateContent?alt=sse"


def interaction(
    *chunks: bytes,
    model: str = "gemini-2.5-flash",
    status: int = 200,
    body: Literal["decoded", "wire"] | None = None,
    end: EndKind = "eof",
) -> Interaction:
    return Interaction(
        Request("POST", URL.format(model=model)),
        Response(status, (("x-kept", "yes"),), 9.0, body, {"kept": 1}),
        tuple(Chunk(9.0, chunk) for chunk in chunks),
        End(end, 9.0, extra={"kept": 2}),
        ("# kept",),
    )


def said(text: str, **part: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text, **part}], "role": "model"}}]}


def sse(*events: dict[str, Any]) -> list[bytes]:
    return [frames.encode_sse(spelling.dumps(event)) for event in events]


def waits(timed: Interaction) -> list[float]:
    return [chunk.after for chunk in timed.chunks]


def head(timed: Interaction) -> float:
    assert timed.response is not None
    return timed.response.after


WORDS = "word " * 40  # 50 tokens: 79-216 ms in gemini-2.5-flash
EVENTS = [said("Hi"), said(" there"), said(WORDS), said(WORDS)]


def assert_only_times_differ(timed: Interaction, original: Interaction) -> None:
    assert timed.request == original.request
    assert [chunk.data for chunk in timed.chunks] == [chunk.data for chunk in original.chunks]
    assert replace(timed.end, after=0) == replace(original.end, after=0)
    assert (timed.response is None) == (original.response is None)
    if timed.response and original.response:
        assert replace(timed.response, after=0) == replace(original.response, after=0)
    assert timed.comments[: len(original.comments)] == original.comments
