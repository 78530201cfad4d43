"""Finds the end of a JSON object or array in text that arrives in pieces.

There are two ways with the same result. A raw LF cannot occur in a JSON string, so in pretty-printed text a line with
only a closing brace is a likely end; counting brackets outside of strings, with fast ``bytes`` methods, decides. All
other text is scanned bracket by bracket.
"""

from __future__ import annotations

import re
from functools import lru_cache

_OPEN, _CLOSE, _QUOTE, _BACKSLASH = b"{["[0], b"}"[0], b'"'[0], b"\\"[0]
_OPENERS = b"{["

# Up to the next bracket, including strings without escapes. The limit keeps the matcher's stack small.
_PASS = re.compile(rb'[^"{}\[\]]*(?:"[^"\\]*"[^"{}\[\]]*){0,64}')

_FOLD = bytes.maketrans(b"[]", b"{}")
_NO_MARK = bytes(set(range(256)) - set(b'"{}[]'))
_NO_MARK_OR_ESCAPE = bytes(set(_NO_MARK) - set(b"\\\0"))
_KNOWN_MARKS = 1000  # bytes; longer marks are not cached
_MAX_NESTING = 64  # of one segment that is counted; deeper text is scanned

Buffer = bytes | bytearray


def string_end(text: Buffer, pos: int, search: int) -> int:
    """The end of the JSON string with its opening quote at ``pos``: after its closing quote, or -1.

    ``search`` is where to look on, if an earlier call has seen the text before it; else ``pos + 1``.
    """
    while (quote := text.find(b'"', search)) >= 0:
        run = quote
        while text[run - 1] == _BACKSLASH:
            run -= 1
        if (quote - run) % 2 == 0:
            return quote + 1
        search = quote + 1
    return -1


class ContainerScanner:
    """Finds the end of one object or array after another, in time linear in their bytes.

    ``attach`` a buffer; ``begin`` at an opening bracket returns the end. If that is -1, attach a buffer with the same
    bytes from the value's start and more, and call ``go_on``.
    """

    def __init__(self) -> None:
        self._text: Buffer = b""
        self._pos = 0
        self._depth = 0
        self._string = -1  # the opening quote of the string that the text ends in
        self._cut = -1  # the next line of a brace at or after _pos; len(text) if there is none
        self._careful = 0  # up to here such lines were no ends

    def attach(self, text: Buffer, *, moved: int = 0) -> None:
        """Continue in ``text``, where everything is ``moved`` bytes further left than in the text before."""
        self._text = text
        self._pos -= moved
        if self._string >= 0:
            self._string -= moved
        self._cut = -1
        self._careful = 0

    def begin(self, pos: int) -> int:
        """The end of the value that starts at ``pos``, after its closing bracket; -1 if it is not in this text."""
        self._pos = pos + 1
        self._depth = 1
        self._string = -1
        return self._pos if self._jump() else self._walk()

    def go_on(self) -> int:
        """The same, for the value that did not end in the text before."""
        if self._string >= 0 and not self._leave_string():
            return -1
        return self._pos if self._jump() else self._walk()

    def _walk(self) -> int:
        """Go from bracket to bracket."""
        text, pos, end = self._text, self._pos, len(self._text)
        while True:
            found = _PASS.match(text, pos)
            pos = found.end() if found else pos
            if pos == end:
                self._pos = end
                return -1
            mark = text[pos]
            if mark == _QUOTE:
                self._string, self._pos = pos, pos + 1
                if not self._leave_string():
                    return -1
                pos = self._pos
            elif mark in _OPENERS:
                self._depth += 1
                pos += 1
            elif mark in b"}]":
                self._depth -= 1
                pos += 1
                if self._depth == 0:
                    self._pos = pos
                    return pos

    def _leave_string(self) -> bool:
        end = string_end(self._text, self._string, self._pos)
        if end < 0:
            self._pos = len(self._text)
            return False
        self._pos, self._string = end, -1
        return True

    def _jump(self) -> bool:
        """Go from one line of a closing brace to the next; whether the value ends with one of them."""
        text, pos = self._text, self._pos
        while pos >= self._careful:
            cut = self._cut
            if cut < pos:
                cut = text.find(b"\n}\n", pos)
                self._cut = cut = len(text) if cut < 0 else cut
            if cut == len(text):
                return False
            counts = _unmatched(text[pos:cut])
            if counts is None or counts[1] >= self._depth:  # it can have ended before, within a line
                self._careful = cut + 2
                return False
            self._depth += counts[0] - counts[1] - 1
            self._pos = pos = cut + 2
            if self._depth == 0:
                return True
        return False


def _unmatched(text: Buffer) -> tuple[int, int] | None:
    """How many brackets ``text`` leaves open, and how many it closes without having opened them.

    ``text`` starts outside of strings. None if it must be scanned: it ends in a string, is not JSON in a way that
    matters here, or is nested too deeply to count quickly. So both ways agree for any bytes.
    """
    if b"\\" in text:  # escaped backslashes first: then a backslash before a quote escapes it
        text = text.replace(b"\\\\", b"\0").replace(b'\\"', b"\0")
        marks = bytes(text.translate(_FOLD, _NO_MARK_OR_ESCAPE))
    else:
        marks = bytes(text.translate(_FOLD, _NO_MARK))
    # The messages of a stream are similar, and so are their marks.
    count = _count_known if len(marks) <= _KNOWN_MARKS else _count
    return count(marks)


def _count(marks: bytes) -> tuple[int, int] | None:
    """The result of ``_unmatched`` for text with only quotes, braces and escapes; None if it is not certain."""
    if b'"' in marks:
        pieces = marks.split(b'"')
        marks = b"".join(pieces[::2])  # what is outside of strings
        if len(pieces) % 2 == 0:
            return None
    if b"\0" in marks or b"\\" in marks:
        return None
    for _ in range(_MAX_NESTING):
        if b"{}" not in marks:
            return marks.count(b"{"), marks.count(b"}")
        marks = marks.replace(b"{}", b"")
    return None


_count_known = lru_cache(maxsize=256)(_count)
