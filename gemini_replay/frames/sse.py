"""Server-sent events by the WHATWG algorithm, and raw JSON objects between them.

The algorithm is https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation.
This module decides about lines, fields and blank lines.
"""

from __future__ import annotations

import re
from contextlib import suppress

from ..errors import FrameError, FrameTooLargeError
from .frame import DEFAULT_MAX_FRAME_BYTES, Decoder, Final, Frame, decode
from .json_array import JSONValues

_LF, _SPACE, _BRACE, _BRACKET = b"\n {["
_MAY_BE_JSON = b"{[ \t"
_INDENT = re.compile(rb"[ \t]*")
_WHITE = re.compile(rb"[ \t\r\n]*")
_NONE = -1


class SSEDecoder(Decoder):
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

    Attributes:
        retry: the last reconnection time in the stream, in milliseconds; None if there is none.
        last_event_id: the last event id in the stream; "" if there is none.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        final: Final = "yield",
        objects: bool = True,
    ) -> None:
        super().__init__(strict=strict, max_frame_bytes=max_frame_bytes, final=final)
        self.retry: int | None = None
        self.last_event_id = ""
        self._objects = objects
        # The event in progress: offset of its first field, data lines, their bytes, type.
        self._start = _NONE
        self._data: list[str] = []
        self._data_size = 0
        self._event = ""
        # The line in progress: its pieces, their bytes, its offset.
        self._pieces: list[bytes] = []
        self._held = 0
        self._line_at = 0
        self._skip_lf = False
        # In the current buffer, the next LF and CR after the current line's start; its size if there is none.
        self._lf = self._cr = _NONE
        # Raw JSON: only white space so far; then an opening bracket; then values.
        self._undecided = False
        self._bracket = False
        self._json = JSONValues(element="object", one=True, strict=strict, limit=max_frame_bytes)
        self._in_json = False

    def _take(self, data: bytes, at: int, frames: list[Frame]) -> None:
        pieces = self._pieces
        if pieces and b"\n" not in data and b"\r" not in data and not self._undecided:
            self._hold(data)
            return
        pos = 0
        self._lf = self._cr = _NONE
        if self._skip_lf:
            self._skip_lf = False
            pos = 1 if data[0] == _LF else 0
        while pos < len(data):
            if self._in_json:
                pos = self._json.take(data, pos, at, frames)
                self._in_json = not self._json.done
            elif self._undecided:
                pos = self._decide(data, pos)
            elif pieces:
                data, at = b"".join((*pieces, data[pos:] if pos else data)), self._line_at
                self._drop_line()
                self._lf = self._cr = _NONE
                pos = self._lines(data, 0, at, frames, plain=True)
            else:
                pos = self._lines(data, pos, at, frames, plain=False)

    def _finish(self, at: int, frames: list[Frame]) -> None:
        if self._in_json:
            self._json.finish(at, frames, self._final)
        elif self._undecided:
            if self._bracket and self._strict:
                raise FrameError("the stream ends within a JSON array", offset=self._line_at)
            if self._bracket and self._final == "yield":
                frames.append(Frame("[", "object", offset=self._line_at))
        elif self._pieces and (self._strict or self._final == "yield"):
            self._field(b"".join(self._pieces), self._line_at)
        if self._start == _NONE:
            return
        if self._strict:
            raise FrameError(
                "the stream ends within an event",
                offset=self._start,
                suggestion="The blank line that ends an event is missing.",
                hint="Decode without strict to get the event: many real streams end like this.",
            )
        if self._final == "yield":
            self._dispatch(frames)

    def _lines(self, buf: bytes, pos: int, at: int, frames: list[Frame], *, plain: bool) -> int:
        """Interpret lines from ``pos`` on; return where raw JSON starts, or ``len(buf)``.

        ``buf[0]`` is the stream's byte ``at``. ``plain``: it is known that no JSON starts with the first line.
        """
        size = len(buf)
        lf, cr = self._lf, self._cr
        near_limit = self._data_size + size - pos > self._limit
        on_bad_utf8 = self._on_bad_utf8
        maybe_json = self._objects and not plain
        while pos < size:
            if maybe_json and buf[pos] in _MAY_BE_JSON and self._json_allowed(buf[pos], frames):
                found = self._look_for_json(buf, pos, at + pos)
                if found == size:
                    self._line_at = at + pos
                    self._undecided = True
                    self._hold(buf[pos:])
                    return size
                if found >= 0:
                    self._begin_json()
                    self._lf, self._cr = lf, cr
                    return found
            maybe_json = self._objects
            if lf < pos:
                lf = buf.find(b"\n", pos)
                if lf < 0:
                    lf = size
            if cr < pos:
                cr = buf.find(b"\r", pos)
                if cr < 0:
                    cr = size
            if lf < cr:
                end, after = lf, lf + 1
            elif cr < size:
                end, after = cr, cr + 1
                if after == size:
                    self._skip_lf = True
                elif after == lf:
                    after += 1
            else:
                self._line_at = at + pos
                self._hold(buf[pos:])
                return size
            if near_limit:
                self._check_size(end - pos, at + pos)
            if end == pos:
                if self._start >= 0:
                    self._dispatch(frames)
            elif buf.startswith(b"data:", pos):
                if self._start < 0:
                    self._start = at + pos
                begin = pos + 6 if buf[pos + 5] == _SPACE else pos + 5
                self._data.append(decode(buf[begin:end], at + begin, on_bad_utf8))
                self._data_size += end - begin + 1
            else:
                self._field(buf[pos:end], at + pos)
            pos = after
        return size

    def _field(self, line: bytes, at: int) -> None:
        """Interpret one line that is not blank, by the algorithm's "process the field"."""
        name, colon, value = line.partition(b":")
        if colon and not name:
            if self._strict:
                decode(line, at, "strict")
            return
        if name not in (b"data", b"event", b"id", b"retry"):
            if self._strict and (self._start >= 0 or line.strip(b" \t")):
                decode(line, at, "strict")
                raise FrameError(
                    f"a line that is neither a known field nor a comment: {line[:40]!r}",
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
            with suppress(ValueError):  # more digits than Python converts: no time is that long
                self.retry = int(text)

    def _dispatch(self, frames: list[Frame]) -> None:
        """Emit the pending event, unless it has no data line."""
        lines = self._data
        if lines:
            data = lines[0] if len(lines) == 1 else "\n".join(lines)
            event = self._event or "message"
            frames.append(Frame(data, "sse", event, self.last_event_id, self.retry, self._start))
            lines.clear()
            self._data_size = 0
        self._event = ""
        self._start = _NONE

    def _json_allowed(self, byte: int, frames: list[Frame]) -> bool:
        """Whether raw JSON can start here. Emits a pending event that only lacks its blank line."""
        if self._start < 0:
            return True
        whole = bool(self._data) and self._data[-1].endswith("}")
        if self._strict or byte != _BRACE or not whole:
            return False
        self._dispatch(frames)
        return True

    def _look_for_json(self, buf: bytes, pos: int, line_at: int) -> int:
        """The index of JSON's first brace, ``len(buf)`` if that is not decided yet, or -1 if this is another line.

        White space can precede it, and one opening bracket with white space around it.
        """
        at = pos
        if not self._bracket:
            indent = _INDENT.match(buf, at)
            at = indent.end() if indent else at
            if at < len(buf) and buf[at] == _BRACKET:
                self._bracket = True
                at += 1
        if self._bracket:
            white = _WHITE.match(buf, at)
            at = white.end() if white else at
        if self._held + at - pos > self._limit:
            raise FrameTooLargeError(offset=line_at, limit=self._limit)
        if at == len(buf) or buf[at] == _BRACE:
            return at
        self._bracket = False
        return _NONE

    def _decide(self, data: bytes, pos: int) -> int:
        """Continue a line with only white space and perhaps a bracket so far."""
        found = self._look_for_json(data, pos, self._line_at)
        if found == len(data):
            self._hold(data[pos:])
            return found
        self._undecided = False
        if found < 0:
            return pos
        self._drop_line()
        self._begin_json()
        return found

    def _begin_json(self) -> None:
        self._json.begin(in_array=self._bracket)
        self._bracket = False
        self._in_json = True

    def _hold(self, piece: bytes) -> None:
        """Keep a piece of the current line."""
        self._pieces.append(piece)
        self._held += len(piece)
        if self._data_size + self._held > self._limit:
            self._check_size(self._held, self._line_at)

    def _drop_line(self) -> None:
        self._pieces.clear()
        self._held = 0

    def _check_size(self, line: int, line_at: int) -> None:
        if self._data_size + line > self._limit:
            start = self._start if self._start >= 0 else line_at
            raise FrameTooLargeError(offset=start, limit=self._limit)
