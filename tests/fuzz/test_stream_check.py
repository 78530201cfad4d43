"""`check_stream` and `check_bytes`: one stream, without a search."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from gemini_replay import fuzz, parse_stream
from gemini_replay.errors import UsageError

EVENT = b'data: {"a": 1}\r\n\r\n'
ONE = [{"a": 1}]


def right(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(chunks):
        yield event.json


def by_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    for chunk in chunks:
        if chunk.startswith(b"data: ") and chunk.endswith(b"\n"):
            yield json.loads(chunk[6:])


def test_one_result_is_right() -> None:
    """Another is a bug; equal numbers of different kinds are different."""
    fuzz.check_stream(right, [EVENT], one_of=[ONE])
    for wrong in ([], [{"a": 1.0}], [{"a": True}]):
        with pytest.raises(fuzz.ParserBug):
            fuzz.check_stream(right, [EVENT], one_of=[wrong])


def test_of_several_results_the_cut_may_not_choose() -> None:
    """What the whole stream gives must come of the chunks as well."""
    fuzz.check_stream(by_chunk, [EVENT], one_of=[ONE, []])
    with pytest.raises(fuzz.ParserBug, match="only at a cut"):
        fuzz.check_stream(by_chunk, [EVENT[:3], EVENT[3:]], one_of=[ONE, []])


def test_any_bytes_are_judged_by_accidents_and_cuts() -> None:
    """A documented error is none."""

    def accident(chunks: Iterable[bytes]) -> Iterator[Any]:
        for event in right(chunks):
            yield event["b"]

    fuzz.check_bytes(right, b"data: nonsense\n\n{")
    fuzz.check_bytes(right, b"")
    with pytest.raises(fuzz.ParserBug, match="by accident"):
        fuzz.check_bytes(accident, EVENT)
    fuzz.check_bytes(accident, EVENT, documented=KeyError)
    with pytest.raises(fuzz.ParserBug, match="only at a cut"):
        fuzz.check_bytes(by_chunk, EVENT)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"chunks": b"text"}, "chunks is"),
        ({"chunks": ["text"]}, "chunks is"),
        ({"after": [b"x"]}, "after is"),
        ({"times": 0}, "times is"),
        ({"may_raise": 1}, "may_raise is"),
    ],
)
def test_wrong_arguments_are_named(options: dict[str, Any], said: str) -> None:
    """Before anything runs."""
    with pytest.raises(UsageError, match=said):
        fuzz.check_stream(right, **{"chunks": [EVENT], **options})
