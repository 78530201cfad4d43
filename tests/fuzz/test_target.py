"""Running parsers of every shape."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest

from gemini_replay.errors import UsageError
from gemini_replay.fuzz import watchdog
from gemini_replay.fuzz.target import FuzzTarget, is_played, name_of, played
from gemini_replay.loops import run_without_loop

CHUNKS = [b'{"a": 1}\n', b'{"b"', b": 2}\n"]


def as_generator(chunks: Iterable[bytes]) -> Iterator[Any]:
    for line in b"".join(chunks).splitlines():
        yield json.loads(line)


def as_list(chunks: Iterable[bytes]) -> list[Any]:
    return list(as_generator(chunks))


def as_iterator(chunks: Iterable[bytes]) -> Iterator[Any]:
    return iter(as_list(chunks))


async def as_async_generator(chunks: Any) -> AsyncIterator[Any]:
    body = b"".join([chunk async for chunk in chunks])
    for value in as_list([body]):
        await asyncio.sleep(0)
        yield value


async def as_coroutine(chunks: Any) -> list[Any]:
    return [value async for value in as_async_generator(chunks)]


async def as_coroutine_of_a_generator(chunks: Any) -> AsyncIterator[Any]:
    return as_async_generator(chunks)


def as_plain_function_of_an_async_generator(chunks: Any) -> AsyncIterator[Any]:
    return as_async_generator(chunks)


class AsCallable:
    def __call__(self, chunks: Iterable[bytes]) -> Iterator[Any]:
        return as_generator(chunks)


SHAPES: list[Callable[..., Any]] = [
    as_generator,
    as_list,
    as_iterator,
    as_async_generator,
    as_coroutine,
    as_coroutine_of_a_generator,
    as_plain_function_of_an_async_generator,
    AsCallable(),
    functools.partial(as_generator),
]


@pytest.mark.parametrize("parse", SHAPES, ids=name_of)
def test_a_parser_may_have_any_shape(parse: Callable[..., Any]) -> None:
    """Sync or async, list or iterator: nobody has to say which."""
    with FuzzTarget(parse) as target:
        outcome = target.run(CHUNKS)
    assert (outcome.values, outcome.error) == ([{"a": 1}, {"b": 2}], None)


def test_values_before_an_error_are_kept() -> None:
    """The error comes after them."""
    with FuzzTarget(as_generator) as target:
        outcome = target.run([b'{"a": 1}\n{'])
    assert outcome.values == [{"a": 1}]
    assert isinstance(outcome.error, ValueError)


def test_pulls_are_noted() -> None:
    """How many values were out at each pull of a chunk, the last one included."""

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        for chunk in chunks:
            yield len(chunk)

    with FuzzTarget(parse) as target:
        assert target.run([b"a", b"bc", b""]).seen == [0, 1, 2, 3]


def spins(chunks: Iterable[bytes]) -> Iterator[Any]:
    yield {}
    while True:
        list(chunks)


def catches_everything(chunks: Iterable[bytes]) -> Iterator[Any]:
    yield {}
    while True:
        try:
            raise ValueError
        except Exception:
            continue


def pulls_for_ever(chunks: Any) -> Iterator[Any]:
    while True:
        yield from ([] if next(chunks, None) is None else [{}])


async def spins_asynchronously(chunks: Any) -> AsyncIterator[Any]:
    yield {}
    while True:
        await asyncio.sleep(0)


@pytest.mark.parametrize("parse", [spins, catches_everything, pulls_for_ever, spins_asynchronously], ids=name_of)
def test_a_parser_that_does_not_end_is_stopped(parse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run is not affected."""
    monkeypatch.setattr(watchdog, "CPU_SECONDS", 0.3)
    with FuzzTarget(parse) as target:
        outcome = target.run([b"a"])
        assert outcome.hung
        assert outcome.values == [{}]
        target.parse = as_async_generator
        assert target.run(CHUNKS).values == [{"a": 1}, {"b": 2}]


def test_a_task_that_never_runs_again_is_left_alone() -> None:
    """So it is if a loop was interrupted while it was about to run the task."""

    async def parse(chunks: Any) -> AsyncIterator[Any]:
        if not lost:
            lost.append(asyncio.ensure_future(_swallows_cancellation()))
        yield {}

    lost: list[asyncio.Future[Any]] = []
    with FuzzTarget(parse) as target:
        assert target.run([b"a"]).values == [{}]
    assert not lost[0].done()
    assert target.runs == 1


async def _swallows_cancellation() -> None:
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()


def test_a_parser_that_invents_without_end_is_stopped() -> None:
    """After more values than there are bytes."""

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        while True:
            yield {}

    with FuzzTarget(parse) as target:
        assert 1000 < len(target.run([b"a"]).values) < 2000


def test_what_cannot_be_called_is_refused() -> None:
    """A module's name, say."""
    with pytest.raises(UsageError, match="parse is "):
        FuzzTarget("my_package:parse")  # type: ignore[arg-type]


def test_no_thread_and_no_loop_is_left_behind() -> None:
    """The watchdog ends with the target."""
    before = threading.active_count()
    with FuzzTarget(as_async_generator) as target:
        target.run(CHUNKS)
    assert threading.active_count() == before


async def _in_a_loop() -> Any:
    def run() -> Any:
        with FuzzTarget(as_async_generator) as target:
            return target.run(CHUNKS).values

    return run_without_loop(run)


def test_async_parsers_run_within_a_running_loop_too() -> None:
    """In a thread of their own; errors come back from there."""
    assert asyncio.run(_in_a_loop()) == [{"a": 1}, {"b": 2}]

    async def fails() -> None:
        run_without_loop(lambda: [][0])

    with pytest.raises(IndexError):
        asyncio.run(fails())


def test_an_error_is_played_if_one_that_it_was_raised_from_is() -> None:
    """By `from`, or while that was handled; whatever the order, and however they refer to each other."""
    cause, context, other, around = ValueError(), KeyError(), TypeError(), RuntimeError()
    cause.__cause__ = context.__context__ = played(TimeoutError())
    other.__cause__, other.__context__ = around, KeyError()
    around.__cause__ = other
    assert [is_played(error) for error in (cause, context, other, None)] == [True, True, False, False]
    around.__context__ = context
    assert is_played(other)
