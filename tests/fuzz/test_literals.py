"""How streams are written down in reports and tests."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_replay.fuzz.cuts import every, split
from gemini_replay.fuzz.literals import chunks_source

BODY = b'data: {"a": "some text"}\r\n\r\n' * 3


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        (split(BODY, every(1, len(BODY))), 2),
        (split(BODY, tuple(at for at in every(2, len(BODY)) for _ in range(2))), 2),
        (split(BODY, every(30, len(BODY))), 1),
        ((b"", BODY, b""), 1),
        ((BODY,), 1),
        ((), 1),
    ],
    ids=["many of one size", "with empty ones between", "few", "empty ones around", "one", "none"],
)
def test_the_lines_make_the_chunks(chunks: tuple[bytes, ...], lines: int) -> None:
    """Many chunks are not listed one by one."""
    source = chunks_source(chunks)
    names: dict[str, Any] = {}
    exec("\n".join(source), names)
    assert tuple(names["chunks"]) == chunks
    assert len(source) == lines
