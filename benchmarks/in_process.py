"""Clients in the process that replays: many in one event loop, or each in a thread of its own."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import httpx2
import requests

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


async def _httpx2(story: Story, count: int, ramp: float) -> list[Stream]:
    async def one(number: int) -> Stream:
        await asyncio.sleep(ramp * number / count)
        seen, sent = [], time.perf_counter()
        async with client.stream("POST", GOOGLE, content=ASK, headers=HEADERS) as response:
            async for chunk in response.aiter_raw():
                seen.append((time.perf_counter(), chunk))
        return Stream(sent, seen)

    async with httpx2.AsyncClient() as client:
        return await asyncio.gather(*(one(number) for number in range(count)))


async def _aiohttp(story: Story, count: int, ramp: float) -> list[Stream]:
    async def one(number: int) -> Stream:
        await asyncio.sleep(ramp * number / count)
        seen, sent = [], time.perf_counter()
        async with client.post(GOOGLE, data=ASK, headers=HEADERS) as response:
            async for chunk in response.content.iter_any():
                seen.append((time.perf_counter(), chunk))
        return Stream(sent, seen)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        return await asyncio.gather(*(one(number) for number in range(count)))


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
    "aiohttp": _in_loop(_aiohttp),
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
