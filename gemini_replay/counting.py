"""Numbers of things, in words."""

from __future__ import annotations


def counted(count: int, what: str, several: str | None = None) -> str:
    """A number of things with their name, such as "1 cassette", "2,000 cassettes" or "2 classes"."""
    return f"{count:,} {what if count == 1 else several or what + 's'}"
