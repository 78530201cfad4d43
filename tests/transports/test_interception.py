"""Interception: it works in all threads and tasks and beside other tools, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpcore
import httpx
import httpx2
import pytest
import respx
from support.clients import ASK
from support.questions import asked, four_answers, post
from support.streams import GOOGLE, events

import gemini_replay
from gemini_replay import Cassette, session
from gemini_replay.cassette.model import Chunk, Interaction, Response
from gemini_replay.errors import MissError, NetworkBlockedError, RecordingEndedError

LIBRARIES = [httpx, httpx2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette with four recordings of the same question."""
    return four_answers(tmp_path / "story.jsonl")


@pytest.fixture(params=LIBRARIES, ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Iterator[object]:
    return request.param


def test_sessions_nest_and_the_innermost_answers(path: Path, tmp_path: Path) -> None:
    """When the inner session has ended, the outer one answers again."""
    other = tmp_path / "other.jsonl"
    Cassette(interactions=[]).save(other)
    with gemini_replay.replay(path) as outer:
        with pytest.raises(MissError, match="holds no interaction"), gemini_replay.replay(other):
            post(httpx)
        assert post(httpx)
    assert len(outer.played) == 1


def test_a_session_is_found_from_any_thread(path: Path, library: object) -> None:
    """Threads, pools and executors of the code under test do not share the test's context."""
    with gemini_replay.replay(path, speed="instant") as opened:
        results: list[bytes] = []
        thread = threading.Thread(target=lambda: results.append(post(library)))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            results.append(pool.submit(post, library).result())

        async def main() -> bytes:
            return await asyncio.get_running_loop().run_in_executor(None, post, library)

        results.append(asyncio.run(main()))
    assert results == [b"".join(events(3))] * 3
    assert len(opened.played) == 3


def test_two_tasks_may_have_sessions_of_their_own(path: Path, tmp_path: Path) -> None:
    """Each task's requests go to the session that the task opened, even if others open later."""
    other = tmp_path / "other.jsonl"
    Cassette(interactions=[Interaction(asked(), Response(200), (Chunk(0, b"other"),))]).save(other)

    async def ask(cassette: Path, mine: asyncio.Event, theirs: asyncio.Event) -> bytes:
        with gemini_replay.replay(cassette, speed="instant"):
            mine.set()
            await theirs.wait()
            async with httpx.AsyncClient() as client:
                return (await client.post(GOOGLE, json=ASK)).content

    async def main() -> list[bytes]:
        one, two = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(ask(path, one, two), ask(other, two, one))

    assert asyncio.run(main()) == [b"".join(events(3)), b"other"]


def test_an_active_respx_router_and_a_session_live_side_by_side(path: Path, respx_mock: respx.MockRouter) -> None:
    """Respx answers requests that it has routes for, the cassette answers Gemini's; neither sees the other's."""
    route = respx_mock.get("https://example.com/").mock(return_value=httpx.Response(204))
    with gemini_replay.replay(path) as opened:
        assert post(httpx)
        assert httpx.get("https://example.com/").status_code == 204
    assert len(opened.played) == 1
    assert route.call_count == 1


def test_a_request_that_respx_would_let_through_is_an_error(path: Path, respx_mock: respx.MockRouter) -> None:
    """A Gemini request without a recording does not reach the network through a pass-through route."""
    respx_mock.route().pass_through()
    with pytest.raises(MissError), gemini_replay.replay(path):
        post(httpx, {"contents": "another"})


def test_respx_started_inside_a_session_may_be_stopped_after_it(path: Path) -> None:
    """Respx puts our function back, which then does nothing, even while another session is open."""
    opened = gemini_replay.replay(path)
    opened.__enter__()
    router = respx.mock(assert_all_called=False)
    router.start()
    opened.__exit__(None, None, None)
    router.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1beta/models/m:streamGenerateContent", json=ASK)
    with gemini_replay.replay(path) as another:
        assert post(httpx)
    assert len(another.played) == 1


def test_routes_of_respx_that_are_made_in_a_session_are_asked_first(path: Path) -> None:
    """They lie above the cassette. Requests without a route go to the cassette."""
    with gemini_replay.replay(path) as opened, respx.mock(assert_all_called=False) as router:
        router.post(GOOGLE, headers={"x-mocked": "yes"}).mock(return_value=httpx.Response(204))
        router.route().pass_through()
        assert httpx.post(GOOGLE, json=ASK, headers={"x-mocked": "yes"}).status_code == 204
        assert post(httpx)
    assert len(opened.played) == 1


def test_another_tools_patch_over_ours_keeps_working(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is applied during the session and removed after it. By then, ours below it does nothing."""
    calls = []
    with gemini_replay.replay(path):
        inner = httpcore.ConnectionPool.handle_request

        def outer(pool: httpcore.ConnectionPool, request: httpcore.Request) -> httpcore.Response:
            calls.append(request)
            return inner(pool, request)

        monkeypatch.setattr(httpcore.ConnectionPool, "handle_request", outer)
        assert post(httpx)
    assert httpcore.ConnectionPool.handle_request is outer
    with pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1beta/models/m:streamGenerateContent", json=ASK)
    assert len(calls) == 2


class Unseen(httpx.BaseTransport):
    """A user's own transport, which is not intercepted: it connects to the host itself."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with socket.create_connection((request.url.host, 443), timeout=1):
            raise AssertionError("the network was reached")


@pytest.mark.parametrize("host", ["generativelanguage.googleapis.com", "us-central1-aiplatform.googleapis.com"])
def test_a_client_without_interception_is_stopped_at_the_look_up(path: Path, host: str) -> None:
    """Our error names the host, and counts as a miss even if it is swallowed."""
    with pytest.raises(NetworkBlockedError, match=host), gemini_replay.replay(path) as opened:
        with pytest.raises(NetworkBlockedError), httpx.Client(transport=Unseen()) as client:
            client.get(f"https://{host}/v1beta/models")
        assert len(opened.misses) == 1


def test_other_hosts_can_be_looked_up(path: Path) -> None:
    """The guard refuses only Gemini's hosts and those in `hosts`."""
    with gemini_replay.replay(path, hosts=["*.example.org"]):
        assert socket.getaddrinfo("localhost", 80)
    with pytest.raises(NetworkBlockedError), gemini_replay.replay(path, hosts=["*.example.org"]):
        socket.getaddrinfo(b"api.example.org", 443)


def test_reading_past_a_cancelled_recording_is_explained(tmp_path: Path, library: object) -> None:
    """The error says that the recording stops here; no bytes are made up."""
    from gemini_replay.cassette.model import End

    path = tmp_path / "cut.jsonl"
    cut = Interaction(asked(), Response(200), (Chunk(0, b"data: {}\n\n"),), End("cancelled"))
    Cassette(interactions=[cut]).save(path)
    with gemini_replay.replay(path), pytest.raises(RecordingEndedError, match="no more bytes"):
        post(library)


def test_a_request_after_the_session_reaches_the_network(path: Path) -> None:
    """It is sent as if there had been no session."""
    with gemini_replay.replay(path):
        pass
    assert session.candidates() == ()
    with pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1beta/models/m:streamGenerateContent", json=ASK)


def test_recording_under_a_session_of_mode_live_passes_everything(tmp_path: Path) -> None:
    """There is no cassette, no guard and no miss."""
    with gemini_replay.record(tmp_path / "x.jsonl", mode="live") as opened, pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1beta/models/m:streamGenerateContent", json=ASK)
    assert opened.recorded_count == 0
    assert list(tmp_path.iterdir()) == []


def test_the_next_session_replaces_what_another_tool_has_restored(path: Path) -> None:
    """This holds even for a session within an open one."""
    original = socket.getaddrinfo
    with gemini_replay.replay(path):
        replaced = socket.getaddrinfo
        socket.getaddrinfo = original
        with gemini_replay.replay(path):
            assert socket.getaddrinfo is replaced
    assert socket.getaddrinfo is original
