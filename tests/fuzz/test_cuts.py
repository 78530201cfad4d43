"""The chunkings of a body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.fuzz.cuts import BUDGET, chunkings, every, hot_offsets, place, split

BODY = 'data: {"a": "你😀\\n\\u00e9"}\r\n\r\n'.encode()


@given(st.binary(max_size=400))
def test_every_chunking_joins_to_the_body(body: bytes) -> None:
    """Nothing is lost or moved, and the cut points are sorted."""
    for _, cuts in chunkings(body):
        assert b"".join(split(body, cuts)) == body
        assert list(cuts) == sorted(cuts)


def test_a_short_body_is_cut_everywhere() -> None:
    """Whole, byte by byte, and at each single offset."""
    cuts = {one for _, one in chunkings(BODY)}
    assert () in cuts
    assert every(1, len(BODY)) in cuts
    assert {(at,) for at in range(1, len(BODY))} <= cuts


def test_there_are_empty_chunks_at_both_ends_and_within() -> None:
    """A point that stands twice, or at an end."""
    found = [split(BODY, cuts) for name, cuts in chunkings(BODY, "empty chunks")]
    assert any(chunks[0] == b"" for chunks in found)
    assert any(chunks[-1] == b"" for chunks in found)
    assert any(b"" in chunks[1:-1] for chunks in found)


def test_one_event_in_a_chunk_is_tried() -> None:
    """As it is on the wire, whatever the line ends."""
    for end in (b"\r\n", b"\n", b"\r"):
        events = [b"data: 1" + end * 2, b"data: 2" + end * 2, b"data: 3" + end * 2]
        assert tuple(events) in [split(b"".join(events), cuts) for _, cuts in chunkings(b"".join(events), "lines")]


def test_a_long_body_is_cut_where_it_matters() -> None:
    """The offsets within CRLF, wide characters and escapes come before those within plain text."""
    body = b"x" * 50_000 + BODY + b"y" * 50_000
    singles = [cuts[0] for name, cuts in chunkings(body, "one cut")]
    assert len(singles) <= BUDGET
    assert {50_000 + at for at in hot_offsets(BODY)} <= set(singles)
    assert sum(1 for _ in chunkings(body)) < 2 * BUDGET


@given(st.binary(min_size=1, max_size=3000))
def test_hot_offsets_lie_within(body: bytes) -> None:
    """They are sorted, distinct, and never at an end of the body."""
    offsets = hot_offsets(body)
    assert offsets == sorted(set(offsets))
    assert all(0 < at < len(body) for at in offsets)


@pytest.mark.parametrize(
    ("body", "at", "said"),
    [
        (b"a\r\nb", 2, "between CR and LF"),
        (b"a\r\nb", 3, "after a line end"),
        (b"a\n\nb", 2, "between two line ends"),
        (b"ab\n", 2, "before a line end"),
        (b"data: 1", 2, "within the field name"),
        ("你".encode(), 1, "within the 3-byte character '你'"),
        (b"a\xff\x80\x80b", 2, "within the 3-byte run of bytes that are not UTF-8"),
        (b'"\\u00e9"', 4, "within the escape \\u00e9"),
        (b'{"a"', 1, 'between { and "'),
        (b"a", 0, "before the first byte"),
        (b"a", 1, "after the last byte"),
    ],
)
def test_a_place_is_named(body: bytes, at: int, said: str) -> None:
    """In words that say what the cut goes through."""
    assert place(body, at) == said
