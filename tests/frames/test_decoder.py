"""FrameDecoder finds the framing of a body, and loses nothing while it looks."""

from __future__ import annotations

import pytest

from gemini_replay.errors import FrameTooLargeError, UsageError
from gemini_replay.frames import Frame, FrameDecoder


def decode(decoder: FrameDecoder, wire: bytes, size: int = 1 << 20) -> list[Frame]:
    frames: list[Frame] = []
    for at in range(0, len(wire), size):
        frames += decoder.feed(wire[at : at + size])
    return frames + decoder.close()


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n\r\n", b"\xef\xbb\xbf \t\n"])
@pytest.mark.parametrize(
    ("wire", "framing", "kind"),
    [
        (b'[{"a":1}]', "json-array", "array"),
        (b'{"error":\n{}}', "json-object", "object"),
        (b'{"a":1}\n{"b":2}\n', "json-object", "object"),
        (b"data: {}\n\n", "sse", "sse"),
        (b": hi\n\ndata: {}\n\n", "sse", "sse"),
    ],
)
def test_the_first_visible_byte_tells_the_framing(before: bytes, wire: bytes, framing: str, kind: str) -> None:
    """It may follow a BOM and white space, cut anywhere. Offsets count from the start of the stream."""
    for size in (1 << 20, 1, 2):
        decoder = FrameDecoder()
        frames = decode(decoder, before + wire, size)
        assert decoder.framing == framing
        if not before.endswith((b" ", b"\t")):
            assert {frame.kind for frame in frames} == {kind}
            assert frames[0].offset == len(before) + (wire.find(b"data") if kind == "sse" else wire.find(b"{"))


@pytest.mark.parametrize("wire", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_a_body_without_a_visible_byte_has_no_framing(wire: bytes) -> None:
    """Such a body has no frames either."""
    decoder = FrameDecoder(strict=True)
    assert decode(decoder, wire, 1) == []
    assert decoder.framing is None


def test_a_stream_of_objects_may_go_on_as_sse() -> None:
    """After raw objects, SSE events may follow."""
    frames = decode(FrameDecoder(), b'{"a":1}\ndata: {"b":2}\n\n{"c":3}')
    assert [frame.kind for frame in frames] == ["object", "sse", "object"]


@pytest.mark.parametrize(
    ("framing", "wire", "frames"),
    [("sse", b"[1]\ndata: 2\n\n", ["2"]), ("json-array", b" [1,2]", ["1", "2"])],
)
def test_a_prescribed_framing_is_not_questioned(framing: str, wire: bytes, frames: list[str]) -> None:
    """It holds even if the first byte suggests another framing."""
    decoder = FrameDecoder(framing)  # type: ignore[arg-type]
    assert decoder.framing == framing
    assert [frame.data for frame in decode(decoder, wire)] == frames


def test_an_unknown_framing_is_refused() -> None:
    """The error lists the framings that exist."""
    with pytest.raises(UsageError, match="json-array"):
        FrameDecoder("ndjson")  # type: ignore[arg-type]


def test_endless_white_space_meets_the_limit() -> None:
    """The decoder holds back a limited amount of white space."""
    decoder = FrameDecoder(max_frame_bytes=10)
    assert decoder.feed(b" " * 10) == []
    with pytest.raises(FrameTooLargeError):
        decoder.feed(b" ")
