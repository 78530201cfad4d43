"""Rechunking: the same bytes with other boundaries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.cassette.model import Chunk, Interaction, Request, Response
from gemini_replay.engine.rechunking import parse_rechunk, recut
from gemini_replay.errors import UsageError
from gemini_replay.frames import encode_sse

EVENTS = [encode_sse('{"text": "你好"}'), encode_sse('{"text": "b"}'), encode_sse('{"text": "c"}')]
CHUNKS = (Chunk(0.0, EVENTS[0][:9]), Chunk(0.5, EVENTS[0][9:] + EVENTS[1]), Chunk(0.25, EVENTS[2]))


def holding(chunks: tuple[Chunk, ...]) -> Interaction:
    return Interaction(Request("POST", "https://example.org/"), Response(200), chunks)


def cut(how: str | int | None, chunks: tuple[Chunk, ...] = CHUNKS) -> list[tuple[float, bytes]]:
    return [(chunk.after, chunk.data) for chunk in parse_rechunk(how).apply(holding(chunks))]


def test_as_recorded_is_the_default() -> None:
    """Without rechunking, all chunks stay, empty ones too."""
    chunks = (*CHUNKS, Chunk(0.1, b""))
    assert cut(None, chunks) == cut("recorded", chunks) == [(chunk.after, chunk.data) for chunk in chunks]


def test_events_come_whole_and_alone() -> None:
    """Each event comes as one chunk, at the moment when its last byte was recorded."""
    assert cut("events") == [(0.5, EVENTS[0]), (0.0, EVENTS[1]), (0.25, EVENTS[2])]


def test_bytes_are_due_when_they_were_recorded() -> None:
    """All bytes of one recorded chunk are due at once."""
    made = cut("bytes")
    assert [data for _, data in made] == [bytes([one]) for one in b"".join(EVENTS)]
    assert [(n, after) for n, (after, _) in enumerate(made) if after] == [
        (9, 0.5),
        (len(EVENTS[0] + EVENTS[1]), 0.25),
    ]


@pytest.mark.parametrize(("how", "size"), [(7, 7), ("7", 7), ("tcp", 1460)])
def test_a_size_ignores_events_and_chunks(how: str | int, size: int) -> None:
    """Every chunk but the last has this size, and comes when its last byte was recorded."""
    chunks = tuple(Chunk(0.125, b"x" * 700) for _ in range(9))
    made = cut(how, chunks)
    assert {len(data) for _, data in made[:-1]} == {size}
    assert sum(after for after, _ in made) == 9 * 0.125
    due = 0.0
    for number, (after, _) in enumerate(made, 1):
        due += after
        assert due == 0.125 * -(-min(number * size, 6300) // 700)


def test_random_is_the_same_for_the_same_seed() -> None:
    """The same seed gives the same chunks, another seed gives others, and some chunks are small."""
    chunks = (Chunk(0.0, bytes(200_000)),)
    assert cut("random", chunks) == cut("random:0", chunks) != cut("random:1", chunks)
    sizes = [len(data) for _, data in cut("random:7", chunks)]
    assert min(sizes) < 4
    assert max(sizes) > 1000


@given(
    st.lists(st.tuples(st.integers(0, 8), st.binary(max_size=6)), max_size=8),
    st.lists(st.integers(0, 40), unique=True).map(sorted),
)
def test_bytes_and_time_are_kept(spelled: list[tuple[int, bytes]], cuts: list[int]) -> None:
    """Wherever chunks are cut, no byte is lost, none is early, and the last is not late."""
    chunks = [Chunk(after / 8, data) for after, data in spelled]
    made = recut(chunks, cuts)
    assert b"".join(chunk.data for chunk in made) == b"".join(chunk.data for chunk in chunks)
    assert sum(chunk.after for chunk in made) == sum(chunk.after for chunk in chunks)

    def due(those: list[Chunk]) -> list[float]:
        moments, now = [], 0.0
        for chunk in those:
            now += chunk.after
            moments += [now] * len(chunk.data)
        return moments

    assert all(new >= old for new, old in zip(due(list(made)), due(chunks), strict=True))


@pytest.mark.parametrize("how", ["byte", "evnts", 0, -1, True, "tcp:3", "random:x", "0", ""])
def test_unknown_values_for_rechunk_are_refused(how: str | int) -> None:
    """The error lists all values that are possible."""
    with pytest.raises(UsageError, match="Unknown value for rechunk") as caught:
        parse_rechunk(how)
    assert "random:SEED" in str(caught.value)


def test_members_and_coded_bytes_stay_at_their_bytes() -> None:
    """However a compressed body is cut, each member begins at the same byte, and coded bytes come last."""
    chunks = (Chunk(0.0, b"abc", (2,)), Chunk(0.5, b"def", (0, 3), b"?"), Chunk(0.25, b"", (), b"!"))
    made = parse_rechunk(2).apply(holding(chunks))
    assert [(chunk.data, chunk.members, chunk.coded) for chunk in made] == [
        (b"ab", (), b""), (b"cd", (0, 1), b""), (b"ef", (), b""), (b"", (0,), b"?"), (b"", (), b"!")
    ]  # fmt: skip
    assert sum(chunk.after for chunk in made) == 0.75
