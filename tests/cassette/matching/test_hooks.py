"""Functions in `match` and `normalize`: their arguments, their effect, and the errors if they fail."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.requests_asked import asks, prompt

from gemini_replay import Cassette, Request
from gemini_replay.cassette.matching import Matcher, Pool, lines
from gemini_replay.cassette.model import Chunk, End, Interaction, Response
from gemini_replay.errors import HookError, UsageError

UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f-]{27}")


def without_ids(request: Request) -> Request:
    return replace(request, body=UUID.sub(b"ID", request.body))


def same_length(recorded: Request, asked: Request) -> bool | str:
    return len(recorded.body) == len(asked.body) or f"{len(recorded.body)} bytes\nand {len(asked.body)}"


def about(number: int) -> Request:
    return asks({"id": f"0000000{number}-0000-0000-0000-000000000000", "text": "hi"})


def pool(path: Path, matcher: Matcher, *requests: Request, repeat: bool = False) -> Pool:
    Cassette([Interaction(one, Response(200), (Chunk(0.0, b"x"),), End()) for one in requests]).save(path)
    made = Pool(matcher, repeat=repeat)
    made.load(path)
    return made


def numbers(made: Pool, *asked: Request) -> list[int | None]:
    return [None if taken is None else taken.number for taken in map(made.take, asked)]


def test_requests_are_compared_as_they_are_normalized() -> None:
    """Both the recorded and the asked request are normalized first."""
    matcher = Matcher(normalize=without_ids)
    assert matcher.matches(about(1), about(2))
    assert not Matcher().matches(about(1), about(2))
    assert lines(matcher.differences(about(1), asks({"id": "x", "text": "hi"}))) == [
        'body.id: recorded "ID", asked "x"'
    ]


def test_fields_are_ignored_after_normalizing() -> None:
    """`ignore` and `normalize` work together: ignored fields are removed from the normalized request."""
    matcher = Matcher(normalize=without_ids, ignore=["body.text"])
    assert matcher.matches(about(1), asks({"id": "ID"}))


def test_a_function_decides_about_requests_whose_named_keys_agree(tmp_path: Path) -> None:
    """The function is called with the recorded and the asked request, and only for pairs whose named keys agree."""
    asked: list[tuple[bytes, bytes]] = []

    def later(recorded: Request, asked_one: Request) -> bool:
        asked.append((recorded.body, asked_one.body))
        return recorded.body < asked_one.body

    matcher = Matcher(["method", later])
    one, two, three = (asks(text) for text in (b"1", b"2", b"3"))
    made = pool(tmp_path / "story.jsonl", matcher, two, replace(one, method="GET"), one)
    assert numbers(made, one, two, two, three) == [None, 2, None, 0]
    assert (b"1", b"1") in asked
    assert {recorded for recorded, _ in asked} == {b"1", b"2"}
    assert ("GET", b"1") not in asked


@pytest.mark.parametrize("repeat", [False, True])
def test_equal_recordings_still_play_in_order(tmp_path: Path, repeat: bool) -> None:
    """With a matching function, equal recordings play in order, and start again with `repeat`."""
    made = pool(tmp_path / "story.jsonl", Matcher([same_length]), *map(asks, (b"1", b"22", b"3")), repeat=repeat)
    assert numbers(made, *map(asks, (b"a", b"b", b"c"))) == [0, 2, 0 if repeat else None]


def test_a_miss_says_why_a_function_does_not_agree() -> None:
    """The miss shows what the function returned, on one line. The function is called only if the named keys agree."""
    matcher = Matcher(["method", same_length])
    assert lines(matcher.differences(asks(b"1"), asks(b"22"))) == ["same_length: 1 bytes and 2"]
    assert lines(matcher.differences(asks(b"1", method="GET"), asks(b"22"))) == [
        'method: recorded "GET", asked "POST"'
    ]
    never = Matcher([lambda recorded, asked: False])
    assert lines(never.differences(asks(b"1"), asks(b"1")))[0].endswith("it returned False")


def test_an_exception_is_an_error_that_names_the_function_and_the_line() -> None:
    """The exception is the error's cause; its traceback begins in the function."""

    def broken(recorded: Request, asked: Request) -> bool:
        return bool(recorded.json["contents"] == asked.json["contents"])

    line = sys._getframe().f_lineno - 2
    with pytest.raises(HookError) as caught:
        Matcher([broken]).matches(asks({}), asks(prompt("x")))
    assert re.search(r"broken, which the setting match names, raised KeyError: 'contents'", str(caught.value))
    assert f"{__file__}:{line}" in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)
    trace = caught.value.__cause__.__traceback__
    assert trace is not None
    assert trace.tb_frame.f_code is broken.__code__


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"keys": [lambda recorded, asked: None]}, "match.*None.*True, False"),
        ({"keys": [lambda recorded, asked: 1]}, "match.*returned 1.*True, False"),
        ({"normalize": lambda request: request.body}, "normalize.*Request"),
        ({"normalize": lambda request: None}, "normalize.*None.*Request"),
    ],
)
def test_a_wrong_return_value_of_a_function_is_an_error(settings: Any, words: str) -> None:
    """The error says what the function returned and what it may return."""
    with pytest.raises(HookError, match=f"(?s){words}"):
        Matcher(**settings).matches(asks(), asks())


@pytest.mark.parametrize(
    "settings",
    [
        {"keys": [lambda: True]},
        {"keys": ["body", lambda recorded: True]},
        {"normalize": lambda: None},
        {"normalize": lambda one, other: one},
        {"normalize": "uuid"},
    ],
)
def test_an_unusable_function_is_refused_at_once(settings: Any) -> None:
    """The error comes before any request is made."""
    with pytest.raises(UsageError, match=r"(recorded, asked)|\(request\)"):
        Matcher(**settings)
