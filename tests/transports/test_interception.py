"""Interception: found from everywhere, beside other tools, and gone without a trace."""

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
    """And the outer one is back afterwards."""
    other = tmp_path / "other.jsonl"
    Cassette(interactions=[]).save(other)
    with gemini_replay.replay(path) as outer:
        with pytest.raises(MissError, match="holds no interaction"), gemini_replay.replay(other):
            post(httpx)
        assert post(httpx)
    assert len(outer.played) == 1


def test_a_session_is_found_from_any_thread(path: Path, library: object) -> None:
    """Threads of the code under test have no context of the test's; pools neither; executors neither."""
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
    """Each task's requests go to the session that it opened, whatever was opened later."""
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
    """Respx answers what it has routes for, the cassette answers Gemini; neither sees the other's."""
    route = respx_mock.get("https://example.com/").mock(return_value=httpx.Response(204))
    with gemini_replay.replay(path) as opened:
        assert post(httpx)
        assert httpx.get("https://example.com/").status_code == 204
    assert len(opened.played) == 1
    assert route.call_count == 1


def test_a_request_that_respx_would_let_through_is_an_error(path: Path, respx_mock: respx.MockRouter) -> None:
    """A pass-through route is no way to the network for a Gemini request that no recording answers."""
    respx_mock.route().pass_through()
    with pytest.raises(MissError), gemini_replay.replay(path):
        post(httpx, {"contents": "another"})


def test_respx_started_inside_a_session_may_be_stopped_after_it(path: Path) -> None:
    """It puts back what it found, ours, which does nothing any more: also where another session is open."""
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
    """They were put over the cassette; what no route is for is the cassette's."""
    with gemini_replay.replay(path) as opened, respx.mock(assert_all_called=False) as router:
        router.post(GOOGLE, headers={"x-mocked": "yes"}).mock(return_value=httpx.Response(204))
        router.route().pass_through()
        assert httpx.post(GOOGLE, json=ASK, headers={"x-mocked": "yes"}).status_code == 204
        assert post(httpx)
    assert len(opened.played) == 1


def test_another_tools_patch_over_ours_stays_and_stays_harmless(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put on during the session and taken off after it: ours underneath does nothing any more."""
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
    """A transport of a user's own, which no interception knows: it goes straight to the socket."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with socket.create_connection((request.url.host, 443), timeout=1):
            raise AssertionError("the network was reached")


@pytest.mark.parametrize("host", ["generativelanguage.googleapis.com", "us-central1-aiplatform.googleapis.com"])
def test_a_client_that_nobody_intercepts_is_stopped_at_the_look_up(path: Path, host: str) -> None:
    """With an error of our own that names the host; it counts as a miss also where it is swallowed."""
    with pytest.raises(NetworkBlockedError, match=host), gemini_replay.replay(path) as opened:
        with pytest.raises(NetworkBlockedError), httpx.Client(transport=Unseen()) as client:
            client.get(f"https://{host}/v1beta/models")
        assert len(opened.misses) == 1


def test_other_hosts_can_be_looked_up(path: Path) -> None:
    """The guard knows Gemini's hosts and those that it was told of, no others."""
    with gemini_replay.replay(path, hosts=["*.example.org"]):
        assert socket.getaddrinfo("localhost", 80)
    with pytest.raises(NetworkBlockedError), gemini_replay.replay(path, hosts=["*.example.org"]):
        socket.getaddrinfo(b"api.example.org", 443)


def test_reading_past_a_recording_that_its_client_let_go_of_is_explained(tmp_path: Path, library: object) -> None:
    """Nothing is invented: the error says that the recording stops here."""
    from gemini_replay.cassette.model import End

    path = tmp_path / "cut.jsonl"
    cut = Interaction(asked(), Response(200), (Chunk(0, b"data: {}\n\n"),), End("cancelled"))
    Cassette(interactions=[cut]).save(path)
    with gemini_replay.replay(path), pytest.raises(RecordingEndedError, match="no more bytes"):
        post(library)


def test_a_request_after_the_session_is_no_business_of_ours(path: Path) -> None:
    """It goes to the network as if nothing had been."""
    with gemini_replay.replay(path):
        pass
    assert session.candidates() == ()
    with pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1beta/models/m:streamGenerateContent", json=ASK)


def test_recording_under_a_session_of_mode_live_passes_everything(tmp_path: Path) -> None:
    """No cassette, no guard, no miss."""
    with gemini_replay.record(tmp_path / "x.jsonl", mode="live") as opened, pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1beta/models/m:streamGenerateContent", json=ASK)
    assert opened.recorded_count == 0
    assert list(tmp_path.iterdir()) == []


def test_what_another_tool_has_put_back_is_replaced_again_by_the_next_session(path: Path) -> None:
    """Even within an open one."""
    original = socket.getaddrinfo
    with gemini_replay.replay(path):
        replaced = socket.getaddrinfo
        socket.getaddrinfo = original
        with gemini_replay.replay(path):
            assert socket.getaddrinfo is replaced
    assert socket.getaddrinfo is original
