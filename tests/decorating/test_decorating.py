"""`record` and `replay` as decorators, as reusable objects, and at the end of a block."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.decorated import aask, ask

import gemini_replay
from gemini_replay import Cassette, session
from gemini_replay.errors import FaultUnusedError, MissError, UsageError
from gemini_replay.server import upstream

# -- each kind of function -------------------------------------------------------------------------------------------


def test_each_call_of_a_function_has_its_own_session(paths: dict[str, Path]) -> None:
    """A cassette that answers once does so in each call, also in recursive ones."""

    @gemini_replay.replay(paths["A"])
    def go(deeper: bool = False) -> list[str]:
        """What it says."""
        return [ask("one"), *(go() if deeper else [])]

    assert go() == ["A one"]
    assert go(deeper=True) == ["A one", "A one"]
    assert (go.__name__, go.__doc__) == ("go", "What it says.")
    assert list(inspect.signature(go).parameters) == ["deeper"]
    assert session.candidates() == ()


def test_a_coroutine_function_has_a_session_while_it_is_awaited(paths: dict[str, Path]) -> None:
    """The session does not open when the function is called. Coroutines that run together have one each."""

    @gemini_replay.replay(paths["A"])
    async def go(text: str) -> str:
        await asyncio.sleep(0)
        return await aask(text)

    async def main() -> list[str]:
        waiting = [go("one"), go("two"), go("one")]
        assert session.candidates() == ()
        return await asyncio.gather(*waiting)

    assert inspect.iscoroutinefunction(go)
    assert asyncio.run(main()) == ["A one", "A two", "A one"]


class Class:
    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    "thing",
    [Class, classmethod(lambda cls: None), property(lambda self: None), "story", None],
    ids=["class", "classmethod", "property", "text", "None"],
)
def test_what_cannot_be_decorated_is_refused_when_decorating(paths: dict[str, Path], thing: Any) -> None:
    """The error lists what can be decorated."""
    with pytest.raises(UsageError, match="cannot be decorated"):
        gemini_replay.replay(paths["A"])(thing)


def test_a_decorator_without_a_cassette_is_refused_when_decorating() -> None:
    """The error says that the function was passed as the path."""
    with pytest.raises(UsageError, match=r"path is the function(?s:.*)@replay\("):

        @gemini_replay.replay  # type: ignore[arg-type]
        def go() -> None: ...


@pytest.mark.parametrize("kind", ["coroutine", "generator", "async_generator"])
def test_a_function_that_returns_code_to_run_later_is_refused(paths: dict[str, Path], kind: str) -> None:
    """The requests of a returned coroutine or generator would come after the session."""

    async def coroutine() -> None: ...

    def generator() -> Iterator[None]:
        yield

    async def async_generator() -> AsyncIterator[None]:
        yield

    makes: dict[str, Callable[[], Any]] = {
        "coroutine": coroutine,
        "generator": generator,
        "async_generator": async_generator,
    }
    with pytest.raises(UsageError, match=f"returned a {kind}"):
        gemini_replay.replay(paths["A"])(lambda: makes[kind]())()


def test_methods_can_be_decorated_one_by_one(paths: dict[str, Path]) -> None:
    """Static and class methods can be decorated too, below their own decorators."""

    class Story:
        @gemini_replay.replay(paths["A"])
        def one(self) -> str:
            return ask("one")

        @staticmethod
        @gemini_replay.replay(paths["A"])
        def two() -> str:
            return ask("two")

        @classmethod
        @gemini_replay.replay(paths["B"])
        def three(cls) -> str:
            return ask("one")

    assert [Story().one(), Story.two(), Story.three()] == ["A one", "A two", "B one"]


# -- with ------------------------------------------------------------------------------------------------------------


def test_one_object_can_be_reused(paths: dict[str, Path]) -> None:
    """Each use opens a new session. Settings that can be iterated only once are read in advance."""
    block = gemini_replay.replay(paths["A"], match=iter(["method", "body"]), hosts=iter(["*.example.org"]))  # type: ignore[arg-type]
    seen = []
    for _ in range(2):
        with block as opened:
            assert ask("one") == "A one"
        seen.append(opened)
    assert seen[0] is not seen[1]
    assert block(ask)("two") == "A two"


def test_one_object_can_be_used_by_several_at_a_time(paths: dict[str, Path]) -> None:
    """Tasks and threads can use one object together and end in any order."""
    block = gemini_replay.replay(paths["A"])

    async def task(mine: asyncio.Event, theirs: asyncio.Event) -> str:
        async with block:
            theirs.set()
            await mine.wait()
            return await aask("one")

    async def main() -> list[str]:
        one, two = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(task(one, two), task(two, one))

    assert asyncio.run(main()) == ["A one", "A one"]
    assert session.candidates() == ()


def test_the_working_directory_may_change_in_the_block(
    server: upstream.RunningUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path was resolved when the session opened."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with gemini_replay.record("story.jsonl", upstream=server.url) as opened:
        os.chdir("elsewhere")
        ask("one")
    assert opened.path == tmp_path / "story.jsonl"
    assert (tmp_path / "story.jsonl").exists()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_requests_with_secrets_are_found_on_replay(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """The secrets in the request's body are redacted before it is compared."""
    path = tmp_path / "story.jsonl"
    with gemini_replay.record(path, upstream=server.url, redact=["user-1234"]):
        live = ask("I am user-1234")
    assert "user-1234" not in path.read_text(encoding="utf-8")
    with gemini_replay.replay(path, redact=["user-1234"]):
        assert ask("I am user-1234") == live


