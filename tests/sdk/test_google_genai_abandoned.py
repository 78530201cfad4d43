"""google-genai in async code: streams that are cancelled, or not read to their end."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from support.raw_server import CHUNKED, Answer, chunked, raw_server
from support.streams import events

from gemini_replay import Session

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
pytest.importorskip("aiohttp", reason="aiohttp is not installed")
pytest.importorskip("httpx2", reason="httpx2 is not installed")

from gemini_replay.transports import aiohttp_replay, httpx_exchange  # noqa: E402  # they need these libraries

# The SDK derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

STORY = events(4)
ASK = {"model": "gemini-2.5-flash", "contents": "给我讲一个关于月亮的小故事。"}
TEXTS = [f"第{n}句。🌙" for n in range(1, 5)]


class Watched:
    """All async responses that were played, and what is left of them in the loop."""

    def __init__(self) -> None:
        self.over_aiohttp: list[Any] = []
        self.over_httpx2: list[Any] = []

    def left(self) -> list[object]:
        """Other tasks, timers, and responses that are still open."""
        loop: Any = asyncio.get_running_loop()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        timers = [timer for timer in loop._scheduled if not timer.cancelled()]
        playing = [played for played in self.over_aiohttp if not played.is_closing() or played._handle is not None]
        playing += [body for body in self.over_httpx2 if not body._closed]
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
    play = httpx_exchange.AsyncExchange.play

    async def answered(self: Any, playback: Any) -> Any:
        response = await play(self, playback)
        watching.over_httpx2.append(response.stream)
        return response

    monkeypatch.setattr(httpx_exchange.AsyncExchange, "play", answered)
    return watching


def occupied(client: Any) -> list[object]:
    """The connections in use in the connectors of the SDK's aiohttp sessions."""
    sessions = client._api_client._aiohttp_sessions.values()
    return [held for session in sessions for held in session.connector._acquired]


async def turns() -> None:
    """Let the loop run everything that is due."""
    for _ in range(5):
        await asyncio.sleep(0)


async def collected() -> None:
    """Collect garbage repeatedly: each async generator is closed in its own task, which makes more garbage."""
    for _ in range(3):
        gc.collect()
        await turns()


@pytest.mark.parametrize("way", ["httpx2-async", "aiohttp"], indirect=True)
class TestUnreadStreams:
    """Async streams that are not read to their end."""

    @pytest.mark.parametrize("fault", ["stall@head:30s", "stall@event:2:30s"], ids=["head", "body"])
    def test_cancelling_the_task_ends_the_response_and_leaves_nothing(
        self, way: str, replaying: Callable[..., Any], watched: Watched, fault: str
    ) -> None:
        """At once, no task, timer, response or used connection is left, and the next request is answered."""
        expected = [] if "head" in fault else TEXTS[:2]

        async def main(session: Session) -> list[str]:
            async with genai.Client().aio as client:
                told: list[str] = []

                async def tell() -> None:
                    async for chunk in await client.models.generate_content_stream(**ASK):
                        told.append(chunk.text)

                task = asyncio.create_task(tell())
                while not session.played or told != expected or len(watched.left()) <= 1:  # beside the task
                    await asyncio.sleep(0.01)
                await turns()
                assert len(watched.left()) > 1
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
    def test_a_time_limit_of_asyncio_ends_the_response_too(
        self, way: str, replaying: Callable[..., Any], watched: Watched, limit: str
    ) -> None:
        """Such a limit cancels the task."""

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
        """The SDK's response is in a reference cycle. When it is collected, it closes the played response."""

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

    def test_a_real_connection_also_waits_for_the_garbage_collector(
        self, way: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Only then does the server see the client leave."""
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
        """This holds even for an abandoned stream that was not collected."""

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
    """Read two events, and abandon the stream in the proper way."""
    stream = await client.models.generate_content_stream(**ASK)
    count = 0
    async for _ in stream:
        count += 1
        if count == 2:
            break
    await stream.aclose()
    del stream
    await turns()
