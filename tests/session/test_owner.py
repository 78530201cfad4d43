"""Whose a request is: of the context's session, of the one that handed the work on, of the only one; or an error."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
import time
import timeit
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
from support.streams import GOOGLE

import gemini_replay
from gemini_replay import Cassette, Session, session
from gemini_replay.cassette.model import Chunk, Interaction, Request, Response
from gemini_replay.errors import AmbiguousSessionError, MissError, NetworkBlockedError, UsageError

ASKED = Request("POST", GOOGLE, (("content-type", "application/json"),), b'{"contents": []}')


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    """Two cassettes that answer the same request, each with its own name."""
    made = {name: tmp_path / f"{name}.jsonl" for name in "AB"}
    for name, path in made.items():
        Cassette([Interaction(ASKED, Response(200), (Chunk(0.0, name.encode()),))] * 4).save(path)
    return made


def ask() -> str:
    return httpx.post(GOOGLE, content=ASKED.body).text


def opened(path: Path) -> gemini_replay.interception.Block:  # type: ignore[name-defined]
    return gemini_replay.replay(path, speed="instant")


def asked_in(start: Callable[[Callable[[], None]], Any]) -> str | BaseException:
    """What a request comes to that is made wherever `start` runs a function."""
    got: Future[str] = Future()

    def run() -> None:
        try:
            got.set_result(ask())
        except BaseException as error:
            got.set_exception(error)

    start(run)
    return got.exception(10) or got.result()


class Worker:
    """A thread that runs what it is given, one after the other, in its own context: a pool of the user's own."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while (job := self.jobs.get()) is not None:
            job()

    def end(self) -> None:
        self.jobs.put(None)
        self.thread.join()


@pytest.fixture
def worker() -> Iterator[Worker]:
    """One that was started before any session."""
    made = Worker()
    yield made
    made.end()


class Two:
    """Two sessions, open at the same time, each in a thread of its own; a function can be run in either."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self.sessions: dict[str, Session] = {}
        self.errors: dict[str, BaseException] = {}
        self._workers: dict[str, Worker] = {}
        for name, path in paths.items():
            ready = threading.Event()
            self._workers[name] = Worker()
            self._workers[name].jobs.put(lambda n=name, p=path, r=ready: self._open(n, p, r))  # type: ignore[misc]
            assert ready.wait(10)

    def _open(self, name: str, path: Path, ready: threading.Event) -> None:
        try:
            with opened(path) as self.sessions[name]:
                ready.set()
                self._workers[name]._run()
        except BaseException as error:
            self.errors[name] = error

    def within(self, name: str, call: Callable[[], Any]) -> Any:
        done: Future[Any] = Future()

        def run() -> None:
            try:
                done.set_result(call())
            except BaseException as error:
                done.set_exception(error)

        self._workers[name].jobs.put(run)
        return done.result(10)

    def end(self, *names: str) -> None:
        for name in names:
            self._workers[name].jobs.put(None)
            self._workers[name].end()


@pytest.fixture
def two(paths: dict[str, Path]) -> Iterator[Two]:
    made = Two(paths)
    yield made
    for name in "AB":
        if made._workers[name].thread.is_alive():
            made.end(name)


# -- work that is handed to other threads ----------------------------------------------------------------------------


def in_thread(run: Callable[[], None]) -> None:
    threading.Thread(target=run).start()


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
def test_work_for_another_thread_belongs_to_the_session_that_hands_it_on(
    two: Two, start: Callable[[Callable[[], None]], None]
) -> None:
    """With two sessions open, each gets its own answer."""
    for name in "ABA":
        assert two.within(name, lambda: asked_in(start)) == name
    two.end("A", "B")
    assert two.errors == {}


def test_one_pool_may_work_for_several_sessions(two: Two) -> None:
    """Each job belongs to who submitted it, also on a worker that was started for another."""
    with ThreadPoolExecutor(1) as pool:
        for name in "ABBA":
            assert two.within(name, lambda: asked_in(pool.submit)) == name
        with pytest.raises(AmbiguousSessionError):
            pool.submit(ask).result(10)


def test_a_coroutine_for_a_loop_in_another_thread_belongs_to_who_hands_it_on(two: Two) -> None:
    """The loop runs in a thread that was started outside of both."""
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


def test_a_thread_that_cannot_start_is_as_it_was(paths: dict[str, Path]) -> None:
    """Its error is its own, and nothing stays on it."""
    with opened(paths["A"]):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        with pytest.raises(RuntimeError, match="once"):
            thread.start()
        assert "run" not in vars(thread)


def test_context_variables_of_other_tools_are_left_alone(paths: dict[str, Path]) -> None:
    """A job sees those of its worker, as ever, and not those of who submitted it."""
    known: contextvars.ContextVar[str] = contextvars.ContextVar("known", default="none")
    with opened(paths["A"]), ThreadPoolExecutor(1, initializer=known.set, initargs=("the worker's",)) as pool:
        known.set("the submitter's")
        assert pool.submit(known.get).result() == "the worker's"


def test_work_for_another_thread_keeps_its_virtual_time(paths: dict[str, Path]) -> None:
    """What is between the pool and the function is no stranger who asks for real time."""
    began = timeit.default_timer()
    with gemini_replay.replay(paths["A"], speed="virtual"), ThreadPoolExecutor(1) as pool:
        pool.submit(time.sleep, 60).result()
        thread = threading.Thread(target=time.sleep, args=(60,))
        thread.start()
        thread.join()
    assert timeit.default_timer() - began < 20


# -- a context that has no session -----------------------------------------------------------------------------------


def test_the_only_session_that_is_open_owns_what_comes_from_elsewhere(paths: dict[str, Path], worker: Worker) -> None:
    """A thread from before may work for it."""
    with opened(paths["A"]) as here:
        assert asked_in(worker.jobs.put) == "A"
    assert len(here.played) == 1


def test_of_two_sessions_neither_is_guessed(two: Two, worker: Worker, paths: dict[str, Path]) -> None:
    """The error names both, says what to do, and is told where each of them ends."""
    error = asked_in(worker.jobs.put)
    assert isinstance(error, AmbiguousSessionError)
    assert all(str(path) in str(error) for path in paths.values())
    assert "copy_context" in str(error)
    assert "[docs/errors.md#ambiguous-session]" in str(error)
    two.end("A", "B")
    assert two.errors == {"A": error, "B": error}
    assert all(not one.played for one in two.sessions.values())


def test_sessions_within_one_another_are_two_as_well(paths: dict[str, Path], worker: Worker) -> None:
    """The inner one owns the requests of its own context alone."""
    with (
        pytest.raises(AmbiguousSessionError),
        opened(paths["A"]) as outer,
        pytest.raises(AmbiguousSessionError),
        opened(paths["B"]) as inner,
    ):
        assert ask() == "B"
        assert isinstance(asked_in(worker.jobs.put), AmbiguousSessionError)
    assert len(outer.misses) == len(inner.misses) == 1


def test_one_session_that_is_current_twice_is_one(paths: dict[str, Path], worker: Worker) -> None:
    """A request is not ambiguous between a session and itself."""
    with opened(paths["A"]) as here, session.activated(here):
        assert asked_in(worker.jobs.put) == "A"


def test_a_request_that_neither_of_two_would_own_passes(two: Two, worker: Worker) -> None:
    """It is no session's business whose it is."""
    got: Future[type[BaseException]] = Future()

    def run() -> None:
        try:
            httpx.get("http://127.0.0.1:9/some/other/api")
        except httpx.HTTPError as error:
            got.set_result(type(error))

    worker.jobs.put(run)
    assert got.result(10) is httpx.ConnectError
    two.end("A", "B")
    assert two.errors == {}