# -- the end of a block ----------------------------------------------------------------------------------------------


def swallow(text: str) -> None:
    with contextlib.suppress(MissError):
        ask(text)


def test_a_block_that_ends_without_an_error_raises_swallowed_problems(paths: dict[str, Path]) -> None:
    """These are a miss that was swallowed and a fault that was not applied."""
    with pytest.raises(MissError), gemini_replay.replay(paths["A"]):
        swallow("three")
    with pytest.raises(FaultUnusedError), gemini_replay.replay(paths["A"], fault="reset@event:9"):
        pass


def test_an_error_of_the_block_gets_a_note_about_the_problem(paths: dict[str, Path]) -> None:
    """The block's own error is raised; the note tells of the miss, which may be its cause."""
    with pytest.raises(ZeroDivisionError) as caught, gemini_replay.replay(paths["A"]) as opened:
        swallow("three")
        raise ZeroDivisionError
    note = "\n".join(caught.value.__notes__)
    assert "No recording answers" in note
    assert str(opened.path) in note


def test_an_error_that_is_the_problem_itself_gets_no_note(paths: dict[str, Path]) -> None:
    """An error raised from the problem gets no note either."""
    with pytest.raises(MissError) as missed, gemini_replay.replay(paths["A"]):
        ask("three")
    assert not hasattr(missed.value, "__notes__")
    with pytest.raises(ZeroDivisionError) as caught, gemini_replay.replay(paths["A"]):
        try:
            ask("three")
        except MissError:
            raise ZeroDivisionError from None
    assert not hasattr(caught.value, "__notes__")


def test_a_session_that_cannot_open_leaves_nothing_open(paths: dict[str, Path]) -> None:
    """Neither an interception nor a thread is left."""
    before, threads = httpx.HTTPTransport.handle_request, threading.active_count()
    with pytest.raises(UsageError), gemini_replay.replay(paths["A"], fault="error@event:1;code=99"):
        pass
    assert httpx.HTTPTransport.handle_request is before
    assert threading.active_count() == threads
    assert session.candidates() == ()


@pytest.mark.parametrize("wrap", [contextlib.contextmanager, contextlib.asynccontextmanager], ids=["sync", "async"])
def test_a_function_that_returns_a_context_manager_is_refused(wrap: Any, tmp_path: Path) -> None:
    """Its block would run after the session. No request reaches the network."""
    Cassette([]).save(tmp_path / "story.jsonl")

    def block() -> Any:
        yield

    async def async_block() -> Any:
        yield

    decorated = gemini_replay.replay(tmp_path / "story.jsonl")(
        wrap(block if wrap is contextlib.contextmanager else async_block)
    )
    with pytest.raises(UsageError, match="after its session"):
        decorated()


def test_a_function_that_returns_a_map_object_is_refused(tmp_path: Path) -> None:
    """A map object makes its requests when it is read, after the session."""
    Cassette([]).save(tmp_path / "story.jsonl")
    with pytest.raises(UsageError, match="after its session"):
        gemini_replay.replay(tmp_path / "story.jsonl")(lambda: map(str, [1]))()


@pytest.mark.parametrize(("code", "raised"), [(None, True), (0, True), (1, False), ("broken", False)])
def test_a_successful_exit_raises_the_miss(code: object, raised: bool, tmp_path: Path) -> None:
    """An exit with a failure status is raised as it is."""
    Cassette([]).save(tmp_path / "story.jsonl")
    with pytest.raises(MissError if raised else SystemExit):
        with gemini_replay.replay(tmp_path / "story.jsonl"):
            with contextlib.suppress(MissError):
                httpx.post("https://generativelanguage.googleapis.com/v1/models/m:streamGenerateContent", json={})
            sys.exit(code)  # type: ignore[arg-type]
