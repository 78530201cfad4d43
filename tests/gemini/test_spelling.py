"""JSON, events and errors in Google's spelling, byte for byte."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.frames import JSONArrayDecoder, encode_sse
from gemini_replay.gemini.error_objects import detail, encode_error, error
from gemini_replay.gemini.spelling import dumps, encode_array, pretty


def test_json_on_one_line_in_googles_style() -> None:
    """There is a space after colons, none after commas; text is raw UTF-8, but angle brackets are escaped."""
    assert dumps({"a": [1, {"b": "é<好>"}], "c": None}) == '{"a": [1,{"b": "é\\u003c好\\u003e"}],"c": null}'


def test_a_lone_surrogate_is_escaped() -> None:
    """A lone surrogate cannot be written in UTF-8."""
    assert dumps("\ud83d.\udc00🙂").encode() == '"\\ud83d.\\udc00🙂"'.encode()


def test_an_event_as_google_sends_it() -> None:
    """An event is one data line with CRLF line ends."""
    assert encode_sse(dumps({"a": 1})) == b'data: {"a": 1}\r\n\r\n'


def test_an_array_as_google_sends_it() -> None:
    """There is one chunk for each element, and one for the closing bracket, which has no line end."""
    chunks = encode_array([pretty({"a": 1}), pretty({"b": []})])
    assert chunks == [b'[{\n  "a": 1\n}\n', b',\r\n{\n  "b": []\n}\n', b"]"]
    assert encode_array([]) == [b"[]"]


def test_an_error_as_google_sends_it() -> None:
    """An error is raw, pretty-printed JSON with LF line ends."""
    wire = encode_error(error(429, "slow <down>", detail("RetryInfo")))
    assert wire.startswith(b'{\n  "error": {\n    "code": 429,\n    "message": "slow \\u003cdown\\u003e",\n')
    assert wire.endswith(b"\n  }\n}\n")
    assert json.loads(wire)["error"]["details"] == [detail("RetryInfo")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=4), st.sampled_from([dumps, pretty]))
def test_an_encoded_array_decodes_to_the_same_values(values: list[Any], style: Any) -> None:
    """This holds for any JSON values, in either style."""
    texts = [style(value) for value in values]
    decoder = JSONArrayDecoder(strict=True)
    frames = [frame for chunk in encode_array(texts) for frame in decoder.feed(chunk)] + decoder.close()
    assert [frame.data for frame in frames] == texts
    assert [json.loads(text) for text in texts] == values
