"""Test vectors of other projects: web-platform-tests, httpx-sse, google-api-core."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_replay.errors import FrameError
from gemini_replay.frames import Decoder, Frame, FrameDecoder, JSONArrayDecoder, SSEDecoder

FOLDER = os.environ.get("GEMINI_REPLAY_VECTORS")


def vectors(*suites: str) -> list[Any]:
    """The vectors of these suites as parameters, or one skipped parameter if they are missing."""
    if not FOLDER:
        return [
            pytest.param(
                None,
                marks=pytest.mark.skip(reason="GEMINI_REPLAY_VECTORS is not set"),
                id="vectors",
            )
        ]
    return [
        pytest.param(vector, id=f"{suite}: {vector['name']}")
        for suite in suites
        for vector in json.loads((Path(FOLDER) / f"{suite}.json").read_text(encoding="utf-8"))["vectors"]
    ]


def chunkings(vector: Any) -> Iterator[list[bytes]]:
    """The chunks as given, in one piece, byte by byte, and for a short body with each single cut."""
    given = [base64.b64decode(chunk) for chunk in vector["chunks_b64"]]
    wire = b"".join(given)
    yield from (given, [wire], [wire[at : at + 1] for at in range(len(wire))])
    if len(wire) < 2000:
        yield from ([wire[:cut], wire[cut:]] for cut in range(1, len(wire)))


def decode(decoder: Decoder[Frame], chunks: list[bytes]) -> list[Frame]:
    return [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.close()


@pytest.mark.parametrize("vector", vectors("wpt", "httpx_sse"))
@pytest.mark.parametrize("objects", [False, True], ids=["WHATWG", "with objects"])
def test_sse(vector: Any, objects: bool) -> None:
    """Data, type, id and retry time are right for every chunking, with and without support for raw objects."""
    for chunks in chunkings(vector):
        decoder = SSEDecoder(objects=objects, final="discard")
        frames = decode(decoder, chunks)
        assert [(frame.event, frame.data) for frame in frames] == [
            (event["event"], event["data"]) for event in vector["expected"]
        ]
        for frame, event in zip(frames, vector["expected"], strict=True):
            assert frame.id == event.get("id", frame.id)
        if "retry" in vector:
            assert decoder.retry == (vector["retry"] or [None])[-1]


@pytest.mark.parametrize("vector", vectors("wpt", "httpx_sse"))
def test_sse_by_detection(vector: Any) -> None:
    """The decoder that detects the framing gives the same results."""
    for chunks in chunkings(vector):
        frames = decode(FrameDecoder(final="discard"), chunks)
        assert [frame.data for frame in frames] == [event["data"] for event in vector["expected"]]


@pytest.mark.parametrize("vector", vectors("api_core_array"))
def test_array(vector: Any) -> None:
    """The decoder gives the elements, and an error where the suite expects one."""
    for chunks in chunkings(vector):
        decoder, frames = JSONArrayDecoder(strict=True), []
        try:
            for chunk in chunks:
                frames += decoder.feed(chunk)
            frames += decoder.close()
            raised = False
        except FrameError:
            raised = True
        assert raised == vector.get("must_raise", False)
        assert [json.loads(frame.data) for frame in frames] == vector["expected"]
