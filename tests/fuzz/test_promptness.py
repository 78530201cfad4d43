"""Promptness is judged by what a consumer sees, however early the parser asks for chunks."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections import UserList, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest

from gemini_replay import StreamParser, parse_stream
from gemini_replay.fuzz.promptness import promptness
from gemini_replay.fuzz.target import FuzzTarget, name_of


def in_a_thread(chunks: Iterable[bytes], size: int = 1) -> Iterator[bytes]:
    """Chunks that a thread reads ahead."""
    waiting: queue.Queue[bytes | None] = queue.Queue(maxsize=size)

    def read() -> None:
        for chunk in chunks:
            waiting.put(chunk)
        waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    yield from iter(waiting.get, None)  # type: ignore[misc]  # None ends it


def one_ahead(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Each chunk once the next one has come."""
    held: bytes | None = None
    for chunk in chunks:
        if held is not None:
            yield held
        held = chunk
    if held is not None:
        yield held


def threaded(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(in_a_thread(chunks)):
        yield event.json


def threaded_far_ahead(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(in_a_thread(chunks, size=0)):
        yield event.json


def threaded_and_late(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(one_ahead(in_a_thread(chunks))):
        yield event.json


def late(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(one_ahead(chunks)):
        yield event.json


async def in_a_task(chunks: Any) -> AsyncIterator[Any]:
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def read() -> None:
        async for chunk in chunks:
            await waiting.put(chunk)
        await waiting.put(None)

    task = asyncio.ensure_future(read())
    parser = StreamParser()
    while (chunk := await waiting.get()) is not None:
        for event in await asyncio.to_thread(lambda data=chunk: list(parser.feed(data))):
            yield event.json
    await task


@pytest.mark.parametrize("parse", [threaded, threaded_far_ahead, in_a_task], ids=name_of)
def test_a_parser_that_reads_ahead_is_in_time(parse: Callable[..., Any]) -> None:
    """The next chunk arrives once the event has come out."""
    with FuzzTarget(parse) as target:
        assert promptness(target, array=False).chunks == ()


@pytest.mark.parametrize("parse", [late, threaded_and_late], ids=name_of)
def test_a_parser_that_needs_the_next_chunk_is_late(parse: Callable[..., Any]) -> None:
    """In a thread as well."""
    with FuzzTarget(parse) as target:
        found = promptness(target, array=False)
    assert [json.loads(chunk[6:]) for chunk in found.chunks[: len(found.due)]] == list(found.due)
    assert (len(found.due), found.out) == (1, ())


def test_a_parser_that_returns_a_list_is_not_lazy() -> None:
    """It is not judged."""
    with FuzzTarget(lambda chunks: [event.json for event in parse_stream(chunks)]) as target:
        found = promptness(target, array=False)
    assert (found.lazy, found.chunks, target.runs) == (False, (), 1)


def keeps_the_last(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The event with the finish reason comes with the next one."""
    held: list[Any] = []
    for event in parse_stream(chunks):
        yield from held
        held = [event.json] if event.finish_reason else []
        if not held:
            yield event.json
    yield from held


def one_text_late(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Each event with a candidate comes with the next event."""
    held: list[Any] = []
    for event in parse_stream(chunks):
        yield from held
        held = [event.json] if "candidates" in event.json else []
        if not held:
            yield event.json
    yield from held


@pytest.mark.parametrize("array", [False, True], ids=["sse", "array"])
@pytest.mark.parametrize("parse", [keeps_the_last, one_text_late], ids=lambda one: one.__name__)
def test_a_parser_that_keeps_events_of_one_kind_is_late(parse: Callable[..., Any], array: bool) -> None:
    """As some do with the last event of an answer."""
    with FuzzTarget(parse) as target:
        found = promptness(target, array=array)
    assert len(found.out) < len(found.due)


@pytest.mark.parametrize(
    "container",
    [list, tuple, deque, UserList, lambda values: dict(enumerate(values)).values()],
    ids=["list", "tuple", "deque", "UserList", "values"],
)
def test_a_container_comes_at_the_end(container: Callable[[Iterable[Any]], Any]) -> None:
    """Whatever it is, all its events are there at once, so none of them is late."""
    with FuzzTarget(lambda chunks: container(event.json for event in parse_stream(chunks))) as target:
        found = promptness(target, array=False)
    assert not found.lazy
    assert not found.chunks
