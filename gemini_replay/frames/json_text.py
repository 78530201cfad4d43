"""Decodes JSON text in the same way for all framings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class NotDecoded:
    """The type of `NOT_DECODED`."""

    def __repr__(self) -> str:
        return "NOT_DECODED"


NOT_DECODED = NotDecoded()
"""Marks that there is no JSON value. None could not, since it is a JSON value itself."""


ValueAt = Callable[[str, int], tuple[Any, int]]

NO_VALUE = (ValueError, StopIteration, RecursionError)
"""What `JSONText.value_at` raises if there is no whole JSON value."""


class JSONText:
    """Decodes JSON by the standard library.

    Args:
        strict: refuse ``NaN``, ``Infinity`` and ``-Infinity``.
    """

    def __init__(self, *, strict: bool) -> None:
        self._decoder = json.JSONDecoder(parse_constant=_refuse if strict else None)
        # What raw_decode calls, and nothing else.
        self.value_at: ValueAt = getattr(self._decoder, "scan_once", self._decoder.raw_decode)
        """``value_at(text, start)`` returns the value that starts there, and the index after it, or raises one of
        `NO_VALUE`."""

    def value(self, text: str) -> Any:
        """The value of a whole text.

        Raises:
            ValueError: it is not JSON.
            RecursionError: it is nested too deeply.
        """
        try:
            value, end = self.value_at(text, 0)
            if end == len(text):
                return value
        except (ValueError, StopIteration):
            pass
        return self._decoder.decode(text)  # white space around it, or an error

    def value_or_nothing(self, text: str) -> Any:
        """The value of a whole text; NOT_DECODED if `value` would raise an error."""
        try:
            return self.value(text)
        except (ValueError, RecursionError):
            return NOT_DECODED


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
