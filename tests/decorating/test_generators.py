"""`record` and `replay` as decorators of generators and async generators."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.decorated import aask, ask

import gemini_replay
from gemini_replay import Cassette, session
from gemini_replay.server import upstream


def test_a_generator_has_a_session_from_its_first_step_to_its_end(paths: dict[str, Path]) -> None:
    """Sent values and thrown errors reach the generator, and its return value comes back."""

    @gemini_replay.replay(paths["A"])
    def go() -> Iterator[Any]:
        sent = yield ask("one")
        try:
            yield sent
        except ZeroDivisionError:
            yield ask("two")
        return "the end"

    assert inspect.isgeneratorfunction(go)
    generator: Any = go()
    assert session.candidates() == ()
    assert next(generator) == "A one"
    assert len(session.candidates()) == 1
    assert generator.send("hello") == "hello"
    assert generator.throw(ZeroDivisionError()) == "A two"
    with pytest.raises(StopIteration) as end:
        next(generator)
    assert end.value.value == "the end"
    assert session.candidates() == ()


def test_an_async_generator_has_a_session_from_its_first_step_to_its_end(paths: dict[str, Path]) -> None:
    """Sent values and thrown errors reach the generator."""

    @gemini_replay.replay(paths["A"])
    async def go() -> AsyncIterator[Any]:
        sent = yield await aask("one")
        try:
            yield sent
        except ZeroDivisionError:
            yield await aask("two")

    async def main() -> None:
        generator: Any = go()
        assert session.candidates() == ()
        assert await anext(generator) == "A one"
        assert await generator.asend("hello") == "hello"
        assert await generator.athrow(ZeroDivisionError()) == "A two"
        with pytest.raises(StopAsyncIteration):
            await anext(generator)
        assert session.candidates() == ()

    assert inspect.isasyncgenfunction(go)
    asyncio.run(main())


def test_interleaved_generators_have_their_own_sessions(paths: dict[str, Path]) -> None:
    """It does not matter which was advanced last, or which ends first."""

    def go() -> Iterator[str]:
        yield ask("one")
        yield ask("two")

    first, second = (gemini_replay.replay(paths[name])(go)() for name in "AB")
    assert [next(first), next(second), next(first), next(second)] == ["A one", "B one", "A two", "B two"]
    assert list(first) == list(second) == []
    assert session.candidates() == ()


def test_interleaved_async_generators_have_their_own_sessions(paths: dict[str, Path]) -> None:
    """This holds in one task and in several."""

    async def go() -> AsyncIterator[str]:
        yield await aask("one")
        yield await aask("two")

    async def main() -> None:
        first, second = (gemini_replay.replay(paths[name])(go)() for name in "AB")
        got = [await anext(one) for one in (first, second, first)]
        got.append(await asyncio.create_task(anext(second)))  # type: ignore[arg-type]
        assert got == ["A one", "B one", "A two", "B two"]
        for one in (first, second):
            await one.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())


def test_a_session_inside_a_generator_survives_a_pause(paths: dict[str, Path]) -> None:
    """After a pause, the inner session still owns the requests of the generator's body."""

    @gemini_replay.replay(paths["A"])
    def go() -> Iterator[str]:
        yield ask("one")
        with gemini_replay.replay(paths["B"]):
            yield ask("one")
            yield ask("two")
        yield ask("two")

    assert list(go()) == ["A one", "B one", "B two", "A two"]


def test_code_that_advances_a_generator_uses_its_session(paths: dict[str, Path]) -> None:
    """This is the case of a test whose fixture is decorated."""

    @gemini_replay.replay(paths["A"])
    def fixture() -> Iterator[str]:
        yield "ready"

    for _ in fixture():
        assert ask("one") == "A one"


def test_closing_a_generator_early_counts_as_success(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """Its recording is kept."""
    path = tmp_path / "story.jsonl"

    @gemini_replay.record(path, upstream=server.url)
    def go() -> Iterator[str]:
        try:
            yield ask("one")
            yield ask("two")
        finally:
            ended.append(True)

    ended: list[bool] = []
    for _ in go():
        break
    assert ended == [True]
    assert len(Cassette.load(path).interactions) == 1


def test_closing_an_async_generator_early_counts_as_success(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """The generator's own clean-up runs before the session ends."""
    path = tmp_path / "story.jsonl"

    @gemini_replay.record(path, upstream=server.url)
    async def go() -> AsyncIterator[str]:
        try:
            yield await aask("one")
        finally:
            await aask("two")

    async def main() -> None:
        generator: Any = go()
        await anext(generator)
        await generator.aclose()

    asyncio.run(main())
    assert len(Cassette.load(path).interactions) == 2


def test_a_generator_that_raises_keeps_the_old_cassette(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """As with any block, the recording of a generator that raises is not kept."""
    path = tmp_path / "story.jsonl"

    @gemini_replay.record(path, upstream=server.url)
    def go() -> Iterator[str]:
        yield ask("one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(go())
    assert not path.exists()
