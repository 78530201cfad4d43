"""Parsers with asyncio: over lines, with tasks and queues, as objects."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from quality.correct.registry import block_values, correct
from quality.correct.styles import Fed


@correct("gemini", "gateway")
async def async_list(chunks: Any) -> list[Any]:
    """A coroutine of a list."""
    parser = Fed()
    values = [value async for chunk in chunks for value in parser.feed(chunk)]
    return values + parser.flush()


@correct("gemini", "gateway")
class AsyncObject:
    """An asynchronous iterator with a state of its own."""

    def __init__(self, chunks: Any) -> None:
        self._chunks = chunks.__aiter__()
        self._parser = Fed()
        self._ready: list[Any] = []
        self._ended = False

    def __aiter__(self) -> AsyncObject:
        return self

    async def __anext__(self) -> Any:
        while not self._ready:
            if self._ended:
                raise StopAsyncIteration
            chunk = await anext(self._chunks, None)
            self._ended = chunk is None
            self._ready += self._parser.flush() if chunk is None else self._parser.feed(chunk)
        return self._ready.pop(0)


@correct("gateway")
async def async_task_that_reads_ahead(chunks: Any) -> AsyncIterator[Any]:
    """A task reads into a queue; it is cancelled if the consumer goes away."""
    pipe: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()

    async def read() -> None:
        try:
            async for chunk in chunks:
                pipe.put_nowait(chunk)
        except Exception as error:
            pipe.put_nowait(error)
        else:
            pipe.put_nowait(None)

    task = asyncio.ensure_future(read())
    parser = Fed()
    try:
        while (chunk := await pipe.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            for value in parser.feed(chunk):
                yield value
        for value in parser.flush():
            yield value
    finally:
        task.cancel()


@correct("gateway")
async def async_stream_reader(chunks: Any) -> AsyncIterator[Any]:
    """Asyncio's own reader of lines."""
    reader = asyncio.StreamReader(limit=1 << 30)
    lines: list[str] = []
    async for chunk in chunks:
        reader.feed_data(chunk)
        for _ in range(chunk.count(b"\n")):  # readline waits for no other
            line = (await reader.readline()).rstrip(b"\r\n").decode("utf-8", "replace")
            if line:
                lines.append(line)
                continue
            for value in block_values(lines):
                yield value
            lines.clear()
    reader.feed_eof()
    lines.append((await reader.read()).decode("utf-8", "replace"))
    for value in block_values(lines):
        yield value


@correct("json-array")
async def async_array_of_elements(chunks: Any) -> AsyncIterator[Any]:
    """A scanner of bytes: strings are passed over, the depth of brackets is counted."""
    depth, string, escaped = 0, False, False
    element = bytearray()
    async for chunk in chunks:
        for byte in chunk:
            if depth > 1 or (depth == 1 and byte == 0x7B and not string):
                element.append(byte)
            if string:
                string, escaped = not (byte == 0x22 and not escaped), byte == 0x5C and not escaped
            elif byte == 0x22:
                string = True
            elif byte in b"[{":
                depth += 1
                if depth == 1 and byte == 0x7B:  # an object in place of an array
                    depth, element = 2, bytearray(b"{")
            elif byte in b"]}":
                depth -= 1
                if depth == 1 and element:
                    with contextlib.suppress(ValueError):
                        yield json.loads(element.decode("utf-8", "replace"))
                    element.clear()
