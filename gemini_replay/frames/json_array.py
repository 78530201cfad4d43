"""JSON without SSE around it: an array, element by element, and single objects.

Everything that decides where one JSON value of a stream ends and the next begins lives here; how the end of an
object is found lives in ``json_scan``.
"""

from __future__ import annotations

import re
from enum import Enum

from ..errors import FrameError, FrameTooLargeError
from .frame import DEFAULT_MAX_FRAME_BYTES, Decoder, Final, Frame, FrameKind, decode
from .json_scan import Buffer, ContainerScanner, string_end

_SPACE = re.compile(rb"[ \t\r\n]*")
_COMMA_GAP = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_WORD = re.compile(rb'[^ \t\r\n,\[\]{}"]*')
_SCALAR = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|\".*\"", re.DOTALL)
_QUOTE, _BRACE, _BRACKET, _END_BRACKET, _COMMA = b'"{[],'
_CONTAINER = b"{["
_NOTHING = -1


class _Place(Enum):
    """What can come next in the array around the values."""

    OUTSIDE = "an opening bracket"
    FIRST = "an element or the closing bracket"
    NEXT = "an element"
    AFTER = "a comma or the closing bracket"


_OUTSIDE, _FIRST, _NEXT, _AFTER = _Place  # members of an Enum are slow to look up (Python 3.11)


class JSONValues:
    """Splits bytes into JSON values: the elements of arrays, and values outside of arrays.

    If it is not strict, anything in the place of a value (a bare word, a stray bracket, a truncated object) becomes a
    frame that is not JSON, instead of being lost.

    Args:
        element: the kind of frames for elements of arrays; values outside of arrays are of kind "object".
        one: be ``done`` after the first complete outermost value of any kind. Else only one array is well-formed
            input.
        strict: raise FrameError for malformed input.
        limit: the most bytes of one value.
    """

    def __init__(self, *, element: FrameKind, one: bool, strict: bool, limit: int) -> None:
        self.done = False
        self._element: FrameKind = element
        self._one = one
        self._strict = strict
        self._on_bad_utf8 = "strict" if strict else "replace"
        self._limit = limit
        self._scan = ContainerScanner()
        self._attached = _NOTHING  # stream offset of the buffer that the scanner knows
        self._place = _OUTSIDE
        self._arrays = 0
        self._first = _NOTHING  # first byte of the value in progress
        self._start = 0  # its stream offset
        self._held = bytearray()  # its bytes, where it did not end in the buffer that it began in

    def begin(self, *, in_array: bool) -> None:
        """Start a new outermost value; ``in_array``: its opening bracket has been read."""
        self.done = False
        self._place = _FIRST if in_array else _OUTSIDE

    def take(self, data: bytes, pos: int, at: int, frames: list[Frame]) -> int:
        """Split ``data``, which starts at the stream's byte ``at``, from ``pos`` on; return where it stopped."""
        if self._first != _NOTHING:
            pos = self._go_on(data, pos, frames)
        if self._attached != at:  # else the scanner already knows this buffer
            self._scan.attach(data)
            self._attached = at
        size = len(data)
        while not self.done and pos < size:
            byte = data[pos]
            if self._place is _AFTER and (gap := _COMMA_GAP.match(data, pos)):
                self._place = _NEXT
                pos = gap.end()
            elif byte in b" \t\r\n":
                space = _SPACE.match(data, pos)
                pos = space.end() if space else pos
            elif self._structure(byte, at + pos):
                pos += 1
            else:
                self._first, self._start = byte, at + pos
                end = self._find_end(data, pos, pos)
                if end < 0:
                    self._held += data[pos:]
                    self._scan.attach(self._held, moved=pos)
                    self._attached = _NOTHING
                    self._check_size(len(self._held))
                    return size
                self._emit(data[pos:end], frames)
                pos = end
        return pos

    def finish(self, at: int, frames: list[Frame], final: Final) -> None:
        """The stream ends at its byte ``at``."""
        if self._first != _NOTHING:
            if self._strict:
                raise FrameError("the stream ends within a JSON value", offset=self._start)
            if final == "yield":
                self._emit(self._held, frames)
        if self._strict and self._place is not _OUTSIDE:
            raise FrameError(
                "the stream ends within a JSON array",
                offset=at,
                suggestion=f"Expected {self._place.value}.",
            )

    def _go_on(self, data: bytes, pos: int, frames: list[Frame]) -> int:
        """Look for the end of the value in progress in ``data``."""
        before = len(self._held)
        self._held += data[pos:] if pos else data
        self._scan.attach(self._held)
        self._attached = _NOTHING
        end = self._find_end(self._held, 0, before)
        if end < 0:
            self._check_size(len(self._held))
            return len(data)
        self._emit(self._held[:end], frames)
        self._held = bytearray()
        return pos + end - before

    def _find_end(self, text: Buffer, start: int, search: int) -> int:
        """The end of the value that begins at ``start``; everything before ``search`` has been searched."""
        if self._first in _CONTAINER:
            return self._scan.begin(start) if search == start else self._scan.go_on()
        if self._first == _QUOTE:
            return string_end(text, start, max(search, start + 1))
        word = _WORD.match(text, search)
        end = word.end() if word else search
        return -1 if end == len(text) else max(end, start + 1)

    def _structure(self, byte: int, offset: int) -> bool:
        """Whether ``byte`` belongs to the array around the values."""
        place = self._place
        if place is _NEXT and byte == _BRACE:
            return False
        outside = place is _OUTSIDE
        if byte == _COMMA:
            self._expect(place is _AFTER, byte, offset)
            self._place = place if outside else _NEXT
            return True
        if outside:
            if byte == _BRACKET:
                self._expect(self._one or self._arrays == 0, byte, offset)
                self._arrays += 1
                self._place = _FIRST
                return True
            self._expect(self._one, byte, offset)
            return False
        if byte == _END_BRACKET:
            self._expect(place is not _NEXT, byte, offset)
            self._place = _OUTSIDE
            self.done = self._one
            return True
        self._expect(place is not _AFTER, byte, offset)
        return False

    def _expect(self, fits: bool, byte: int, offset: int) -> None:
        if self._strict and not fits:
            over = self._place is _OUTSIDE and self._arrays > 0
            expected = "nothing after the array" if over else self._place.value
            raise FrameError(f"unexpected {bytes([byte])!r}", offset=offset, suggestion=f"Expected {expected}.")

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise FrameTooLargeError(offset=self._start, limit=self._limit)

    def _emit(self, raw: Buffer, frames: list[Frame]) -> None:
        self._check_size(len(raw))
        if self._strict and self._first not in _CONTAINER and not _SCALAR.fullmatch(raw):
            raise FrameError(
                f"not a JSON value: {bytes(raw[:20])!r}",
                offset=self._start,
                suggestion=f"Expected {self._place.value}.",
            )
        text = decode(raw, self._start, self._on_bad_utf8)
        self._first = _NOTHING
        if self._place is _OUTSIDE:
            kind: FrameKind = "object"
            self.done = self._one
        else:
            kind = self._element
            self._place = _AFTER
        frames.append(Frame(text, kind, "message", "", None, self._start))


class JSONArrayDecoder(Decoder):
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
        super().__init__(strict=strict, max_frame_bytes=max_frame_bytes, final=final)
        self._values = JSONValues(element="array", one=False, strict=strict, limit=max_frame_bytes)

    def _take(self, data: bytes, at: int, frames: list[Frame]) -> None:
        self._values.take(data, 0, at, frames)

    def _finish(self, at: int, frames: list[Frame]) -> None:
        self._values.finish(at, frames, self._final)
