"""Ways to use a parser besides reading one stream to its end."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest

from gemini_replay.fuzz.target import FuzzTarget, is_played
from gemini_replay.fuzz.uses import broken_off, first_only, in_threads, in_turns

CHUNKS = [b"a", b"b", b"c"]


class Told:
    """Parsers that return each chunk, and note what happens to them."""

    def __init__(self) -> None:
        self.notes: list[Any] = []

    def sync(self, chunks: Iterable[bytes]) -> Iterator[Any]:
        try:
            for chunk in chunks:
                self.notes.append(chunk)
                yield chunk
        except BaseException as error:
            self.notes.append(type(error))
            raise

    async def asynchronous(self, chunks: Any) -> AsyncIterator[Any]:
        try:
            async for chunk in chunks:
                self.notes.append(chunk)
                yield chunk
        except BaseException as error:
            self.notes.append(type(error))
            raise


@pytest.fixture(params=["sync", "asynchronous"])
def told(request: pytest.FixtureRequest) -> Iterator[tuple[FuzzTarget, list[Any]]]:
    """A parser that has read a stream, and what it notes from then on."""
    notes = Told()
    with FuzzTarget(getattr(notes, request.param)) as target:
        target.run(CHUNKS)
        notes.notes.clear()
        yield target, notes.notes


def test_a_lost_connection_raises_where_the_next_chunk_is_asked_for(told: tuple[FuzzTarget, list[Any]]) -> None:
    """After all chunks that have come."""
    target, notes = told
    output = broken_off(target, CHUNKS[:2])
    assert (output.values, type(output.error)) == (CHUNKS[:2], ConnectionError)
    assert is_played(output.error)
    assert notes == [*CHUNKS[:2], ConnectionError]


def test_a_lost_connection_raises_the_given_error(told: tuple[FuzzTarget, list[Any]]) -> None:
    """Of this very class, since a parser may catch only that; a new one each time."""
    target, notes = told
    errors = [broken_off(target, CHUNKS[:1], TimeoutError).error for _ in range(2)]
    assert [type(error) for error in errors] == [TimeoutError, TimeoutError]
    assert errors[0] is not errors[1]
    assert notes == [CHUNKS[0], TimeoutError] * 2


def test_a_stream_that_is_closed_ends_after_its_first_value(told: tuple[FuzzTarget, list[Any]]) -> None:
    """The parser sees a GeneratorExit, and nothing comes after it."""
    target, notes = told
    output = first_only(target, CHUNKS, close=True)
    assert (output.values, output.error) == ([b"a"], None)
    assert notes == [b"a", GeneratorExit]


def test_streams_in_turns_overlap(told: tuple[FuzzTarget, list[Any]]) -> None:
    """Each begins before the other ends, and each gets its own."""
    target, notes = told
    one, other = in_turns(target, (CHUNKS, [b"1", b"2", b"3"]))
    assert (one.values, other.values) == (CHUNKS, [b"1", b"2", b"3"])
    assert notes.index(b"1") < notes.index(b"c")
    assert notes.index(b"a") < notes.index(b"3")


def read_in_threads(parse: Callable[..., Any]) -> list[Any]:
    with FuzzTarget(parse) as target:
        return [output.values for output in in_threads(target, (CHUNKS, [b"1", b"2", b"3"]))]


def test_streams_in_threads_take_turns() -> None:
    """Two threads, in which each chunk waits for one of the other."""
    threads: list[int] = []

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        for chunk in chunks:
            threads.append(threading.get_ident())
            yield chunk

    assert read_in_threads(parse) == [CHUNKS, [b"1", b"2", b"3"]]
    assert len(set(threads)) == 2
    assert set(threads[:2]) == set(threads[-2:]) == set(threads)


def test_an_error_of_the_whole_is_one_of_each_stream() -> None:
    """Such as one that the parser raises before it returns anything."""

    def parse(chunks: Iterable[bytes]) -> list[Any]:
        raise KeyError("x")

    with FuzzTarget(parse) as target:
        assert [type(output.error) for output in in_turns(target, (CHUNKS, CHUNKS))] == [KeyError, KeyError]
