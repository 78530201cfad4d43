"""What is shown of a bug can be copied and run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.fuzz.literals import list_literal, literal, picture, short

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values | st.binary() | st.binary(max_size=3).map(lambda one: one * 90))
def test_a_literal_is_the_value(value: Any) -> None:
    """Evaluated, it is what it was."""
    assert eval(literal(value)) == value


EVENTS = b'data: {"responseId": "aaaaaaaaaaaaaaaaaaaa"}\r\n\r\n' * 2000


@pytest.mark.parametrize(
    "value",
    [b"data: " + b"x" * 1_000_000 + b"\r\n\r\n", "ab" * 50_000, "iVBORw0KGgo/" * 50_000, [b"\0" * 9999] * 3, EVENTS],
)
def test_a_literal_is_short(value: Any) -> None:
    """Runs are written as products."""
    assert len(literal(value)) < 100
    assert eval(literal(value)) == value


@given(st.lists(st.binary(max_size=90), max_size=5))
def test_a_list_of_chunks_is_a_literal_too(chunks: list[bytes]) -> None:
    """On one line, or on one for each chunk."""
    assert eval(list_literal(chunks)) == chunks


def test_a_picture_marks_each_cut() -> None:
    """Below the stream, and says where it falls."""
    assert picture([b"data: \xe4", b"\xbd\xa0\r", b"\n"]).splitlines() == [
        r"data: \xe4┃\xbd\xa0\r┃\n",
        "          ▲ within the 3-byte character '你' (byte 7)",
        "                     ▲ between CR and LF (byte 10)",
    ]


def test_values_that_are_nested_too_deeply_are_not_shown() -> None:
    """They are counted."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert short([deep]) == "1 values, nested too deeply to show"
