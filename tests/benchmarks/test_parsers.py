"""The floors of parsing do what they promise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.parsers import ScanWithOffsets, SplitWithOffsets, ValuesWithOffsets, fed
from gemini_replay import StreamParser
from gemini_replay.frames import FrameDecoder

TEXTS = ['{"a": "月"}', '{"b": [1, "🙂"]}', '{"c": {}}']


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_floors_of_events_with_offsets_find_what_the_decoders_find(end: str) -> None:
    """The data, the values and their places are right for both line ends, wherever the stream is cut."""
    wire = "".join(f"data: {text}{end}{end}" for text in TEXTS).encode()
    frames = [(frame.data, frame.offset) for frame in FrameDecoder().feed(wire)]
    events = [(event.json, event.offset) for event in StreamParser().feed(wire)]
    assert len(frames) == len(events) == len(TEXTS)
    for chunks in every_cut(wire):
        assert fed(SplitWithOffsets)(chunks) == frames
        assert fed(ValuesWithOffsets)(chunks) == events


def test_the_floor_of_elements_with_offsets_finds_what_the_decoder_finds() -> None:
    """Values, places and texts are right wherever the stream is cut."""
    wire = ("[" + ",\r\n".join(TEXTS) + "]").encode()
    frames = [(frame.json, frame.offset, frame.data) for frame in FrameDecoder().feed(wire)]
    assert [value for value, _, _ in frames] == [json.loads(text) for text in TEXTS]
    for chunks in every_cut(wire):
        assert fed(ScanWithOffsets)(chunks) == frames


def every_cut(wire: bytes) -> list[Any]:
    """The stream in two chunks, cut at each byte, and in chunks of one byte."""
    return [[wire[:cut], wire[cut:]] for cut in range(len(wire))] + [[bytes([byte]) for byte in wire]]
