"""Finds the values of the JSON members that `redact_fields` names, whatever they look like, in bytes. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .replacements import MARK
from .spans import Span

_NUMBER = re.compile(rb"-?[0-9][0-9.eE+\-]*")
_MASKED = re.compile(rb"(?:REDACTED)*R?E?D?A?C?T?E?|9+")


class DeclaredMembers:
    """The members with these names (at least one), also in JSON within a JSON string, at any depth."""

    def __init__(self, names: Iterable[str]) -> None:
        known = b"|".join(re.escape(name.encode()) for name in sorted(names))
        self._member = re.compile(rb'(\\*)"(' + known + rb')\1"\s{0,8}:\s{0,8}', re.IGNORECASE)

    def find(self, window: bytes, *, final: bool) -> tuple[list[Span], int]:
        """The strings and numbers that are values of these members, and where an unfinished one begins.

        If none is unfinished, that is the end of the window.
        """
        spans: list[Span] = []
        for member in self._member.finditer(window):
            escapes, start = member[1], member.end()
            text = window.startswith(escapes + b'"', start)
            if text:
                start += len(escapes) + 1
                end = _closing(window, start, len(escapes))
            elif number := _NUMBER.match(window, start):
                end = number.end() if final or number.end() < len(window) else -1
            else:
                continue
            if end < 0 and not final:
                return spans, start
            end = len(window) if end < 0 else end
            if not _MASKED.fullmatch(window, start, end) and not MARK.fullmatch(window[start:end].decode("latin-1")):
                spans.append(Span(start, end, not text, f"value of {member[2].decode('utf-8', 'replace')}"))
        return spans, len(window)


def _closing(window: bytes, start: int, escapes: int) -> int:
    """Where a string ends whose quotes have this many backslashes before them; -1 if it does not end."""
    quote = window.find(b'"', start)
    while quote >= 0:
        run = quote
        while run > start and window[run - 1] == 0x5C:
            run -= 1
        if (quote - run) % (2 * escapes + 2) == escapes:
            return quote - escapes
        quote = window.find(b'"', quote + 1)
    return -1
