"""Clients in the process that replays: many in one event loop, or each in a thread of its own."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import aiohttp
import httpx2
import requests

from benchmarks.canned_aiohttp import fed_connector
from benchmarks.story import ASK, GOOGLE, HEADERS, Story, Stream


async def _bare(story: Story, count: int, ramp: float) -> list[Stream]:
    """Only the timers of one loop, at the moments when clients should see chunks, without clients and replay."""
    loop = asyncio.get_running_loop()

    def one(number: int) -> asyncio.Future[Stream]:
        done: asyncio.Future[Stream] = loop.create_future()
        seen: list[tuple[float, bytes]] = []
        sent = began = 0.0

        def tick() -> None:
            seen.append((time.perf_counter(), story.chunks[len(seen)]))
            if len(seen) < len(story.chunks):
                loop.call_at(began + story.due[len(seen)], tick)
            else:
                done.set_result(Stream(sent, seen))

        def begin() -> None:
            nonlocal sent, began
            sent, began = time.perf_counter(), loop.time()
            loop.call_at(began + story.due[0], tick)

        loop.call_later(ramp * number / count, begin)
        return done

    return await asyncio.gather(*(one(number) for number in range(count)))


async def _httpx2(
    story: Story, count: int, ramp: float, transport: httpx2.AsyncBaseTransport | None = None
) -> list[Stream]:
    async def one(number: int) -> Stream:
        await asyncio.sleep(ramp * number / count)
        seen, sent = [], time.perf_counter()
        async with client.stream("POST", GOOGLE, content=ASK, headers=HEADERS) as response:
            async for chunk in response.aiter_raw():
                seen.append((time.perf_counter(), chunk))
        return Stream(sent, seen)

    async with httpx2.AsyncClient(transport=transport) as client:
        return await asyncio.gather(*(one(number) for number in range(count)))


async def _httpx2_mocked(story: Story, count: int, ramp: float) -> list[Stream]:
    """The client on its own `MockTransport`, whose streams only sleep and give the next chunk."""
    loop = asyncio.get_running_loop()

    class Sleeping(httpx2.AsyncByteStream):
        def __init__(self) -> None:
            self._began = loop.time()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for due, chunk in zip(story.due, story.chunks, strict=True):
                await asyncio.sleep(self._began + due - loop.time())
                yield chunk

    async def answer(request: httpx2.Request) -> httpx2.Response:
        stream = Sleeping()
        await asyncio.sleep(story.head)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=stream)

    return await _httpx2(story, count, ramp, httpx2.MockTransport(answer))


async def _aiohttp(
    story: Story, count: int, ramp: float, connector: aiohttp.BaseConnector | None = None
) -> list[Stream]:
    async def one(number: int) -> Stream:
        await asyncio.sleep(ramp * number / count)
        seen, sent = [], time.perf_counter()
        async with client.post(GOOGLE, data=ASK, headers=HEADERS) as response:
            async for chunk in response.content.iter_any():
                seen.append((time.perf_counter(), chunk))
        return Stream(sent, seen)

    async with aiohttp.ClientSession(connector=connector or aiohttp.TCPConnector(limit=0)) as client:
        return await asyncio.gather(*(one(number) for number in range(count)))


async def _aiohttp_mocked(story: Story, count: int, ramp: float) -> list[Stream]:
    """The client on real `ResponseHandler`s, which timers of the loop feed with ready bytes."""
    return await _aiohttp(story, count, ramp, fed_connector(story.chunks, [story.head, *story.due]))


def _httpx2_sync() -> Stream:
    with httpx2.Client() as client:
        seen, sent = [], time.perf_counter()
        with client.stream("POST", GOOGLE, content=ASK, headers=HEADERS) as response:
            for chunk in response.iter_raw():
                seen.append((time.perf_counter(), chunk))
        return Stream(sent, seen)


def _requests() -> Stream:
    with requests.Session() as client:
        seen, sent = [], time.perf_counter()
        with client.post(GOOGLE, data=ASK, headers=HEADERS, stream=True) as response:
            for chunk in response.iter_content(None):
                seen.append((time.perf_counter(), chunk))
        return Stream(sent, seen)


def _in_loop(work: Callable[[Story, int, float], Coroutine[Any, Any, list[Stream]]]) -> Player:
    return lambda story, count, ramp: asyncio.run(work(story, count, ramp))


def _in_threads(work: Callable[[], Stream]) -> Player:
    def play(story: Story, count: int, ramp: float) -> list[Stream]:
        streams: list[Stream] = []

        def one(delay: float) -> None:
            time.sleep(delay)
            streams.append(work())

        threads = [threading.Thread(target=one, args=(ramp * number / count,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(streams) == count, "a stream was broken off"
        return streams

    return play


Player = Callable[[Story, int, float], list[Stream]]

PLAYERS: dict[str, Player] = {
    "bare": _in_loop(_bare),
    "httpx2": _in_loop(_httpx2),
    "httpx2, mocked": _in_loop(_httpx2_mocked),
    "aiohttp": _in_loop(_aiohttp),
    "aiohttp, mocked": _in_loop(_aiohttp_mocked),
    "httpx2, threads": _in_threads(_httpx2_sync),
    "requests, threads": _in_threads(_requests),
}


def play(player: Player, story: Story, count: int, ramp: float) -> tuple[list[Stream], float]:
    """This many streams, begun within `ramp` seconds, and the processor time that they took, in seconds."""
    gc.collect()
    gc.freeze()  # a server does this with the objects that exist before the first request
    before = time.process_time()
    try:
        return player(story, count, ramp), time.process_time() - before
    finally:
        gc.unfreeze()
