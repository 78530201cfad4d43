"""Finds the end of a JSON object or array in text that arrives in pieces, JSON or not, by its quotes and brackets."""

from __future__ import annotations

import re

_QUOTE, _BACKSLASH = b'"\\'
_OPENERS = b"{["

# Up to the next bracket, including strings that are short, so that long ones are left to bytes.find.
_PASS = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]{0,500}+"[^"{}\[\]]*+)*+')

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
    """Finds the end of one object or array after another, in time linear in their bytes."""

    def begin(self) -> None:
        """The next text to be searched starts with another opening bracket."""
        self._seen = 1  # how much of the value was searched
        self._depth = 1
        self._string = -1  # where in the value the string starts that was not left yet

    def end(self, text: Buffer, start: int) -> int:
        """The end of the value that begins at ``start``, after its closing bracket; -1 if ``text`` ends before it.

        If it is -1, call again with a longer text that starts in the same place.
        """
        pos, size, string = start + self._seen, len(text), self._string
        while True:
            if string >= 0:
                closed = string_end(text, start + string, pos)
                if closed < 0:
                    break
                pos, string = closed, -1
            passed = _PASS.match(text, pos)
            pos = passed.end() if passed else pos
            if pos == size:
                break
            mark = text[pos]
            pos += 1
            if mark == _QUOTE:
                string = pos - 1 - start
            elif mark in _OPENERS:
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == 0:
                    return pos
        self._seen, self._string = size - start, string
        return -1
