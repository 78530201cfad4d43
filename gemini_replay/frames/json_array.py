"""JSON without SSE around it: an array, element by element, and single objects.

Everything that decides where one JSON value of a stream ends and the next begins lives here. The end of an object or
array is where decoding it ends; if it is not there yet or is not JSON, ``json_scan`` finds it.
"""

from __future__ import annotations

import re
from enum import Enum

from ..errors import FrameError, FrameTooLargeError
from .frame import SPLIT_EVERY_PIECE, Final, FrameKind, Taker, Text, decode
from .json_scan import ContainerScanner, string_end
from .json_text import NO_VALUE, JSONText

_SPACE = re.compile(rb"[ \t\r\n]*")
_COMMA_GAP = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_WORD = re.compile(rb'[^ \t\r\n,\[\]{}"]*')
_SCALAR = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|\".*\"", re.DOTALL)
_QUOTE, _BRACE, _END_BRACE, _BRACKET, _END_BRACKET, _COMMA = b'"{}[],'
_CONTAINER = b"{["
_PART = 16384  # how many bytes are decoded at once at most, if values are shorter


class _State(Enum):
    """What can come next in the array around the values."""

    OUTSIDE = "an opening bracket"
    FIRST = "an element or the closing bracket"
    NEXT = "an element"
    AFTER = "a comma or the closing bracket"


