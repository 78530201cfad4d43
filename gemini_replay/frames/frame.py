"""Frames, and what all decoders have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import FrameError, UsageError

DEFAULT_MAX_FRAME_BYTES = 64 * 1024 * 1024
"""The default limit of a frame: 64 MiB, about 30 times the largest image event seen."""

FrameKind = Literal["sse", "array", "object"]
Final = Literal["yield", "discard"]

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Frame:
    """One unit of the stream's framing.

    Attributes:
        data: the SSE data (several data lines joined by LF), or the JSON text of an array element or raw object.
        kind: "sse", "array" for an element of a JSON array, "object" for JSON outside of both.
        event: the SSE event type.
        id: the last event id in the stream so far.
        retry: the last reconnection time in the stream so far, in milliseconds; None if there is none.
        offset: where the frame starts, in bytes from the start of the stream: at its first field line, not counting
            comments, or at the first byte of its JSON text.
    """

    data: str
    kind: FrameKind
    event: str = "message"
    id: str = ""
    retry: int | None = None
    offset: int = 0


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
        self._on_bad_utf8 = "strict" if strict else "replace"  # the name of a codec error handler
        self._fed = 0  # bytes of the stream seen so far
        self._head: bytes | None = b""  # a possible start of a BOM; None when that is decided
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
        if self._stopped:
            raise self._error or UsageError("The decoder is closed.", hint="Use a new decoder for a new stream.")
        if not isinstance(data, bytes):
            data = bytes(memoryview(data))
        frames: list[Frame] = []
        try:
            if self._head is not None:
                data = self._without_bom(data)
            if data:
                at = self._fed
                self._fed = at + len(data)
                self._take(data, at, frames)
        except FrameError as error:
            self._error = error
            self._stopped = True
            if not frames:
                raise
        return frames

    def close(self) -> list[Frame]:
        """End the input, and return the frames that this completes. Closing again returns nothing.

        Raises:
            FrameError: strict, and a frame is unfinished; or an error that ``feed`` has not raised yet.
        """
        if self._error is not None:
            raise self._error
        if self._closed:
            return []
        self._closed = self._stopped = True
        frames: list[Frame] = []
        if self._head:  # the stream ended within what looked like a BOM
            self._fed = len(self._head)
            self._take(self._head, 0, frames)
        self._finish(self._fed, frames)
        return frames

    def _take(self, data: bytes, at: int, frames: list[Frame]) -> None:
        """Decode ``data``, which is not empty and starts at the stream's byte ``at``, onto ``frames``."""
        raise NotImplementedError

    def _finish(self, at: int, frames: list[Frame]) -> None:
        """Handle what is unfinished at the end of the input, at the stream's byte ``at``."""
        raise NotImplementedError

    def _without_bom(self, data: bytes) -> bytes:
        head = (self._head or b"") + data
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        if head.startswith(_BOM):
            self._fed = len(_BOM)
            return head[len(_BOM) :]
        return head


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
