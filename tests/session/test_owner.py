"""Which session owns a request: that of the context, or the only one that is open; or it is an error."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpcore
import httpx
import pytest
from support.streams import GOOGLE
from support.two_sessions import Two, Worker, ask, asked_in, in_thread, opened

from gemini_replay import session
from gemini_replay.errors import AmbiguousSessionError, MissError, NetworkBlockedError, UsageError

# -- a context that has no session -----------------------------------------------------------------------------------


def test_the_only_session_that_is_open_owns_what_comes_from_elsewhere(paths: dict[str, Path], worker: Worker) -> None:
    """A thread from before may work for it."""
    with opened(paths["A"]) as replaying:
        assert asked_in(worker.jobs.put) == "A"
    assert len(replaying.played) == 1


def test_of_two_sessions_neither_is_guessed(two: Two, worker: Worker, paths: dict[str, Path]) -> None:
    """The error names both, says what to do, and is reported where each of them ends."""
    error = asked_in(worker.jobs.put)
    assert isinstance(error, AmbiguousSessionError)
    assert all(str(path) in str(error) for path in paths.values())
    assert "copy_context" in str(error)
    assert "[gemini-replay explain ambiguous-session]" in str(error)
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
    with opened(paths["A"]) as replaying, session.activated(replaying):
        assert asked_in(worker.jobs.put) == "A"


def test_a_request_that_neither_of_two_would_own_passes(two: Two, worker: Worker) -> None:
    """No session needs to know which of them it belongs to."""
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


def test_a_job_that_is_never_run_leaves_nothing(paths: dict[str, Path]) -> None:
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


def test_a_miss_is_reported_where_its_own_session_ends(two: Two) -> None:
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
