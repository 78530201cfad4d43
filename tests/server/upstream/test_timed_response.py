"""Steps of a scenario are turned into timed bytes."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from gemini_replay.server.upstream.scenarios.instructions import (
    Close,
    Instruction,
    Message,
    Raw,
    Reset,
    Wait,
)
from gemini_replay.server.upstream.timed_response import merged, timed_response

ERROR = {"error": {"code": 503}}


def test_the_first_wait_is_the_heads() -> None:
    """Waits add up to absolute times. The first one is the time to the head."""
    plan = timed_response([Wait(0.5), Wait(0.1), Raw(b"a"), Wait(0.2), Raw(b"b"), Wait(1)], "raw")
    assert plan.head_at == 0.5
    assert plan.chunks == ((pytest.approx(0.6), b"a"), (pytest.approx(0.8), b"b"))
    assert plan.end_at == pytest.approx(1.8)


def test_pieces_are_chunks_with_gaps_between() -> None:
    """An event in pieces takes a gap before each piece but the first; empty pieces are left out."""
    step = Message({"a": 1}, lambda data: [data[:3], b"", data[3:]], 0.5)
    plan = timed_response([step], "sse")
    assert [at for at, _ in plan.chunks] == [0.0, 0.5]
    assert b"".join(data for _, data in plan.chunks) == b'data: {"a": 1}\r\n\r\n'


@pytest.mark.parametrize(
    ("framing", "expected"),
    [
        ("sse", [b'data: {"a": "\\u003c"}\r\n\r\n', b'{\n  "error": {\n    "code": 503\n  }\n}\n']),
        (
            "json-array",
            [
                b'[{\n  "a": "\\u003c"\n}\n',
                b',\r\n{\n  "error": {\n    "code": 503\n  }\n}\n',
                b"]",
            ],
        ),
        (
            "gateway-plain",
            [
                b'data: {"sdkHttpResponse":{"headers":{"content-type":"text/event-stream"}},"a":"<"}\n\n',
                b'data: {"error":{"code":503}}\n\n',
            ],
        ),
        ("object", [b'{\n  "a": "\\u003c"\n}\n', b'{\n  "error": {\n    "code": 503\n  }\n}\n']),
    ],
)
def test_framings(framing: Any, expected: list[bytes]) -> None:
    """An event and an error in each framing, byte for byte."""
    plan = timed_response([Message({"a": "<"}), Message(ERROR)], framing)
    assert [data for _, data in plan.chunks] == expected


@pytest.mark.parametrize("framing", ["json-array", "gateway"])
@pytest.mark.parametrize(("ending", "end"), [(Reset(), "reset"), (Close(), "closed")])
def test_a_body_that_breaks_off_is_not_closed(framing: Any, ending: Instruction, end: str) -> None:
    """After a break, neither a closing bracket nor [DONE] nor a later step comes."""
    plan = timed_response([Message({}), Wait(1), ending, Message({"late": 1})], framing)
    assert (plan.end, plan.end_at, len(plan.chunks)) == (end, 1.0, 1)


def test_an_array_without_events_is_empty_brackets() -> None:
    """A stream without events is still a JSON array."""
    assert b"".join(data for _, data in timed_response([], "json-array").chunks) == b"[]"


def test_gzip_of_a_broken_body_has_no_trailer() -> None:
    """The bytes before a break can be decompressed; the end of the gzip stream is missing."""
    plan = timed_response([Message({"a": 1}), Reset()], "json-array", gzip=True)
    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(plan.chunks[0][1]) == b'[{\n  "a": 1\n}\n'
    assert not unpacker.eof
    assert plan.headers == (("content-encoding", "gzip"),)


def _said(text: str, **more: Any) -> Message:
    return Message({"candidates": [{"content": {"parts": [{"text": text, **more}]}}]})


def test_merged_joins_texts_of_one_kind() -> None:
    """Thoughts and text stay apart; a final signature is kept; all waits come first."""
    steps = [Wait(1), _said("a", thought=True), _said("b"), Wait(2), _said("c"), _said("", sig="x")]
    wait, message = merged(steps)
    assert wait == Wait(3)
    assert isinstance(message, Message)
    assert message.json["candidates"][0]["content"]["parts"] == [
        {"text": "a", "thought": True},
        {"text": "bc", "sig": "x"},
    ]


def test_merged_breaks_in_its_middle() -> None:
    """A broken stream is a broken unary answer."""
    *_, raw, ending = merged([_said("abc"), Reset()])
    assert isinstance(raw, Raw)
    assert not raw.data.endswith(b"}")
    assert ending == Reset()
