"""Work passed to another thread belongs to the session in which it was passed on."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
import timeit
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support.streams import GOOGLE
from support.two_sessions import ASKED, Two, ask, asked_in, in_thread, opened

import gemini_replay
from gemini_replay.errors import AmbiguousSessionError
from gemini_replay.threads import OwnThread


def in_own_kind_of_thread(run: Callable[[], None]) -> None:
    class Own(threading.Thread):
        def start(self) -> None:
            super().start()

        def run(self) -> None:
            run()

    Own().start()


def in_timer(run: Callable[[], None]) -> None:
    threading.Timer(0, run).start()


def in_thread_of_a_thread(run: Callable[[], None]) -> None:
    in_thread(lambda: in_thread(run))


def in_pool_of_a_thread(run: Callable[[], None]) -> None:
    in_thread(lambda: in_new_pool(run))


def in_new_pool(run: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run)


def in_map(run: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        list(pool.map(lambda _: run(), [1]))


def in_executor_of_a_loop(run: Callable[[], None]) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(None, run)

    asyncio.run(main())


def in_asyncio_thread(run: Callable[[], None]) -> None:
    asyncio.run(asyncio.to_thread(run))


def in_anyio_thread(run: Callable[[], None]) -> None:
    import anyio

    anyio.run(anyio.to_thread.run_sync, run)


def in_trio_thread(run: Callable[[], None]) -> None:
    import trio

    trio.run(trio.to_thread.run_sync, run)


@pytest.mark.parametrize(
    "start",
    [
        in_thread,
        in_own_kind_of_thread,
        in_timer,
        in_thread_of_a_thread,
        in_pool_of_a_thread,
        in_new_pool,
        in_map,
        in_executor_of_a_loop,
        in_asyncio_thread,
        in_anyio_thread,
        in_trio_thread,
    ],
    ids=lambda start: start.__name__,
)
def test_work_for_another_thread_belongs_to_its_senders_session(
    two: Two, start: Callable[[Callable[[], None]], None]
) -> None:
    """With two sessions open, each gets its own answer."""
    for name in "ABA":
        assert two.within(name, lambda: asked_in(start)) == name
    two.end("A", "B")
    assert two.errors == {}


def test_one_pool_may_work_for_several_sessions(two: Two) -> None:
    """Each job belongs to the session that submitted it, even on a worker thread started for another session."""
    with ThreadPoolExecutor(1) as pool:
        for name in "ABBA":
            assert two.within(name, lambda: asked_in(pool.submit)) == name
        with pytest.raises(AmbiguousSessionError):
            pool.submit(ask).result(10)


def test_a_coroutine_for_another_threads_loop_belongs_to_its_senders_session(two: Two) -> None:
    """The loop's thread was started outside of both sessions."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def aask() -> str:
        async with httpx.AsyncClient() as client:
            return (await client.post(GOOGLE, content=ASKED.body)).text

    for name in "AB":
        assert two.within(name, lambda: asyncio.run_coroutine_threadsafe(aask(), loop).result(10)) == name
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_thread_that_cannot_start_is_left_unchanged(paths: dict[str, Path]) -> None:
    """The thread's own error is raised, and the thread object has no wrapper left."""
    with opened(paths["A"]):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        with pytest.raises(RuntimeError, match="once"):
            thread.start()
        assert "run" not in vars(thread)


class Interrupted(BaseException):
    """What a signal handler raises."""


@pytest.mark.parametrize("begun", [True, False], ids=["after-it-began", "before-it-begins"])
@pytest.mark.parametrize("own_run", [True, False], ids=["with-its-own-run", "plain"])
def test_starting_a_thread_may_be_interrupted(
    begun: bool, own_run: bool, paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread runs once, the interrupt comes through, and no client stays intercepted."""
    original, begin, ran = threading.Thread.start, threading.Event(), threading.Event()

    class Thread(threading.Thread):
        def _bootstrap(self) -> None:  # where a new thread begins
            begin.wait(10)
            super()._bootstrap()

    thread = Thread(target=ran.set)
    if own_run:
        vars(thread)["run"] = ran.set
    wait = thread._started.wait

    def interrupted(timeout: float | None = None) -> bool:
        if begun:
            begin.set()
            wait(timeout)
            ran.wait(10)
        raise Interrupted

    monkeypatch.setattr(thread._started, "wait", interrupted)
    with opened(paths["A"]):
        with pytest.raises(Interrupted):
            thread.start()
        begin.set()
        assert ran.wait(10)
        assert vars(thread).get("run") == (ran.set if own_run else None)
    monkeypatch.undo()
    thread.join(10)
    assert threading.Thread.start is original


def test_context_variables_of_other_tools_are_left_alone(paths: dict[str, Path]) -> None:
    """As without this package, a job sees its worker's variables, not those of the code that submitted it."""
    known: contextvars.ContextVar[str] = contextvars.ContextVar("known", default="none")
    with opened(paths["A"]), ThreadPoolExecutor(1, initializer=known.set, initargs=("the worker's",)) as pool:
        known.set("the submitter's")
        assert pool.submit(known.get).result() == "the worker's"


def test_work_for_another_thread_keeps_its_virtual_time(paths: dict[str, Path]) -> None:
    """Our wrapper between the pool and the function does not count as foreign code that needs real time."""
    began = timeit.default_timer()
    with gemini_replay.replay(paths["A"], speed="virtual"), ThreadPoolExecutor(1) as pool:
        pool.submit(time.sleep, 60).result()
        thread = threading.Thread(target=time.sleep, args=(60,))
        thread.start()
        thread.join()
    assert timeit.default_timer() - began < 20


def test_the_packages_own_thread_belongs_to_the_session_that_starts_it(two: Two) -> None:
    """It may run a user's code, such as the body of a response from the user's own transport."""
    for name in "AB":
        assert two.within(name, lambda: asked_in(lambda run: OwnThread(run, "own").start())) == name


def test_the_packages_own_threads_keep_no_client_intercepted(paths: dict[str, Path]) -> None:
    """The reader of a response that is never closed may outlive its session."""
    original, end = threading.Thread.start, threading.Event()
    with opened(paths["A"]):
        thread = OwnThread(end.wait, "own")
        thread.start()
    try:
        assert threading.Thread.start is original
    finally:
        end.set()
        thread.join()
