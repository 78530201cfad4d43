"""The simplest stream, and whether a parser reads it."""

from __future__ import annotations

from .documents import blocks, google_array
from .target import FuzzTarget, Output
from .verdicts import same

PLAIN = ({"responseId": "a"}, {"responseId": "b"})


def plain_body(*, array: bool) -> bytes:
    """The simplest stream."""
    return (google_array if array else blocks)(PLAIN).encode()


def reads(target: FuzzTarget, *, array: bool) -> bool:
    """Whether the parser reads the simplest stream of this framing."""
    return is_plain(target.run([plain_body(array=array)]))


def is_plain(output: Output) -> bool:
    """Whether the simplest stream came out of a run, as it should."""
    return output.error is None and not output.hung and same(output.values, PLAIN)
