"""The encoder: Google's styles to the byte, and what SSE cannot carry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.errors import UsageError
from gemini_replay.frames import JSONArrayDecoder, SSEDecoder, encode_sse
from gemini_replay.gemini.error_objects import detail, encode_error, error
from gemini_replay.gemini.spelling import dumps, encode_array, pretty


def test_json_on_one_line_in_googles_style() -> None:
    """A space behind colons, none behind commas, raw UTF-8, angle brackets escaped."""
    assert dumps({"a": [1, {"b": "é<好>"}], "c": None}) == '{"a": [1,{"b": "é\\u003c好\\u003e"}],"c": null}'


def test_a_lone_surrogate_is_escaped() -> None:
    """It has no UTF-8."""
    assert dumps("\ud83d.\udc00🙂").encode() == '"\\ud83d.\\udc00🙂"'.encode()


def test_an_event_as_google_sends_it() -> None:
    """One data line, CRLF."""
    assert encode_sse(dumps({"a": 1})) == b'data: {"a": 1}\r\n\r\n'


def test_all_fields_and_several_lines() -> None:
    """Each line of the payload is a data line."""
    wire = encode_sse("1\r\n 2\r\r3", newline="\n", event="e", id="7", retry=0, space=False)
    assert wire == b"event:e\nid:7\nretry:0\ndata:1\ndata:  2\ndata:\ndata:3\n\n"


@pytest.mark.parametrize(
    "settings", [{"event": "a\nb"}, {"id": "a\rb"}, {"id": "\0"}, {"retry": -1}, {"newline": "\v"}]
)
def test_what_sse_cannot_carry_is_refused(settings: dict[str, Any]) -> None:
    """Instead of being read differently."""
    with pytest.raises(UsageError, match=next(iter(settings))):
        encode_sse("x", **settings)


def test_an_array_as_google_sends_it() -> None:
    """A chunk for each element, and one for the closing bracket, without a line end."""
    chunks = encode_array([pretty({"a": 1}), pretty({"b": []})])
    assert chunks == [b'[{\n  "a": 1\n}\n', b',\r\n{\n  "b": []\n}\n', b"]"]
    assert encode_array([]) == [b"[]"]


def test_an_error_as_google_sends_it() -> None:
    """Pretty-printed, raw, with an LF."""
    wire = encode_error(error(429, "slow <down>", detail("RetryInfo")))
    assert wire.startswith(b'{\n  "error": {\n    "code": 429,\n    "message": "slow \\u003cdown\\u003e",\n')
    assert wire.endswith(b"\n  }\n}\n")
    assert json.loads(wire)["error"]["details"] == [detail("RetryInfo")]


lines = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])),
            st.sampled_from(["\n", "\r", "\r\n"]),
            st.none() | lines,
            st.none() | lines.filter(lambda text: "\0" not in text),
            st.none() | st.integers(0, 10**9),
            st.booleans(),
        )
    )
)
def test_what_was_encoded_is_decoded(blocks: list[tuple[Any, ...]]) -> None:
    """Any data, type, id and time; any line end, each block with its own."""
    decoder, expected, id_, retry, wire = SSEDecoder(), [], "", None, b""
    for data, newline, event, new_id, new_retry, space in blocks:
        block = encode_sse(data, newline=newline, event=event, id=new_id, retry=new_retry, space=space)
        # A comment keeps an LF from joining a CR that ended the block before.
        wire += b":\n" + block
        id_ = id_ if new_id is None else new_id
        retry = retry if new_retry is None else new_retry
        expected.append((data, event or "message", id_, retry))
    frames = decoder.feed(wire) + decoder.close()
    assert [(frame.data, frame.event, frame.id, frame.retry) for frame in frames] == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=4), st.sampled_from([dumps, pretty]))
def test_what_was_encoded_as_array_is_decoded(values: list[Any], style: Any) -> None:
    """Any JSON value, in either style."""
    texts = [style(value) for value in values]
    decoder = JSONArrayDecoder(strict=True)
    frames = [frame for chunk in encode_array(texts) for frame in decoder.feed(chunk)] + decoder.close()
    assert [frame.data for frame in frames] == texts
    assert [json.loads(text) for text in texts] == values
