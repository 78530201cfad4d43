"""The chunkings of a body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.fuzz.cuts import (
    BUDGET,
    IN_A_CLASS,
    IN_ALL,
    Places,
    chunkings,
    every,
    hot_offsets,
    place,
    repeated,
    split,
)

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


def test_there_are_runs_of_empty_chunks() -> None:
    """A few in a row and very many, before the body, within it, and after each event."""
    found = [split(BODY * 2, cuts) for _, cuts in chunkings(BODY * 2, "runs of empty chunks")]
    assert any(chunks[:4] == (b"",) * 4 for chunks in found)
    assert any(chunks.count(b"") > 1000 for chunks in found)
    assert any(chunks[0] == BODY and chunks[1:4] == (b"",) * 3 for chunks in found)


def test_an_empty_body_has_no_chunks() -> None:
    """Nor one that is empty, unless it is cut."""
    assert split(b"", ()) == ()
    assert split(b"", (0,)) == (b"", b"")


def test_sizes_are_repeated() -> None:
    """In order, to the end of the body."""
    assert split(b"abcdefgh", repeated((3, 1), 8)) == (b"abc", b"d", b"efg", b"h")
    assert repeated((), 8) == ()
    assert repeated((4,), 8) == (4,)


def test_a_place_is_cut_until_it_is_known() -> None:
    """Between bytes that look alike: twice in a class, ten times in all; what differs is another place."""
    places = Places()
    letters = [places.is_new(body, "one cut", (5,)) for body in (b"abcdefghij", b"ABCDEFGHIJ", b"zzzzzzzzzz")]
    assert letters == [True] * IN_A_CLASS + [False]
    assert places.is_new(b"abcde\nghij", "one cut", (5,))
    assert places.is_new(b"abcdefghij", "two cuts", (5, 6))
    for _ in range(IN_ALL):
        places.begin()
        places.is_new(b"abcdefghij", "one cut", (5,))
    places.begin()
    assert not places.is_new(b"abcdefghij", "one cut", (5,))


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
