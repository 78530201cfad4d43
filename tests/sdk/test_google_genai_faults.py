"""google-genai under faults, by each of its three ways: its retries, its time limits, and cancelling a stream."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import recorded, streaming
from support.raw_server import CHUNKED, Answer, chunked, raw_server
from support.streams import events

import gemini_replay
from gemini_replay import Session

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")
httpx2 = pytest.importorskip("httpx2", reason="httpx2 is not installed")

from gemini_replay.transports import aiohttp_replay, httpx_family  # noqa: E402  # they need these libraries

# The SDK derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

STORY = events(4)
SOON = {"initial_delay": 0.0, "max_delay": 0.0, "jitter": 0.0}
"""The SDK's retries without the seconds between them."""

ASK = {"model": "gemini-2.5-flash", "contents": "给我讲一个关于月亮的小故事。"}


def tell_sync(options: Any = None) -> list[str]:
    """What a user writes."""
    with genai.Client(http_options=options) as client:
        return [chunk.text for chunk in client.models.generate_content_stream(**ASK)]


def tell_async(options: Any = None) -> list[str]:
    """The same in async code."""

    async def tell() -> list[str]:
        async with genai.Client(http_options=options).aio as client:
            return [chunk.text async for chunk in await client.models.generate_content_stream(**ASK)]

    return asyncio.run(tell())


WAYS: dict[str, Callable[..., list[str]]] = {"httpx2": tell_sync, "httpx2-async": tell_async, "aiohttp": tell_async}
TEXTS = [f"第{n}句。🌙" for n in range(1, 5)]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A way to ask, and the HTTP library that the SDK then takes."""
    from google.genai import _api_client

    monkeypatch.setenv("GEMINI_API_KEY", "AIzaSyD-0123456789abcdefghijklmnopqrstuv")
    for name in ("GOOGLE_API_KEY", "GOOGLE_GENAI_HTTP_CLIENT", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_api_client, "has_aiohttp", request.param == "aiohttp")
    return str(request.param)


@pytest.fixture
def tell(way: str) -> Callable[..., list[str]]:
    return WAYS[way]


@pytest.fixture
def replaying(tmp_path: Path) -> Callable[..., contextlib.AbstractContextManager[Session]]:
    """Replay the story with these faults; whatever the SDK's body looks like."""
    path = recorded(tmp_path / "story.jsonl", streaming(*STORY, gap=0.002))

    def replaying(fault: str = "", **options: Any) -> contextlib.AbstractContextManager[Session]:
        return gemini_replay.replay(path, fault=fault, match=("model", "action"), **options)

    return replaying


class TestRetries:
    """`HttpRetryOptions`."""

    @pytest.mark.parametrize("code", [429, 503])
    def test_two_errors_and_then_the_answer(
        self, tell: Callable[..., list[str]], replaying: Callable[..., Any], code: int
    ) -> None:
        """With three attempts it is had, in three requests; with two the second error is raised."""
        with replaying(f"status:{code};times=2", speed="instant") as session:
            assert tell({"retry_options": {"attempts": 3, **SOON}}) == TEXTS
        assert len(session.played) == 3
        with replaying(f"status:{code};times=2", speed="instant") as session:
            with pytest.raises(genai.errors.APIError) as raised:
                tell({"retry_options": {"attempts": 2, **SOON}})
        assert (raised.value.code, len(session.played)) == (code, 2)

    def test_without_options_the_first_error_is_raised(
        self, tell: Callable[..., list[str]], replaying: Callable[..., Any]
    ) -> None:
        """As its status."""
        with replaying("status:503", speed="instant") as session, pytest.raises(genai.errors.ServerError) as raised:
            tell()
        assert (raised.value.code, len(session.played)) == (503, 1)

    @pytest.mark.parametrize("fault", ["refuse", "reset@head", "close@head", "timeout:connect"])
    def test_a_connection_that_fails_is_tried_again(
        self, way: str, tell: Callable[..., list[str]], replaying: Callable[..., Any], fault: str
    ) -> None:
        """Over httpx2 only where there was none: one that broke before an answer is passed on."""
        passed_on = {"reset@head": httpx2.ReadError, "close@head": httpx2.RemoteProtocolError}
        with replaying(f"{fault};times=2", speed="instant"):
            if way != "aiohttp" and fault in passed_on:
                with pytest.raises(passed_on[fault]):
                    tell({"retry_options": {"attempts": 3, **SOON}})
            else:
                assert tell({"retry_options": {"attempts": 3, **SOON}}) == TEXTS

    def test_a_stream_that_has_begun_is_not_asked_for_again(
        self, way: str, tell: Callable[..., list[str]], replaying: Callable[..., Any]
    ) -> None:
        """A reset in mid-stream comes through as the library's own exception."""
        error = aiohttp.ClientPayloadError if way == "aiohttp" else httpx2.ReadError
        with replaying("reset@event:2", speed="instant") as session, pytest.raises(error):
            tell({"retry_options": {"attempts": 3, **SOON}})
        assert len(session.played) == 1


