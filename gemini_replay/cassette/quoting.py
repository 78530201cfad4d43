"""Quotes what a line holds in a message about the line: short, and without secrets. No I/O.

A message takes no text of a line in another way.
"""

from __future__ import annotations

_LONGEST = 60
_SEARCHED = 8192
"""Characters that are searched for secrets: one that begins in what is quoted is whole in them."""


def quoted(value: object) -> str:
    """A value as Python writes it."""
    return clipped(repr(value))


def clipped(text: str) -> str:
    """The beginning of a text. Secrets are removed before it is cut, since a part of one would not be found."""
    from .redaction import Redactor  # only where something is wrong

    text = Redactor().text(text[:_SEARCHED])
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
