"""Bugs of time, size and state, and of asynchronous parsers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from .registry import good_events, good_lines, planted


@planted("gemini", 70_000)
def reads_lines_of_64_kb(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Asyncio's StreamReader has that limit."""

    def limited() -> Iterator[str]:
        for line in good_lines(chunks):
            if len(line) > 65536:
                raise ValueError("Separator is found, but chunk is longer than limit")
            yield line

    yield from good_events(limited())


@planted("gemini", 310_000)
def cuts_off_long_lines(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``readline(262144)``."""

    def limited() -> Iterator[str]:
        for line in good_lines(chunks):
            for at in range(0, len(line) or 1, 262_144):
                yield line[at : at + 262_144]

    yield from good_events(limited())


@planted("gemini", 120)
def is_late_by_one_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Reads ahead to see whether there is more."""

    def ahead() -> Iterator[bytes]:
        before = None
        for chunk in chunks:
            if before is not None:
                yield before
            before = chunk
        if before is not None:
            yield before

    yield from good_events(good_lines(ahead()))


@planted("gemini", 120)
def gives_all_at_the_end(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A generator that yields everything at the end."""
    yield from good_events(good_lines([b"".join(chunks)]))


@planted("gemini", 0)
def searches_all_of_the_buffer_each_time(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Its time grows with the square of an event's size."""
    buffer = b""
    for chunk in chunks:
        buffer = buffer + chunk
        while found := re.search(rb"\r\n\r\n|\n\n|\r\n\Z(?<=\}\n)", buffer):
            block, buffer = buffer[: found.start()], buffer[found.end() :]
            yield from good_events(good_lines([block]))
    yield from good_events(good_lines([buffer]))


@planted("gemini", 0)
def remembers_all_that_it_has_held(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Its memory grows with the square of an event's size."""
    held = [b""]

    def remembered() -> Iterator[bytes]:
        for chunk in chunks:
            held.append(held[-1] + chunk)
            yield chunk

    yield from good_events(good_lines(remembered()))


@planted("gemini", 0)
def parses_from_the_start_with_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Right, and quadratic in the number of events."""
    body, given = b"", 0
    for chunk in chunks:
        body += chunk
        whole = body[: body.rfind(b"\n") + 1]
        if whole.endswith(b"\r\n\r\n") or whole.endswith(b"\n}\n"):
            events = list(good_events(good_lines([whole])))
            yield from events[given:]
            given = len(events)
    yield from list(good_events(good_lines([body])))[given:]


@planted("gemini", 300)
def keeps_its_buffer_between_streams(chunks: Iterable[bytes], rest: list[bytes] = []) -> Iterator[Any]:  # noqa: B006
    """A stream that ended early spoils the next one."""

    def lines() -> Iterator[str]:
        for chunk in chunks:
            rest.append(chunk)
            if b"\n" in chunk:
                *ended, last = b"".join(rest).split(b"\n")
                rest[:] = [last]
                yield from (line.decode(errors="replace").removesuffix("\r") for line in ended)

    yield from good_events(lines())


@planted("gemini", 60)
def spins_on_an_incomplete_line(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Waits for the rest of a line without asking for it."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        while buffer:
            if b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                yield from good_events([line.decode().rstrip("\r"), ""])


@planted("gemini", 60)
async def async_without_a_buffer(chunks: Any) -> AsyncIterator[Any]:
    """As its sync sister."""
    async for chunk in chunks:
        for line in chunk.decode().split("\r\n"):
            if line.startswith("data: "):
                yield json.loads(line[6:])


@planted("gemini", 300)
async def async_that_skips_raw_errors(chunks: Any) -> AsyncIterator[Any]:
    """Only data lines count."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


@planted("gemini", 100)
async def async_reader_that_loses_the_last(chunks: Any) -> AsyncIterator[Any]:
    """A task fills a queue; its end is noticed before the queue is empty."""
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def read() -> None:
        async for chunk in chunks:
            queue.put_nowait(chunk)
            await asyncio.sleep(0)

    task = asyncio.create_task(read())
    rest = b""
    while not task.done():
        get = asyncio.create_task(queue.get())
        await asyncio.wait({get, task}, return_when=asyncio.FIRST_COMPLETED)
        if not get.done():
            get.cancel()
            break
        *lines, rest = (rest + get.result()).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])
    await task


@planted("gemini", 60)
async def async_list_of_whole_lines(chunks: Any) -> list[Any]:
    """A coroutine that returns a list; U+2028 is a line end to it."""
    body = b"".join([chunk async for chunk in chunks])
    return [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]
