"""A parser tells that the connection was lost: half an answer must not look like a whole one."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_replay import fuzz, parse_stream
from gemini_replay.fuzz import serve
from gemini_replay.fuzz.command import Command
from gemini_replay.fuzz.lost import unnoticed
from gemini_replay.fuzz.target import FuzzTarget
from gemini_replay.gemini import aparse_stream

HIDING = f"""
import sys
sys.path.insert(0, {str(Path(serve.__file__).parent)!r})
from serve import serve
import json

def parse(chunks):
    for block in b"".join(chunks).split(bytes([13, 10, 13, 10])):
        if block:
            yield json.loads(block.removeprefix(b"data: "))

serve(parse)
"""


def right(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(chunks):
        yield event.json


def right_list(chunks: Iterable[bytes]) -> list[Any]:
    return list(right(chunks))


async def right_asynchronously(chunks: Any) -> AsyncIterator[Any]:
    async for event in aparse_stream(chunks):
        yield event.json


def with_its_own_error(chunks: Iterable[bytes]) -> Iterator[Any]:
    try:
        yield from right(chunks)
    except OSError as error:
        raise RuntimeError("the answer is not complete") from error


def with_an_event_of_its_own(chunks: Iterable[bytes]) -> Iterator[Any]:
    try:
        yield from right(chunks)
    except OSError as error:
        yield {"error": str(error)}


def hiding(chunks: Iterable[bytes]) -> Iterator[Any]:
    with contextlib.suppress(OSError):
        yield from right(chunks)


async def hiding_asynchronously(chunks: Any) -> AsyncIterator[Any]:
    with contextlib.suppress(OSError):
        async for value in right_asynchronously(chunks):
            yield value


def hiding_list(chunks: Iterable[bytes]) -> list[Any]:
    return list(hiding(chunks))


@pytest.mark.parametrize("array", [False, True], ids=["sse", "array"])
@pytest.mark.parametrize(
    "parse",
    [right, right_list, right_asynchronously, with_its_own_error, with_an_event_of_its_own],
    ids=lambda one: one.__name__,
)
def test_a_parser_that_tells_is_not_accused(parse: Callable[..., Any], array: bool) -> None:
    """By the source's error, an error of its own, or a value that is no event of the stream."""
    with FuzzTarget(parse) as target:
        assert unnoticed(target, array=array) is None


@pytest.mark.parametrize("profile", ["gemini", "json-array"])
@pytest.mark.parametrize("parse", [hiding, hiding_list, hiding_asynchronously], ids=lambda one: one.__name__)
def test_a_parser_that_hides_it_has_a_bug(parse: Callable[..., Any], profile: str) -> None:
    """The report says so, and does not speak of a cut; the test to keep tries the check again."""
    with pytest.raises(fuzz.ParserBug) as caught:
        fuzz.check_parser(parse, profile=profile)
    bug = caught.value
    assert bug.kind == "hides"
    assert "ends as usual when the connection is lost" in str(bug)
    assert "cut: " not in str(bug)
    assert bug.kept_test is not None
    assert f'classes=["{bug.case}"]' in bug.kept_test


def test_a_source_in_another_process_cannot_fail(tmp_path: Path) -> None:
    """So nothing is said about a command."""
    (tmp_path / "hiding.py").write_text(HIDING, encoding="utf-8")
    with Command([sys.executable, str(tmp_path / "hiding.py")]) as parse:
        (result,) = fuzz.survey(parse, profiles=["gemini"], classes=["lost-connection"]).results
    assert result.verdict == "behaviour"
    assert "another process" in result.behaviour


def in_a_thread(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Reads ahead in a thread, and an error of the source ends only the thread."""
    waiting: queue.Queue[bytes | None] = queue.Queue()

    def read() -> None:
        try:
            for chunk in chunks:
                waiting.put(chunk)
        finally:
            waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    yield from right(iter(waiting.get, None))  # type: ignore[arg-type]  # None ends it


def test_a_played_error_that_ends_a_thread_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its traceback would look like a fault of the kit; the hook is as before afterwards."""
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    hook = threading.excepthook
    with FuzzTarget(in_a_thread) as target:
        found = unnoticed(target, array=False)
    assert found is not None
    assert (told, threading.excepthook) == ([], hook)
