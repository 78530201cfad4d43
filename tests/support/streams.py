"""Streams of known chunks at known gaps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from gemini_replay.frames import FrameDecoder, encode_sse
from gemini_replay.gemini.spelling import dumps

MODEL = "gemini-2.5-flash"
PATH = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
GOOGLE = f"https://generativelanguage.googleapis.com{PATH}"


def event(text: str, **candidate: object) -> bytes:
    """One event as Google sends it."""
    candidates = [{"content": {"parts": [{"text": text}], "role": "model"}, **candidate, "index": 0}]
    return encode_sse(dumps({"candidates": candidates, "modelVersion": MODEL}))


def events(count: int) -> list[bytes]:
    """This many events; the last one says STOP."""
    return [event(f"第{n}句。🌙", **({"finishReason": "STOP"} if n == count else {})) for n in range(1, count + 1)]


def cut_at_events(body: bytes, framing: str) -> list[bytes]:
    """A body cut where a server would flush it: after each frame."""
    decoder = FrameDecoder("sse" if framing == "sse" else "auto")
    offsets = [frame.offset for frame in [*decoder.feed(body), *decoder.close()]]
    bounds = [0, *(offset for offset in offsets if 0 < offset < len(body)), len(body)]
    return [body[start:stop] for start, stop in pairwise(bounds) if stop > start]


def gaps_of(chunks: Sequence[bytes], seconds: float) -> list[float]:
    """The same gap before every chunk."""
    return [seconds] * len(chunks)