_OUTSIDE, _FIRST, _NEXT, _AFTER = _State  # members of an Enum are slow to look up (Python 3.11)


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
        final: whether to yield an unfinished value at the end.
    """

    def __init__(self, *, element: FrameKind, one: bool, strict: bool, limit: int, final: Final) -> None:
        self.done = False
        self.marks = (0, 0)
        self.room = SPLIT_EVERY_PIECE
        self.skipped = 0
        self._limit = limit
        self._element: FrameKind = element
        self._one = one
        self._strict = strict
        self._on_bad_utf8 = "strict" if strict else "replace"
        self._yields = final == "yield"
        self._json = JSONText(strict=strict)
        self._scanner = ContainerScanner()
        self._state = _OUTSIDE
        self._arrays = 0
        self._part = _PART  # how many bytes to decode next
        self._ending = b"}"  # the last bytes of the last object or array
        self._seen = 0  # how much of the value at the start of the text was searched

    def begin(self, *, in_array: bool) -> None:
        """Start a new outermost value; ``in_array``: its opening bracket has been read."""
        self.done = False
        self._state = _FIRST if in_array else _OUTSIDE

    def split(self, text: Text, at: int, taker: Taker, pos: int = 0) -> int:
        """See :class:`Splitter`; ``pos`` is where to start. It also stops when it is ``done``."""
        size = len(text)
        # Values are decoded until one is incomplete or not JSON: a failure costs a look at all text after it. The end
        # of such a value is searched. When much more of it has come, decoding is tried once more.
        decodes = True
        while True:
            if not self._seen:
                pos = self._next_value(text, pos, at)
                if self.done or pos == size:
                    self.room = SPLIT_EVERY_PIECE
                    return pos
            grown = not self._seen or size - pos > 2 * self._seen + _PART
            if decodes and grown and text[pos] in _CONTAINER:
                end = self._decode_values(text, pos, at, taker)
                if end > pos:
                    self._part = min(4 * (end - pos), _PART)
                    pos = end
                    continue
                decodes = False
            end = self._find_end(text, pos)
            if end < 0:
                self._check_size(size - pos, at + pos)
                self._seen = size - pos
                return pos
            data = self._decode(text[pos:end], at + pos)
            taker._take(data, self._kind(), "message", "", None, at + pos, self._json.value_or_nothing(data))
            pos = end

    def _decode_values(self, text: Text, pos: int, at: int, taker: Taker) -> int:
        """Emit the object or array that starts at ``pos``, and those after it in the same part of the text.

        Return where the last one ends, or ``pos`` if the first one is incomplete or not JSON.
        """
        value_at = self._json.value_at
        closer = b"}" if text[pos] == _BRACE else b"]"
        if text.find(closer, pos) < 0:
            return pos
        size = self._part
        while True:
            part_end = self._last_end(text, pos, pos + size, closer)
            try:
                if part_end:
                    part = text[pos:part_end].decode()
                    value, last = value_at(part, 0)
                    break
            except NO_VALUE:
                pass
            if pos + size >= len(text):
                return pos
            size *= 4
        kind = self._kind()
        # Outside of arrays, a bracket starts an array instead of a value.
        gap, openers = (_SPACE, b"{") if self._state is _OUTSIDE else (_COMMA_GAP, _CONTAINER)
        first = 0
        while True:
            if last == len(part):
                data, end = part[first:], part_end
            else:
                data = part[first:last]
                end = pos + (len(data) if data.isascii() else len(data.encode()))
            if end - pos > self._limit:
                self._check_size(end - pos, at + pos)
            taker._take(data, kind, "message", "", None, at + pos, value)
            between = None if end == part_end or self.done else gap.match(text, end)
            if not between:
                self._ending = bytes(text[end - 2 : end])
                return end
            pos = between.end()
            if pos >= part_end or text[pos] not in openers:
                return end
            first = last + pos - end
            try:
                value, last = value_at(part, first)
            except NO_VALUE:
                return end

    def _last_end(self, text: Text, start: int, stop: int, closer: bytes) -> int:
        """Where the last value before ``stop`` seems to end: as the value before it did, or else with ``closer``."""
        for ending in (self._ending, closer):
            found = text.rfind(ending, start, stop)
            if found >= 0:
                return found + len(ending)
        return 0

    def finish(self, rest: bytearray, at: int, taker: Taker) -> None:
        """See :class:`Splitter`."""
        if self._seen:
            if self._strict:
                raise FrameError("the stream ends within a JSON value", offset=at)
            if self._yields:
                data = self._decode(rest, at)
                taker._take(data, self._kind(), "message", "", None, at, self._json.value_or_nothing(data))
        if self._strict and self._state is not _OUTSIDE:
            raise FrameError(
                "the stream ends within a JSON array",
                offset=at,
                suggestion=f"Expected {self._state.value}.",
            )

    def _next_value(self, text: Text, pos: int, at: int) -> int:
        """Skip the text around the values; return where the next value starts, or where the text ends."""
        while not self.done and pos < len(text):
            byte = text[pos]
            if self._state is _AFTER and (gap := _COMMA_GAP.match(text, pos)):
                self._state = _NEXT
                pos = gap.end()
                if pos < len(text) and text[pos] in _CONTAINER:
                    break
            elif byte in b" \t\r\n":
                space = _SPACE.match(text, pos)
                pos = space.end() if space else pos
            elif self._structure(byte, at + pos):
                pos += 1
            else:
                break
        return pos

    def _find_end(self, text: Text, start: int) -> int:
        """The end of the value that begins at ``start``, -1 if it needs more text; and the bytes that can end it."""
        first = text[start]
        self.room = self._limit
        if first in _CONTAINER:
            if not self._seen:
                self._scanner.begin()
            self.marks = (_END_BRACE, _END_BRACKET)
            return self._scanner.end(text, start)
        if first == _QUOTE:
            self.marks = (_QUOTE, _QUOTE)
            return string_end(text, start, start + max(self._seen, 1))
        self.room = SPLIT_EVERY_PIECE
        word = _WORD.match(text, start + self._seen)
        end = word.end() if word else start
        return -1 if end == len(text) else max(end, start + 1)

    def _structure(self, byte: int, offset: int) -> bool:
        """Whether ``byte`` belongs to the array around the values."""
        state = self._state
        if state is _NEXT and byte == _BRACE:
            return False
        outside = state is _OUTSIDE
        if byte == _COMMA:
            self._expect(state is _AFTER, byte, offset)
            self._state = state if outside else _NEXT
            return True
        if outside:
            if byte == _BRACKET:
                self._expect(self._one or self._arrays == 0, byte, offset)
                self._arrays += 1
                self._state = _FIRST
                return True
            self._expect(self._one, byte, offset)
            return False
        if byte == _END_BRACKET:
            self._expect(state is not _NEXT, byte, offset)
            self._state = _OUTSIDE
            self.done = self._one
            return True
        self._expect(state is not _AFTER, byte, offset)
        return False

    def _expect(self, fits: bool, byte: int, offset: int) -> None:
        if self._strict and not fits:
            over = self._state is _OUTSIDE and self._arrays > 0
            expected = "nothing after the array" if over else self._state.value
            raise FrameError(f"unexpected {bytes([byte])!r}", offset=offset, suggestion=f"Expected {expected}.")

    def _check_size(self, size: int, offset: int) -> None:
        if size > self._limit:
            raise FrameTooLargeError(offset=offset, limit=self._limit)

    def _decode(self, raw: Text, offset: int) -> str:
        self._check_size(len(raw), offset)
        if self._strict and raw[0] not in _CONTAINER and not _SCALAR.fullmatch(raw):
            raise FrameError(
                f"not a JSON value: {bytes(raw[:20])!r}",
                offset=offset,
                suggestion=f"Expected {self._state.value}.",
            )
        return decode(raw, offset, self._on_bad_utf8)

    def _kind(self) -> FrameKind:
        """The kind of the value that has ended."""
        self._seen = 0
        if self._state is _OUTSIDE:
            self.done = self._one
            return "object"
        self._state = _AFTER
        return self._element
