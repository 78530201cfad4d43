"""Decoders: bytes in, frames (or objects made from frames) out. The first bytes show which framing a body has."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any, Generic, Literal, TypeVar

from ..arguments import require
from ..errors import FrameError, FrameTooLargeError, UsageError
from .frame import SPLIT_EVERY_PIECE, Final, Frame, FrameKind, Splitter, Text
from .json_array import JSONValues
from .sse import SSELines

DEFAULT_MAX_FRAME_BYTES = 64 * 1024 * 1024
"""The default limit of a frame: 64 MiB, about 30 times the largest image event seen."""

Framing = Literal["sse", "json-array", "json-object"]
Made = TypeVar("Made")

_CHOICES = ("auto", "sse", "json-array")
_BY_FIRST_BYTE: dict[bytes, Framing] = {b"[": "json-array", b"{": "json-object"}
_BOM = b"\xef\xbb\xbf"
_WHITE = re.compile(rb"[ \t\r\n]*")
_new_tuple = tuple.__new__  # makes a Frame of a tuple in half the time that Frame() takes


class Decoder(ABC, Generic[Made]):
    """The base of all decoders: bytes in, one object for each frame out.

    The ``feed`` that completes a frame returns it. If an error comes after frames in the same ``feed``, the next call
    raises it (``feed(b"")`` or ``close``), so that no frame is lost, and the frames before an error do not depend on
    the chunking. After an error, every call raises it.

    The first byte after a BOM and white space decides about the framing: an opening bracket starts a JSON array; an
    opening brace, raw JSON objects (an error body, or objects one after another); everything else is SSE.

    Args:
        framing: "auto" to detect it, or "sse" or "json-array" to prescribe it.
        strict: raise :class:`FrameError` for malformed input instead of continuing.
        max_frame_bytes: the largest frame or line. A larger one raises :class:`FrameTooLargeError`, strict or not.
        final: what to do with an unfinished frame at the end: "yield" returns it, since many recorded bodies end
            without the last blank line; "discard" drops it, like the WHATWG algorithm. A strict decoder raises.

    Attributes:
        framing: the body's framing, "sse", "json-array" or "json-object"; None before it is known.
    """

    def __init__(
        self,
        framing: Literal["auto", "sse", "json-array"] = "auto",
        *,
        strict: bool = False,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        final: Final = "yield",
    ) -> None:
        if framing not in _CHOICES:
            raise UsageError(f"framing is {framing!r}.", hint=f"Use one of {', '.join(_CHOICES)}.")
        if max_frame_bytes < 1:
            raise UsageError(f"max_frame_bytes is {max_frame_bytes}.", hint="Give a number of bytes above 0.")
        if final not in ("yield", "discard"):
            raise UsageError(f"final is {final!r}.", hint="Use 'yield' or 'discard'.")
        self.framing: Framing | None = None if framing == "auto" else framing
        self._strict = strict
        self._limit = max_frame_bytes
        self._final = final
        self._splitter: Splitter | None = None
        self._held = bytearray()  # the bytes that are not finished
        self._at = 0  # where they start in the stream
        self._made: list[Made] = []  # what the present call is going to return
        self._white = 0  # how many of them are white space before the first frame
        self._mark, self._other_mark = 0, 0
        self._room = SPLIT_EVERY_PIECE
        self._closed = False
        self._stopped = False  # closed or in error
        self._error: FrameError | None = None

    @property
    def skipped(self) -> int:
        """How many lines of server-sent events were neither a known field nor a comment, and not blank."""
        return self._splitter.skipped if self._splitter else 0

    def feed(self, data: bytes) -> list[Made]:
        """Decode the next bytes, and return what they complete.

        Raises:
            FrameError: strict, and the input is malformed.
            FrameTooLargeError: a frame is larger than ``max_frame_bytes``.
            UsageError: the decoder is closed, or ``data`` is not bytes.
        """
        if type(data) is not bytes:
            require(isinstance(data, bytes | bytearray | memoryview), "data", data, "bytes")
            data = bytes(data)
        if self._mark not in data and self._other_mark not in data:
            held = self._held
            held += data
            if len(held) <= self._room:
                return []
            data = b""
        return self._decode(data)

    def close(self) -> list[Made]:
        """End the input, and return what this completes. Closing again returns nothing.

        Raises:
            FrameError: strict, and a frame is unfinished; or an error that ``feed`` has not raised yet.
        """
        if self._error is not None:
            raise self._error
        if self._closed:
            return []
        self._closed = True
        made = [] if self._splitter else self._decode(b"", ended=True)
        self._stop(self._error)
        if self._splitter:
            self._splitter.finish(self._held, self._at, self)
            made += self._made
            self._made = []
        return made

    @abstractmethod
    def _take(
        self, data: str, kind: FrameKind, event: str, id: str, retry: int | None, offset: int, json: Any
    ) -> None:
        """Append to `_made` the object for the frame with these fields; it can raise FrameError."""

    def _decode(self, data: bytes, ended: bool = False) -> list[Made]:
        """Split the held bytes and ``data``, which follows them; ``ended``: no more will come."""
        # Nothing here is keyword-only: CPython 3.11 does not specialize a call of such a function.
        held = self._held
        if self._stopped:
            held.clear()
            raise self._error or UsageError("The decoder is closed.", hint="Use a new decoder for a new stream.")
        text: Text = data
        splitter = self._splitter
        if held or splitter is None:
            held += data
            text = held
        try:
            if splitter is not None or (splitter := self._begin(ended)) is not None:
                used = splitter.split(text, self._at, self)
                self._at += used
                if text is held:
                    del held[:used]
                elif used < len(text):
                    held += text[used:]
                self._mark, self._other_mark = splitter.marks
                self._room = splitter.room
        except FrameError as error:
            self._stop(error)
            if not self._made:
                raise
        made, self._made = self._made, []
        return made

    def _begin(self, ended: bool) -> Splitter | None:
        """Skip a BOM and find the framing, if enough bytes are held; ``ended``: no more will come."""
        held = self._held
        if self._at == 0 and held.startswith(_BOM):
            self._at = len(_BOM)
            del held[: self._at]
        elif self._at == 0 and not ended and _BOM.startswith(held):
            return None
        if self.framing is None:
            white = _WHITE.match(held, self._white)
            self._white = white.end() if white else self._white
            if self._white > self._limit:
                raise FrameTooLargeError(offset=self._at, limit=self._limit)
            first = bytes(held[self._white : self._white + 1])
            if not first:
                return None
            self.framing = _BY_FIRST_BYTE.get(first, "sse")
        self._splitter = self._make_splitter()
        return self._splitter

    def _make_splitter(self) -> Splitter:
        strict, limit, final = self._strict, self._limit, self._final
        if self.framing == "json-array":
            return JSONValues(element="array", one=False, strict=strict, limit=limit, final=final)
        return SSELines(strict=strict, limit=limit, final=final)

    def _stop(self, error: FrameError | None) -> None:
        self._stopped = True
        self._error = error
        self._room = SPLIT_EVERY_PIECE


class FrameDecoder(Decoder[Frame]):
    """Frames of a body in any framing; see :class:`Decoder`."""

    def _take(
        self, data: str, kind: FrameKind, event: str, id: str, retry: int | None, offset: int, json: Any
    ) -> None:
        self._made.append(_new_tuple(Frame, (data, kind, event, id, retry, offset, json)))


class JSONArrayDecoder(FrameDecoder):
    """The elements of a JSON array, each as soon as it is complete, as frames of kind "array".

    Elements can be any JSON value, with white space anywhere. A number or a bare word is complete when something
    follows it. A strict decoder accepts one array and nothing else; a lenient one continues with other arrays, and
    returns other values between them as kind "object". The arguments are those of :class:`Decoder`.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        final: Final = "yield",
    ) -> None:
        super().__init__("json-array", strict=strict, max_frame_bytes=max_frame_bytes, final=final)


