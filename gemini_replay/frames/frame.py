"""Frames, and the protocol of splitters, which find them in bytes."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

from ..errors import FrameError
from .json_text import NOT_DECODED

FrameKind = Literal["sse", "array", "object"]
Final = Literal["yield", "discard"]

SPLIT_EVERY_PIECE = -1
"""A splitter's `room` while it has to examine every piece."""


class Frame(NamedTuple):
    """One unit of the stream's framing.

    Attributes:
        data: the SSE data (several data lines joined by LF), or the JSON text of an array element or raw object.
        kind: "sse", "array" for an element of a JSON array, "object" for JSON outside of both.
        event: the SSE event type.
        id: the last event id in the stream so far.
        retry: the last reconnection time in the stream so far, in milliseconds; None if there is none.
        offset: where the frame starts, in bytes from the start of the stream: at its first field line, not counting
            comments, or at the first byte of its JSON text.
        json: the decoded value of an array element or raw object; NOT_DECODED if it is not JSON, and for SSE data.
    """

    data: str
    kind: FrameKind
    event: str = "message"
    id: str = ""
    retry: int | None = None
    offset: int = 0
    json: Any = NOT_DECODED


Text = bytes | bytearray
"""A part of a stream, which splitters only read."""


class Taker(Protocol):
    """Takes one frame after another."""

    def _take(
        self, data: str, kind: FrameKind, event: str, id: str, retry: int | None, offset: int, json: Any
    ) -> None:
        """Take the fields of a frame. Not every reader of a stream needs a `Frame` made of them."""


class Splitter(Protocol):
    """Finds the frames of one framing in text that arrives in pieces.

    Attributes:
        marks: what is unfinished stays so until a piece contains one of these two bytes.
        room: the most bytes that may be unfinished; SPLIT_EVERY_PIECE if every piece has to be examined.
        skipped: how many lines belong to no frame, although they are neither blank nor comments.
    """

    marks: tuple[int, int]
    room: int
    skipped: int

    def split(self, text: Text, at: int, taker: Taker) -> int:
        """Hand over the frames in ``text``, which starts at the stream's byte ``at``.

        Return how many bytes of it are finished. The next call gets the rest, followed by more.
        """

    def finish(self, rest: bytearray, at: int, taker: Taker) -> None:
        """Handle unfinished text at the end of the stream."""


def decode(raw: Text, at: int, on_bad_utf8: str) -> str:
    """UTF-8 to text; ``at`` is the stream offset of ``raw``, ``on_bad_utf8`` is "strict" or "replace"."""
    try:
        return raw.decode("utf-8", on_bad_utf8)
    except UnicodeDecodeError as error:
        raise FrameError(
            f"invalid UTF-8: {error.reason}",
            offset=at + error.start,
            suggestion=f"The byte is 0x{raw[error.start]:02x}.",
            hint=_LENIENT,
        ) from None


_LENIENT = "Decode without strict to replace each invalid sequence by U+FFFD."