class TestTimeLimits:
    """`HttpOptions.timeout`, in milliseconds."""

    @pytest.mark.parametrize("speed", [1, "instant"])
    @pytest.mark.parametrize("place", ["head", "event:2"], ids=["head", "body"])
    def test_a_stall_raises_the_librarys_timeout(
        self, way: str, tell: Callable[..., list[str]], replaying: Callable[..., Any], place: str, speed: Any
    ) -> None:
        """After that time; at instant speed at once."""
        error = TimeoutError if way == "aiohttp" else httpx2.ReadTimeout
        limit = 0.3 if speed == 1 else 20.0
        began = time.perf_counter()
        with replaying(f"stall@{place}:30s", speed=speed), pytest.raises(error) as raised:
            tell({"timeout": int(limit * 1000)})
        assert type(raised.value) is error
        took = time.perf_counter() - began
        assert took < 10
        assert speed == "instant" or took > 0.29

    @pytest.mark.parametrize("speed", [1, "instant"])
    def test_over_aiohttp_it_is_a_limit_for_the_whole_stream(
        self, way: str, tell: Callable[..., list[str]], replaying: Callable[..., Any], speed: Any
    ) -> None:
        """Two waits, each within the limit, are too long together; over httpx2 the limit is for each read."""
        with replaying("stall@event:1:400ms,stall@event:2:400ms", speed=speed):
            if way == "aiohttp":
                with pytest.raises(TimeoutError):
                    tell({"timeout": 600})
            else:
                assert tell({"timeout": 600}) == TEXTS


class Watched:
    """Every async response that was played, and what is left of them in the loop."""

    def __init__(self) -> None:
        self.over_aiohttp: list[Any] = []
        self.over_httpx2: list[Any] = []

    def left(self) -> list[object]:
        """Tasks but this one, timers, and responses that are still open."""
        loop: Any = asyncio.get_running_loop()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        timers = [timer for timer in loop._scheduled if not timer.cancelled()]
        playing = [played for played in self.over_aiohttp if not played.is_closing() or played._handle is not None]
        playing += [body for body in self.over_httpx2 if body._source.ag_frame is not None]
        return [*tasks, *timers, *playing]

    @property
    def count(self) -> int:
        return len(self.over_aiohttp) + len(self.over_httpx2)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    watching = Watched()

    def watch(owner: Any, seen: list[Any]) -> None:
        original = owner.__init__

        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            seen.append(self)

        monkeypatch.setattr(owner, "__init__", init)

    watch(aiohttp_replay._Played, watching.over_aiohttp)
    watch(httpx_family.AsyncBody, watching.over_httpx2)
    return watching


def occupied(client: Any) -> list[object]:
    """What holds a place in the connectors of the SDK's aiohttp sessions."""
    sessions = client._api_client._aiohttp_sessions.values()
    return [held for session in sessions for held in session.connector._acquired]


async def turns() -> None:
    """Let what is due happen."""
    for _ in range(5):
        await asyncio.sleep(0)


async def collected() -> None:
    """Collect garbage, and what only becomes garbage by that: each async generator is closed in a task of its own."""
    for _ in range(3):
        gc.collect()
        await turns()


