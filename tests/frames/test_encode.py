"""The encoder of SSE, and the values that SSE cannot carry."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.errors import UsageError
from gemini_replay.frames import SSEDecoder, encode_sse


def test_all_fields_and_several_lines() -> None:
    """Each line of the payload is a data line."""
    wire = encode_sse("1\r\n 2\r\r3", newline="\n", event="e", id="7", retry=0, space=False)
    assert wire == b"event:e\nid:7\nretry:0\ndata:1\ndata:  2\ndata:\ndata:3\n\n"


@pytest.mark.parametrize(
    "settings", [{"event": "a\nb"}, {"id": "a\rb"}, {"id": "\0"}, {"retry": -1}, {"newline": "\v"}]
)
def test_values_that_sse_cannot_carry_are_refused(settings: dict[str, Any]) -> None:
    """The encoder refuses values that a decoder would read differently."""
    with pytest.raises(UsageError, match=next(iter(settings))):
        encode_sse("x", **settings)


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
def test_encoded_events_decode_to_the_same_values(blocks: list[tuple[Any, ...]]) -> None:
    """This holds for any data, type, id and retry time, and for any line ends, which may differ between blocks."""
    decoder, expected, id_, retry, wire = SSEDecoder(), [], "", None, b""
    for data, newline, event, new_id, new_retry, space in blocks:
        block = encode_sse(data, newline=newline, event=event, id=new_id, retry=new_retry, space=space)
        # The comment separates an LF from a CR that ended the block before.
        wire += b":\n" + block
        id_ = id_ if new_id is None else new_id
        retry = retry if new_retry is None else new_retry
        expected.append((data, event or "message", id_, retry))
    frames = decoder.feed(wire) + decoder.close()
    assert [(frame.data, frame.event, frame.id, frame.retry) for frame in frames] == expected
