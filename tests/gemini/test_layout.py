"""Where events end in a body."""

from __future__ import annotations

import pytest

from gemini_replay.frames import encode_sse
from gemini_replay.gemini import lay_out
from gemini_replay.gemini.error_objects import encode_error, error
from gemini_replay.gemini.spelling import encode_array, pretty

ONE, TWO = b'{"a": 1}', b'{"b": "\xe4\xbd\xa0"}'


@pytest.mark.parametrize(
    ("parts", "count"),
    [
        ([encode_sse(ONE), encode_sse(TWO)], 2),
        ([encode_sse(ONE, newline="\n"), encode_sse(TWO, newline="\n")], 2),
        ([encode_sse(ONE, newline="\r"), encode_sse(TWO, newline="\r")], 2),
        ([encode_sse(ONE), b"data: " + TWO], 2),
        ([encode_sse(ONE), encode_error(error(503, "Busy."))], 2),
        ([*encode_array(['{\n  "a": 1\n}', pretty({"b": "你"})])[:2], b"]"], 2),
        ([b'[{"a": [1]}', b',{"b": [2]}', b"]"], 2),
        ([b'[{"a": [1]}\n', b',\r\n{"b": [2]}'], 2),
        ([encode_sse(ONE), b"data: [DONE]\r\n\r\n"], 1),
        ([ONE], 1),
        ([], 0),
    ],
    ids=[
        "crlf",
        "lf",
        "cr",
        "without-the-last-blank-line",
        "raw-error",
        "array",
        "compact-array",
        "array-cut-short",
        "done",
        "object",
        "empty",
    ],
)
def test_events_end_after_their_last_byte(parts: list[bytes], count: int) -> None:
    """An event ends after its blank line or its element's line in an array. A closing bracket is not an event."""
    ends, at = [], 0
    for part in parts[:count]:
        at += len(part)
        ends.append(at)
    assert lay_out(b"".join(parts)).ends == tuple(ends)


def test_comments_between_events_belong_to_the_next_event() -> None:
    """So a cut at the end of an event comes as early as possible."""
    first, second = encode_sse(ONE), b": keep-alive\r\n\r\n" + encode_sse(TWO)
    assert lay_out(first + second).ends == (len(first), len(first + second))