@pytest.mark.parametrize("way", ["httpx2-async", "aiohttp"], indirect=True)
class TestLettingGo:
    """An async stream that nobody reads to its end."""

    @pytest.mark.parametrize("fault", ["stall@head:30s", "stall@event:2:30s"], ids=["head", "body"])
    def test_cancelling_the_task_ends_the_response_and_leaves_nothing(
        self, way: str, replaying: Callable[..., Any], watched: Watched, fault: str
    ) -> None:
        """At once: no task, no timer, no response, no place in the pool; and the next request is answered."""
        expected = [] if "head" in fault else TEXTS[:2]

        async def main(session: Session) -> list[str]:
            async with genai.Client().aio as client:
                told: list[str] = []

                async def tell() -> None:
                    async for chunk in await client.models.generate_content_stream(**ASK):
                        told.append(chunk.text)

                task = asyncio.create_task(tell())
                while not session.played or told != expected:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.05)
                assert len(watched.left()) > 1  # beside the task
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert told == expected
                assert watched.left() == []
                assert occupied(client) == []
                return [chunk.text async for chunk in await client.models.generate_content_stream(**ASK)]

        with replaying(f"{fault};once") as session:
            assert asyncio.run(main(session)) == TEXTS

    @pytest.mark.parametrize("limit", ["timeout", "wait_for"])
    def test_a_time_limit_of_asyncios_own_does_the_same(
        self, way: str, replaying: Callable[..., Any], watched: Watched, limit: str
    ) -> None:
        """It cancels too."""

        async def tell(client: Any) -> None:
            async for _ in await client.models.generate_content_stream(**ASK):
                pass

        async def main() -> None:
            async with genai.Client().aio as client:
                with pytest.raises(TimeoutError):
                    if limit == "timeout":
                        async with asyncio.timeout(0.5):
                            await tell(client)
                    else:
                        await asyncio.wait_for(tell(client), 0.5)
                assert watched.left() == []
                assert occupied(client) == []

        with replaying("stall@event:2:30s"):
            asyncio.run(main())
        assert watched.count == 1

    def test_break_and_aclose_wait_for_the_garbage_collector(
        self, way: str, replaying: Callable[..., Any], watched: Watched
    ) -> None:
        """The SDK's own response refers to itself; collected, it closes what was played, and nothing is left."""

        async def main() -> None:
            async with genai.Client().aio as client:
                await abandon(client)
                assert [item for item in watched.left() if item in watched.over_aiohttp + watched.over_httpx2]
                await collected()
                assert watched.left() == []
                assert occupied(client) == []

        gc.disable()
        try:
            with replaying("stall@event:3:30s"):
                asyncio.run(main())
        finally:
            gc.enable()
        assert watched.count == 1

    def test_on_a_real_connection_they_do_so_too(self, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The server sees the client leave only then."""
        pieces = [(0.0, CHUNKED), *[(0.0, chunked(data)) for data in STORY[:3]]]

        async def main() -> tuple[bool, bool]:
            async with genai.Client().aio as client:
                await abandon(client)
                early = still_open()
                await collected()
                return early, still_open()

        def still_open() -> bool:
            """Whether the client has a connection to the server."""
            return any(
                isinstance(found, asyncio.Transport)
                and not found.is_closing()
                and found.get_extra_info("peername") == address
                for found in gc.get_objects()
            )

        gc.disable()
        try:
            with raw_server(Answer(pieces)) as server:
                monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
                host, port = server.url.removeprefix("http://").split(":")
                address = (host, int(port))
                assert asyncio.run(main()) == (True, False)
        finally:
            gc.enable()

    def test_closing_the_client_leaves_no_task_and_no_timer(
        self, way: str, replaying: Callable[..., Any], watched: Watched
    ) -> None:
        """Also where the stream was let go of, and nothing was collected."""

        async def main() -> None:
            async with genai.Client().aio as client:
                await abandon(client)
            await turns()
            assert [item for item in watched.left() if item not in watched.over_httpx2] == []

        gc.disable()
        try:
            with replaying("stall@event:3:30s"):
                asyncio.run(main())
        finally:
            gc.enable()


async def abandon(client: Any) -> None:
    """Read two events, and let go of the stream as one should."""
    stream = await client.models.generate_content_stream(**ASK)
    count = 0
    async for _ in stream:
        count += 1
        if count == 2:
            break
    await stream.aclose()
    del stream
    await turns()
