"""Frames, and what all decoders have in common."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

from ..errors import FrameError, UsageError
from .json_text import NOT_DECODED

DEFAULT_MAX_FRAME_BYTES = 64 * 1024 * 1024
"""The default limit of a frame: 64 MiB, about 30 times the largest image event seen."""

FrameKind = Literal["sse", "array", "object"]
Final = Literal["yield", "discard"]

LOOK = -1
_BOM = b"\xef\xbb\xbf"


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


new_frame = partial(tuple.__new__, Frame)
"""A frame of a tuple of all its fields, in half the time."""


class Splitter(Protocol):
    """What finds the frames of one framing in text that arrives in pieces.

    Attributes:
        marks: what is unfinished stays so until a piece contains one of these two bytes.
        room: the most bytes that may be unfinished; LOOK if every piece has to be looked at.
    """

    marks: tuple[int, int]
    room: int

    def split(self, text: bytearray, at: int, frames: list[Frame]) -> int:
        """Append the frames in ``text``, which starts at the stream's byte ``at``.

        Return how much of it is done with. The next call gets the rest, with more behind it.
        """

    def finish(self, rest: bytearray, at: int, frames: list[Frame]) -> None:
        """Handle what is unfinished at the end of the stream."""


class Decoder:
    """Bytes in, frames out: the base of all decoders.

    The ``feed`` that completes a frame returns it. If an error comes after frames in the same ``feed``, the next call
    raises it (``feed(b"")`` or ``close``), so that no frame is lost, and the frames before an error do not depend on
    the chunking. After an error, every call raises it.

    Args:
        strict: raise :class:`FrameError` for malformed input instead of continuing.
        max_frame_bytes: the largest frame or line. A larger one raises :class:`FrameTooLargeError`, strict or not.
        final: what to do with an unfinished frame at the end: "yield" returns it, since many recorded bodies end
            without the last blank line; "discard" drops it, like the WHATWG algorithm. A strict decoder raises.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        final: Final = "yield",
    ) -> None:
        if max_frame_bytes < 1:
            raise UsageError(f"max_frame_bytes is {max_frame_bytes}.", hint="Give a number of bytes above 0.")
        if final not in ("yield", "discard"):
            raise UsageError(f"final is {final!r}.", hint="Use 'yield' or 'discard'.")
        self._strict = strict
        self._limit = max_frame_bytes
        self._final = final
        self._splitter: Splitter | None = None
        self._held = bytearray()  # the bytes that are not done with
        self._at = 0  # where they start in the stream
        self._marks = (0, 0)
        self._room = LOOK
        self._begun = False  # past a BOM, and the framing is known
        self._closed = False
        self._stopped = False  # closed or in error
        self._error: FrameError | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Decode the next bytes, and return the frames that they complete.

        Raises:
            FrameError: strict, and the input is malformed.
            FrameTooLargeError: a frame is larger than ``max_frame_bytes``.
            UsageError: the decoder is closed.
        """
        held = self._held
        held += data
        one, other = self._marks
        if len(held) <= self._room and one not in data and other not in data and type(data) is bytes:
            return []
        return self._decode()

    def close(self) -> list[Frame]:
        """End the input, and return the frames that this completes. Closing again returns nothing.

        Raises:
            FrameError: strict, and a frame is unfinished; or an error that ``feed`` has not raised yet.
        """
        if self._error is not None:
            raise self._error
        if self._closed:
            return []
        self._closed = True
        frames = [] if self._begun else self._decode(ended=True)
        self._stop(self._error)
        if self._splitter is not None:
            self._splitter.finish(self._held, self._at, frames)
        return frames

    def _decode(self, *, ended: bool = False) -> list[Frame]:
        """Split what is held."""
        held = self._held
        if self._stopped:
            held.clear()
            raise self._error or UsageError("The decoder is closed.", hint="Use a new decoder for a new stream.")
        frames: list[Frame] = []
        try:
            if self._begun or self._begin(ended):
                assert self._splitter is not None
                used = self._splitter.split(held, self._at, frames)
                del held[:used]
                self._at += used
                self._marks = self._splitter.marks
                self._room = self._splitter.room
        except FrameError as error:
            self._stop(error)
            if not frames:
                raise
        return frames

    def _begin(self, ended: bool) -> bool:
        """Pass over a BOM; whether what follows can be split. ``ended``: nothing more will come."""
        held = self._held
        if self._at == 0 and held.startswith(_BOM):
            self._at = len(_BOM)
            del held[: self._at]
        elif self._at == 0 and not ended and _BOM.startswith(held):
            return False
        self._begun = True
        return True

    def _stop(self, error: FrameError | None) -> None:
        self._stopped = True
        self._error = error
        self._room = LOOK


def decode(raw: bytes | bytearray, at: int, on_bad_utf8: str) -> str:
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
