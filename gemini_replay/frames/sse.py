"""Server-sent events by the WHATWG algorithm, and raw JSON objects between them.

The algorithm is https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation.
This module decides about lines, fields and blank lines.
"""

from __future__ import annotations

import re
from contextlib import suppress

from ..errors import FrameError, FrameTooLargeError
from .frame import SPLIT_EVERY_PIECE, Final, Taker, Text, decode
from .json_array import JSONValues
from .json_text import NOT_DECODED

_LF, _CR, _SPACE, _BRACE, _BRACKET = b"\n\r {["
_FIELDS = (b"data", b"event", b"id", b"retry")
_MAY_BE_JSON = b"{[ \t"
_INDENT = re.compile(rb"[ \t]*")
_WHITE = re.compile(rb"[ \t\r\n]*")
_NONE = -1


class SSELines:
    """Splits lines of server-sent events into frames; the arguments are those of :class:`SSEDecoder`.

    Attributes:
        retry, last_event_id: see :class:`SSEDecoder`.
        skipped: how many lines were neither a known field nor a comment.
    """

    def __init__(self, *, strict: bool, limit: int, final: Final, objects: bool = True) -> None:
        self.marks = (_LF, _CR)
        self.room = SPLIT_EVERY_PIECE
        self.retry: int | None = None
        self.last_event_id = ""
        self.skipped = 0
        self._strict = strict
        self._limit = limit
        self._yields = final == "yield"
        self._on_bad_utf8 = "strict" if strict else "replace"  # the name of a codec error handler
        self._objects = objects
        # The event in progress: offset of its first field, data lines, their bytes, type.
        self._start = _NONE
        self._data: list[str] = []
        self._data_size = 0
        self._event = ""
        self._searched = 0  # how many bytes of the line in progress were searched for its end
        self._skip_lf = False
        # Raw JSON: how many bytes may be its start, whether they have a bracket; then its values.
        self._undecided = 0
        self._bracket = False
        self._json = JSONValues(element="object", one=True, strict=strict, limit=limit, final=final)
        self._in_json = False

    def split(self, text: Text, at: int, taker: Taker) -> int:
        """See :class:`Splitter`."""
        size, pos, searched = len(text), 0, self._searched
        self._searched = 0
        self.room = SPLIT_EVERY_PIECE
        if self._skip_lf and size:
            self._skip_lf = False
            pos = 1 if text[0] == _LF else 0
        if self._in_json:
            pos = self._take_json(text, at, taker, pos)
            if self._in_json:
                return pos
        room = self._limit - self._data_size
        lf = cr = _NONE  # the next ones; size if there is none
        while True:
            if pos >= size:  # not in the head of the loop, whose jump is too long for CPython 3.11 to specialize
                return pos
            # Where the data of a data line begins.
            begin = pos + 6 if text[pos : pos + 6] == b"data: " else pos + 5 if text.startswith(b"data:", pos) else 0
            if not begin and text[pos] in _MAY_BE_JSON and self._objects and self._json_allowed(text[pos], taker):
                found = self._look_for_json(text, pos, at + pos)
                if found == size:
                    return pos
                if found >= 0:
                    self._begin_json()
                    pos = self._take_json(text, at, taker, found)
                    if self._in_json:
                        return pos
                    continue
            if lf < pos:
                lf = text.find(b"\n", searched if searched > pos else pos)
                if lf < 0:
                    lf = size
            if cr < pos:
                cr = text.find(b"\r", searched if searched > pos else pos)
                if cr < 0:
                    cr = size
            end = lf if lf < cr else cr
            if end == size or size > room:
                self._check_size(end - pos, at + pos)
                if end == size:
                    self.marks = (_LF, _CR)
                    self.room = self._limit - self._data_size
                    self._searched = size - pos
                    return pos
            if begin:
                try:
                    data = text[begin:end].decode()
                except UnicodeDecodeError:
                    data = decode(text[begin:end], at + begin, self._on_bad_utf8)
                if self._start < 0:
                    if text[end : end + 4] == b"\r\n\r\n" or text[end : end + 2] == b"\n\n":
                        # The whole event is here, as nearly always.
                        taker._take(data, "sse", "message", self.last_event_id, self.retry, at + pos, NOT_DECODED)
                        pos = end + (4 if end == cr else 2)
                        continue
                    self._start = at + pos
                self._data.append(data)
                self._data_size += end - begin + 1
            elif end > pos:
                self._field(text[pos:end], at + pos)
            elif self._start >= 0:
                self._dispatch(taker)
            pos = end + 1
            if text[end] == _CR:
                if pos == size:
                    self._skip_lf = True
                elif text[pos] == _LF:
                    pos += 1

    def _take_json(self, text: Text, at: int, taker: Taker, pos: int) -> int:
        pos = self._json.split(text, at, taker, pos)
        self._in_json = not self._json.done
        if self._in_json:
            self.marks, self.room = self._json.marks, self._json.room
        return pos

    def finish(self, rest: bytearray, at: int, taker: Taker) -> None:
        """See :class:`Splitter`."""
        if self._in_json:
            self._json.finish(rest, at, taker)
        elif self._undecided:
            if self._bracket and self._strict:
                raise FrameError("the stream ends within a JSON array", offset=at)
            if self._bracket and self._yields:
                taker._take("[", "object", "message", "", None, at, NOT_DECODED)
        elif rest and (self._strict or self._yields):
            self._field(rest, at)
        if self._start == _NONE:
            return
        if self._strict:
            raise FrameError(
                "the stream ends within an event",
                offset=self._start,
                suggestion="The blank line that ends an event is missing.",
                hint="Decode without strict to get the event: many real streams end like this.",
            )
        if self._yields:
            self._dispatch(taker)

    def _field(self, line: Text, at: int) -> None:
        """Interpret one line that is not blank, by the algorithm's "process the field"."""
        name, colon, value = line.partition(b":")
        if colon and not name:
            if self._strict:
                decode(line, at, "strict")
            return
        if bytes(name) not in _FIELDS:
            self.skipped += bool(line.strip(b" \t"))
            if self._strict and (self._start >= 0 or line.strip(b" \t")):
                decode(line, at, "strict")
                raise FrameError(
                    f"a line that is neither a known field nor a comment: {bytes(line[:40])!r}",
                    offset=at,
                    hint="Decode without strict to ignore such lines.",
                )
            return
        if self._start < 0:
            self._start = at
        begin = len(name) + len(colon)
        if value.startswith(b" "):
            begin += 1
        text = decode(line[begin:], at + begin, self._on_bad_utf8)
        if name == b"data":
            self._data.append(text)
            self._data_size += len(line) - begin + 1
        elif name == b"event":
            self._event = text
        elif name == b"id":
            if "\0" not in text:
                self.last_event_id = text
        elif text.isascii() and text.isdigit():
            with suppress(ValueError):  # more digits than Python converts: no real time is that long
                self.retry = int(text)

    def _dispatch(self, taker: Taker) -> None:
        """Emit the pending event, unless it has no data line."""
        lines = self._data
        if lines:
            data = lines[0] if len(lines) == 1 else "\n".join(lines)
            event = self._event or "message"
            taker._take(data, "sse", event, self.last_event_id, self.retry, self._start, NOT_DECODED)
            lines.clear()
            self._data_size = 0
        self._event = ""
        self._start = _NONE

    def _json_allowed(self, byte: int, taker: Taker) -> bool:
        """Whether raw JSON can start here. Emits a pending event that only lacks its blank line."""
        if self._start < 0:
            return True
        whole = bool(self._data) and self._data[-1].endswith("}")
        if self._strict or byte != _BRACE or not whole:
            return False
        self._dispatch(taker)
        return True

    def _look_for_json(self, text: Text, pos: int, line_at: int) -> int:
        """The index of JSON's first brace; ``len(text)`` if more text is needed; -1 if this is another line.

        White space can precede it, and one opening bracket with white space around it.
        """
        at = pos + self._undecided
        self._undecided = 0
        if not self._bracket:
            indent = _INDENT.match(text, at)
            at = indent.end() if indent else at
            if at < len(text) and text[at] == _BRACKET:
                self._bracket = True
                at += 1
        if self._bracket:
            white = _WHITE.match(text, at)
            at = white.end() if white else at
        if at - pos > self._limit:
            raise FrameTooLargeError(offset=line_at, limit=self._limit)
        if at == len(text):
            self._undecided = at - pos
            return at
        if text[at] == _BRACE:
            return at
        self._bracket = False
        return _NONE

    def _begin_json(self) -> None:
        self._json.begin(in_array=self._bracket)
        self._bracket = False
        self._in_json = True

    def _check_size(self, line: int, line_at: int) -> None:
        if self._data_size + line > self._limit:
            start = self._start if self._start >= 0 else line_at
            raise FrameTooLargeError(offset=start, limit=self._limit)
