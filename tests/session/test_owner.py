"""Which session owns a request: that of its context, or the only open one. Otherwise it is an error."""

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


def test_the_only_open_session_owns_requests_from_elsewhere(paths: dict[str, Path], worker: Worker) -> None:
    """An older thread may work for the session."""
    with opened(paths["A"]) as replaying:
        assert asked_in(worker.jobs.put) == "A"
    assert len(replaying.played) == 1


def test_with_two_open_sessions_the_owner_is_not_guessed(two: Two, worker: Worker, paths: dict[str, Path]) -> None:
    """The error names both sessions, says what to do, and is also reported at the end of each."""
    error = asked_in(worker.jobs.put)
    assert isinstance(error, AmbiguousSessionError)
    assert all(str(path) in str(error) for path in paths.values())
    assert "copy_context" in str(error)
    assert "[gemini-replay explain ambiguous-session]" in str(error)
    two.end("A", "B")
    assert two.errors == {"A": error, "B": error}
    assert all(not one.played for one in two.sessions.values())


def test_nested_sessions_count_as_two(paths: dict[str, Path], worker: Worker) -> None:
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


def test_a_session_that_is_current_twice_counts_once(paths: dict[str, Path], worker: Worker) -> None:
    """A request is not ambiguous between a session and itself."""
    with opened(paths["A"]) as replaying, session.activated(replaying):
        assert asked_in(worker.jobs.put) == "A"


def test_a_request_that_neither_of_two_would_own_passes(two: Two, worker: Worker) -> None:
    """It does not matter in which session's context such a request was made."""
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


def test_an_ambiguous_look_up_is_refused(two: Two) -> None:
    """A client that no transport sees looks up a host that belongs to both sessions."""
    with pytest.raises(AmbiguousSessionError, match=r"generativelanguage\.googleapis\.com"):
        session.check_host("generativelanguage.googleapis.com")
    session.check_host("localhost")
    with pytest.raises(NetworkBlockedError):
        two.within("A", lambda: session.check_host("generativelanguage.googleapis.com"))


# -- a context whose session has ended -------------------------------------------------------------------------------


def test_a_thread_of_an_ended_session_belongs_to_no_other(paths: dict[str, Path]) -> None:
    """It may be late, or it may serve the open session: nobody can tell."""
    with opened(paths["A"]):
        late = Worker()
    with pytest.raises(AmbiguousSessionError, match="has ended"), opened(paths["B"]) as other:
        assert ask() == "B"
        assert isinstance(asked_in(late.jobs.put), AmbiguousSessionError)
    late.end()
    assert len(other.played) == 1


def test_a_thread_of_an_ended_session_reaches_no_network(paths: dict[str, Path]) -> None:
    """This holds even if no session is open. When the thread has ended, nothing is intercepted any more."""
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
    """A job that is cancelled before it runs leaves no interception behind."""
    before = httpcore.ConnectionPool.handle_request
    go = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(go.wait, 10)
        with opened(paths["A"]):
            waiting = pool.submit(ask)
        assert waiting.cancel()
        go.set()
    assert httpcore.ConnectionPool.handle_request is before


def test_blocks_may_end_in_any_order(paths: dict[str, Path]) -> None:
    """Of two generators with a block each, the first is closed first; the second session stays open."""

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
    """The other session does not report it."""
    with pytest.raises(MissError):
        two.within("A", lambda: httpx.post(GOOGLE, content=b"{}"))
    two.end("A", "B")
    assert isinstance(two.errors["A"], MissError)
    assert "B" not in two.errors


def test_many_threads_open_and_close_sessions_at_once(paths: dict[str, Path]) -> None:
    """Each thread gets its own answers, and no interception is left in the end."""
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