def test_a_look_up_that_may_be_of_either_is_refused(two: Two) -> None:
    """By a client that no transport sees."""
    with pytest.raises(AmbiguousSessionError, match=r"generativelanguage\.googleapis\.com"):
        session.check_host("generativelanguage.googleapis.com")
    session.check_host("localhost")
    with pytest.raises(NetworkBlockedError):
        two.within("A", lambda: session.check_host("generativelanguage.googleapis.com"))


# -- a context whose session has ended -------------------------------------------------------------------------------


def test_a_thread_of_a_session_that_has_ended_works_for_no_other(paths: dict[str, Path]) -> None:
    """It may be late, or it may serve the one that is open: that is not certain."""
    with opened(paths["A"]):
        late = Worker()
    with pytest.raises(AmbiguousSessionError, match="has ended"), opened(paths["B"]) as other:
        assert ask() == "B"
        assert isinstance(asked_in(late.jobs.put), AmbiguousSessionError)
    late.end()
    assert len(other.played) == 1


def test_a_thread_of_a_session_that_has_ended_reaches_no_network(paths: dict[str, Path]) -> None:
    """Nor with no session open; when it has ended, everything is as before."""
    before = httpcore.ConnectionPool.handle_request
    with opened(paths["A"]):
        late = Worker()
    error = asked_in(late.jobs.put)
    assert isinstance(error, UsageError)
    assert "is closed" in str(error)
    assert httpcore.ConnectionPool.handle_request is not before
    late.end()
    assert httpcore.ConnectionPool.handle_request is before


def test_a_job_that_is_never_run_leaves_nothing_behind(paths: dict[str, Path]) -> None:
    """It was cancelled while it waited for a worker."""
    before = httpcore.ConnectionPool.handle_request
    go = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(go.wait, 10)
        with opened(paths["A"]):
            waiting = pool.submit(ask)
        assert waiting.cancel()
        go.set()
    assert httpcore.ConnectionPool.handle_request is before


def test_blocks_that_end_in_another_order_leave_the_one_that_is_open(paths: dict[str, Path]) -> None:
    """Two generators with a block each: the first is closed first."""

    def block(name: str) -> Iterator[None]:
        with opened(paths[name]):
            yield

    first, second = block("A"), block("B")
    next(first)
    next(second)
    first.close()  # type: ignore[attr-defined]
    assert ask() == "B"
    second.close()  # type: ignore[attr-defined]
    assert session.candidates() == ()


def test_a_miss_is_told_where_its_own_session_ends(two: Two) -> None:
    """And not at the other's."""
    with pytest.raises(MissError):
        two.within("A", lambda: httpx.post(GOOGLE, content=b"{}"))
    two.end("A", "B")
    assert isinstance(two.errors["A"], MissError)
    assert "B" not in two.errors


def test_many_threads_open_and_close_sessions_at_once(paths: dict[str, Path]) -> None:
    """Each has its own answers, and nothing is left in the end."""
    before = httpcore.ConnectionPool.handle_request
    wrong: list[object] = []

    def run(name: str) -> None:
        for _ in range(10):
            with opened(paths[name]):
                got = asked_in(in_thread)
            if got != name:
                wrong.append(got)

    threads = [threading.Thread(target=run, args=(name,)) for name in "ABAB"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert httpcore.ConnectionPool.handle_request is before
