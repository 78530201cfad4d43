"""Whether something of one stream gets into another."""

from __future__ import annotations

import asyncio
import codecs
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest

from gemini_replay import fuzz, parse_stream
from gemini_replay.fuzz import uses, watchdog
from gemini_replay.fuzz.isolation import Leak, isolation
from gemini_replay.fuzz.target import FuzzTarget
from gemini_replay.gemini import aparse_stream


def right(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(chunks):
        yield event.json


async def right_asynchronously(chunks: Any) -> AsyncIterator[Any]:
    async for event in aparse_stream(chunks):
        yield event.json


def right_list(chunks: Iterable[bytes]) -> list[Any]:
    return list(right(chunks))


async def right_list_asynchronously(chunks: Any) -> list[Any]:
    return [value async for value in right_asynchronously(chunks)]


LOCK = threading.Lock()


def one_at_a_time(chunks: Iterable[bytes]) -> list[Any]:
    """Streams wait for each other; that is slow, not wrong."""
    with LOCK:
        return right_list(chunks)


def leak_of(parse: Callable[..., Any], *, array: bool = False) -> Leak | None:
    with FuzzTarget(parse) as target:
        return isolation(target, array=array).leak


@pytest.mark.parametrize("array", [False, True], ids=["sse", "array"])
@pytest.mark.parametrize(
    "parse",
    [right, right_list, right_asynchronously, right_list_asynchronously, one_at_a_time],
    ids=lambda one: one.__name__,
)
def test_a_parser_that_keeps_nothing_is_not_accused(parse: Callable[..., Any], array: bool) -> None:
    """Whether it is a generator or returns a list, sync or async."""
    assert leak_of(parse, array=array) is None


def test_a_parser_that_reads_nothing_right_is_not_judged() -> None:
    """That is a bug of another kind."""
    assert leak_of(lambda chunks: []) is None


DECODER = codecs.getincrementaldecoder("utf-8")("replace")
NAME = [""]


def sharing_a_decoder(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Only the end of a stream resets it."""
    yield from right(DECODER.decode(chunk).encode() for chunk in chunks)
    DECODER.reset()


def sharing_an_event_name(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Only the end of an event resets it."""

    def named() -> Iterator[bytes]:
        for chunk in chunks:
            if b"event: error" in chunk:
                NAME[0] = "error"
            yield chunk

    for value in right(named()):
        if NAME[0]:
            raise ValueError(NAME[0])
        NAME[0] = ""
        yield value


@pytest.mark.parametrize("parse", [sharing_a_decoder, sharing_an_event_name], ids=lambda one: one.__name__)
def test_a_stream_that_is_broken_off_within_a_character_or_an_event_may_leave_nothing(
    parse: Callable[..., Any],
) -> None:
    """A decoder, and fields of the event that has begun."""
    DECODER.reset()
    NAME[0] = ""
    found = leak_of(parse)
    assert found is not None
    assert "ConnectionError" in found.how


def test_two_streams_may_not_share_a_decoder() -> None:
    """One is cut within a character while the other goes on."""
    DECODER.reset()

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        try:
            yield from right(DECODER.decode(chunk).encode() for chunk in chunks)
        finally:
            DECODER.reset()

    found = leak_of(parse)
    assert found is not None
    assert "while another stream was read" in found.how


def test_a_stream_that_is_broken_off_may_leave_nothing() -> None:
    """A buffer that only the end of a stream clears."""
    held: list[Any] = []

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        for value in right(chunks):
            held.append(value)
            yield value
        if len(held) != 3:
            held.clear()
            raise ValueError("more than one stream")
        held.clear()

    found = leak_of(parse)
    assert found is not None
    assert "ValueError: more than one stream" in found.how


def test_streams_that_run_at_the_same_time_are_apart() -> None:
    """A list that the next stream clears."""
    values: list[Any] = []

    def parse(chunks: Iterable[bytes]) -> list[Any]:
        values.clear()
        for value in right(chunks):
            values.append(value)
        return list(values)

    found = leak_of(parse)
    assert found is not None
    assert "in another thread" in found.how


def test_a_leak_is_a_bug_with_a_verdict_of_its_own() -> None:
    """It comes before other bugs, since it would show as one of them, and shows the earlier stream."""
    rest: list[bytes] = []

    def leaking(chunks: Iterable[bytes]) -> Iterator[Any]:
        yield from right([*rest, *chunks])
        rest[:] = [b"data: {"]

    with pytest.raises(fuzz.ParserBug) as caught:
        fuzz.check_parser(leaking)
    bug = caught.value
    assert (bug.case, bug.kind) == ("isolation", "leaks")
    assert "because of another one" in str(bug)
    assert bug.after
    rest.clear()
    (result,) = fuzz.survey(leaking, profiles=["gemini"], classes=["isolation"]).results
    assert (result.verdict, result.kind) == ("bug", "leaks")


def endless(chunks: Iterable[bytes]) -> list[Any]:
    list(chunks)
    while True:
        pass


@pytest.mark.parametrize("loses", ["closed", "broken off"])
def test_a_large_pool_is_used_up(loses: str) -> None:
    """Streams that are closed or broken off give no place back; as many are tried as usual pools have places."""
    places = [100]

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        if not places[0]:
            raise TimeoutError
        places[0] -= 1
        try:
            yield from right(chunks)
        except ConnectionError:
            places[0] += loses == "closed"
            raise
        except GeneratorExit:
            places[0] += loses == "broken off"
            raise
        places[0] += 1

    with FuzzTarget(parse) as target:
        leak = isolation(target, array=False).leak
    assert leak is not None
    assert loses.replace("broken off", "ConnectionError") in leak.how


def test_a_group_of_tasks_that_cannot_be_closed_is_a_bug() -> None:
    """An async generator that yields within one raises a group with GeneratorExit when it is closed."""

    async def parse(chunks: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async with asyncio.TaskGroup():
            for event in parse_stream([chunk async for chunk in chunks]):
                yield event.json

    with pytest.raises(fuzz.ParserBug, match="closing it after its first event: BaseExceptionGroup"):
        fuzz.check_parser(parse, classes=["isolation"])


def test_a_parser_that_does_not_end_is_not_tried_again() -> None:
    """Each such run takes seconds, and other classes find the bug."""
    with FuzzTarget(endless) as target:
        assert target.run([b"data: {}\r\n\r\n"]).hung
        before = target.runs
        assert isolation(target, array=False).leak is None
        assert target.runs == before


def waits_for_another_stream(chunks: Iterable[bytes]) -> Iterator[Any]:
    with HELD:
        yield from right(chunks)


HELD = threading.Lock()


def test_a_stream_that_waits_for_another_in_the_same_thread_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is a bug, and the check itself goes on: nothing could interrupt that wait."""
    monkeypatch.setattr(uses, "_THREAD", 1.0)
    with FuzzTarget(waits_for_another_stream) as target:
        leak = isolation(target, array=False).leak
    assert leak is not None
    assert leak.how.startswith("while another stream was read in turns")


def _never_ends_if_cut_off(chunks: Iterable[bytes]) -> Iterator[bytes]:
    last = b""
    for chunk in chunks:
        last = chunk or last
        yield chunk
    if not last.endswith(b"\r\n\r\n"):
        threading.Event().wait()


def test_a_stream_that_does_not_end_hides_no_leak_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it make an unknown result a good one."""
    monkeypatch.setattr(watchdog, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(watchdog, "_AGAIN", 0.3)
    running: list[list[Any]] = []

    def leaks(chunks: Iterable[bytes]) -> Iterator[Any]:
        mine: list[Any] = []
        running.append(mine)
        try:
            for event in right(_never_ends_if_cut_off(chunks)):
                running[-1].append(event)
                yield from mine
                mine.clear()
            yield from mine
        finally:
            running.remove(mine)

    def keeps_nothing(chunks: Iterable[bytes]) -> Iterator[Any]:
        return right(_never_ends_if_cut_off(chunks))

    with FuzzTarget(leaks) as target:
        assert isolation(target, array=False).leak is not None
    survey = fuzz.survey(keeps_nothing, profiles=["gemini"], classes=["isolation"])
    assert [(one.verdict, one.behaviour) for one in survey.results] == [
        ("behaviour", "not known for all uses: a stream does not end")
    ]
