"""The recording proxy in front of upstreams that a test scripts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gemini_replay import Cassette, Interaction, Session
from gemini_replay.server import upstream
from gemini_replay.server.serving import serving
from gemini_replay.server.upstream.scenarios import Scenario
from support.streams import events

ASK = {"contents": [{"role": "user", "parts": [{"text": "Tell me a story."}]}]}


Fetch = Callable[..., Any]


@contextmanager
def proxied(path: Path, base: str, **options: Any) -> Iterator[str]:
    """A proxy in front of `base`; yields its URL. Its session is closed at the end."""
    session = Session(path, hosts=None, **{"mode": "rewrite", **options})
    with serving(session, base=base) as url:
        yield url
    session.close()


def recorded(path: Path) -> list[Interaction]:
    return Cassette.load(path).interactions


def scripted(chunks: list[bytes], *, gap: float = 0.001, **options: Any) -> Any:
    return upstream.start(Scenario.from_chunks(chunks, gaps=[gap] * len(chunks), **options), key=None)


class Paced:
    """An upstream that sends its next chunk, and after the last one the end, each time the test calls it."""

    def __init__(self, chunks: list[bytes] | None = None) -> None:
        self._chunks = events(3) if chunks is None else chunks
        self._next = threading.Semaphore(0)
        self.left = threading.Event()

    def __call__(self) -> None:
        self._next.release()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.ensure_future(self._send(send))
        while (await receive())["type"] != "http.disconnect":
            pass
        sending.cancel()
        self.left.set()

    async def _send(self, send: Any) -> None:
        for data in [*self._chunks, b""]:
            while not self._next.acquire(blocking=False):
                await asyncio.sleep(0.001)
            await send({"type": "http.response.body", "body": data, "more_body": bool(data)})


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
