"""Numbers of things, in words."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """A number of things with their name, such as "1 cassette" or "2,000 cassettes"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