class SSEDecoder(FrameDecoder):
    """Server-sent events, and raw JSON objects where an event could start.

    Lines end with LF, CR or CRLF. A CR ends its line at once, and an LF after it is ignored, even in the next chunk:
    an event is complete before it is known whether an LF follows.

    Args:
        strict: see :class:`Decoder`; a line that is neither a known field nor a comment is malformed too.
        max_frame_bytes, final: see :class:`Decoder`.
        objects: return raw JSON objects too, as kind "object". Some APIs report an error in mid-stream like this,
            pretty-printed over several lines without ``data:``. An object starts at a line that begins with a brace
            while no event is pending, and ends where its brackets balance, with or without a line end. An array of
            objects there becomes one frame for each. If not strict, a line that begins with a brace also ends a
            pending event with data that ends with a brace. False: only the WHATWG algorithm.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        final: Final = "yield",
        objects: bool = True,
    ) -> None:
        super().__init__("sse", strict=strict, max_frame_bytes=max_frame_bytes, final=final)
        self._lines = SSELines(strict=strict, limit=max_frame_bytes, final=final, objects=objects)

    @property
    def retry(self) -> int | None:
        """The last reconnection time in the stream, in milliseconds; None if there is none."""
        return self._lines.retry

    @property
    def last_event_id(self) -> str:
        """The last event id in the stream; "" if there is none."""
        return self._lines.last_event_id

    def _make_splitter(self) -> Splitter:
        return self._lines
