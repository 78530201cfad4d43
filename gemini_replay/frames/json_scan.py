"""Finds the end of an object or array in text that arrives in pieces, valid JSON or not, by quotes and brackets."""

from __future__ import annotations

import re

from .frame import Text

_QUOTE, _BACKSLASH = b'"\\'
_OPENERS = b"{["

# Matches up to the next bracket, including short strings. Long ones are left to bytes.find.
_PASS = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]{0,500}+"[^"{}\[\]]*+)*+')


def string_end(text: Text, pos: int, search: int) -> int:
    """The end of the JSON string whose opening quote is at ``pos``: the index after its closing quote, or -1.

    ``search`` is where to go on, if an earlier call has seen the text before it; else ``pos + 1``.
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
    """Finds the ends of objects and arrays, one after another, in time linear in their bytes."""

    def begin(self) -> None:
        """Begin a new search: the next text has another opening bracket."""
        self._seen = 1  # how much of the value was searched
        self._depth = 1
        self._string = -1  # where in the value an unfinished string starts

    def end(self, text: Text, start: int) -> int:
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
