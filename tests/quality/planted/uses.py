"""Bugs of use: what is left of one stream in the next, beside it, or after it was broken off."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import functools
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from .registry import good_elements, good_events, good_lines, planted


class Parser:
    """Has the lines of one stream, and does not always let go of them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.rest = b""

    def feed(self, chunk: bytes) -> list[Any]:
        """The events that a chunk completes."""
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        self.lines += [line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines]
        whole = len(self.lines) - self.lines[::-1].index("") if "" in self.lines else 0
        raw = "{" in self.lines[whole:]
        found = list(good_events(self.lines[:whole])) if not raw else []
        self.lines = self.lines[0 if raw else whole :]
        return found

    def close(self) -> list[Any]:
        """The events that the end completes."""
        lines = [*self.lines, self.rest.decode("utf-8", "replace")]
        self.lines, self.rest = [], b""
        return list(good_events(lines))


SHARED = Parser()


@planted("gemini", 300)
def one_parser_for_all_streams(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Its end clears it; a stream that is broken off does not."""
    for chunk in chunks:
        yield from SHARED.feed(chunk)
    yield from SHARED.close()


DECODER = codecs.getincrementaldecoder("utf-8")("replace")


@planted("gemini", 300)
def one_decoder_for_all_streams(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Half a character of one stream stands before the next."""
    yield from good_events(good_lines(DECODER.decode(chunk).encode() for chunk in chunks))


CURRENT: list[bytes] = []


@planted("gemini", 300, chunks=6)
def clears_its_buffer_at_the_start(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Right for one stream after another, not for two at a time."""

    def lines() -> Iterator[str]:
        CURRENT.clear()
        for chunk in chunks:
            CURRENT.append(chunk)
            if b"\n" in chunk:
                *ended, last = b"".join(CURRENT).split(b"\n")
                CURRENT[:] = [last]
                yield from (line.decode(errors="replace").removesuffix("\r") for line in ended)
        yield b"".join(CURRENT).decode(errors="replace")

    yield from good_events(lines())


RESULTS: list[Any] = []


@planted("gemini", 300)
def one_list_for_all_threads(chunks: Iterable[bytes]) -> list[Any]:
    """A list at the end, so that only threads can meet in it."""
    RESULTS.clear()
    for value in good_events(good_lines(chunks)):
        RESULTS.append(value)
    return list(RESULTS)


PIECES: list[bytes] = []


@planted("json-array", 300, chunks=4)
async def one_buffer_for_all_tasks(chunks: Any) -> list[Any]:
    """Two tasks fill one buffer."""
    PIECES.clear()
    async for chunk in chunks:
        PIECES.append(chunk)
    return list(good_elements([b"".join(PIECES)]))


cached = functools.lru_cache(maxsize=64)(json.loads)


@planted("gemini", 300)
def gives_the_same_object_for_the_same_text(chunks: Iterable[bytes]) -> list[Any]:
    """What one consumer does to an event, the next one sees."""
    values: list[Any] = []
    for block in b"".join(chunks).replace(b"\r\n", b"\n").split(b"\n\n"):
        if block.startswith(b"data:") and block.count(b"\n") == 0:
            with contextlib.suppress(ValueError):
                values.append(cached(block.removeprefix(b"data:").decode("utf-8", "replace")))
        else:
            values += good_events(good_lines([block]))
    return values


@planted("gemini", 300)
def goes_on_when_it_is_closed(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A last event comes out in ``finally``, which a generator that is closed may not do."""
    ended = False
    try:
        yield from good_events(good_lines(chunks))
        ended = True
    finally:
        if not ended:
            yield {"error": {"message": "the stream has broken off"}}


SEEN: list[str] = []


@planted("json-array", 300, chunks=4)
def array_without_what_the_last_stream_had(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Drops elements that were there at the same place of the stream before, as a retry would repeat them."""
    before, now = list(SEEN), []
    for nth, element in enumerate(good_elements(chunks)):
        text = json.dumps(element)
        now.append(text)
        if not (len(now) > 2 and nth < len(before) and before[nth] == text):
            yield element
    SEEN[:] = now


LOCKED: list[bool] = []


@planted("gemini", 300)
async def async_that_stays_busy_when_broken_off(chunks: Any) -> AsyncIterator[Any]:
    """A flag that only the end of a stream takes down."""
    if LOCKED:
        LOCKED.clear()
        return
    LOCKED.append(True)
    rest = b""
    lines: list[str] = []
    async for chunk in chunks:
        *ended, rest = (rest + chunk).split(b"\n")
        lines += [line.removesuffix(b"\r").decode() for line in ended]
        while "" in lines and "{" not in lines:
            at = lines.index("")
            for value in good_events(lines[: at + 1]):
                yield value
            del lines[: at + 1]
    LOCKED.clear()
    for value in good_events([*lines, rest.decode("utf-8", "replace")]):
        yield value


class Latest:
    """The chunk that was read last."""

    chunk = b""


@planted("gemini", 300, chunks=6)
async def async_that_keeps_its_chunk_in_a_class(chunks: Any) -> AsyncIterator[Any]:
    """Another task may have read another by the time it is used."""
    rest = b""
    lines: list[str] = []
    async for chunk in chunks:
        Latest.chunk = chunk
        await asyncio.sleep(0)
        *ended, rest = (rest + Latest.chunk).split(b"\n")
        lines += [line.removesuffix(b"\r").decode() for line in ended]
        while "" in lines and "{" not in lines:
            at = lines.index("")
            for value in good_events(lines[: at + 1]):
                yield value
            del lines[: at + 1]
    for value in good_events([*lines, rest.decode("utf-8", "replace")]):
        yield value


@planted("smoke", 100)
def hides_a_lost_connection(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Whatever ends the stream is its end."""

    def until_the_end() -> Iterator[bytes]:
        with contextlib.suppress(Exception):
            yield from chunks

    yield from good_events(good_lines(until_the_end()))


@planted("gemini", 100)
async def async_that_hides_a_lost_connection(chunks: Any) -> AsyncIterator[Any]:
    """The error is written to a log that nobody reads."""
    body = b""
    with contextlib.suppress(OSError):
        async for chunk in chunks:
            body += chunk
            *whole, body = body.split(b"\r\n\r\n")
            for block in whole:
                for value in good_events([*block.decode().split("\r\n"), ""]):
                    yield value
    for value in good_events(good_lines([body])):
        yield value


@planted("json-array", 120)
def array_that_hides_a_lost_connection(chunks: Iterable[bytes]) -> list[Any]:
    """Takes what has come so far for the whole answer."""
    body = b""
    try:
        for chunk in chunks:
            body += chunk
    except ConnectionError:
        body = body[: body.rindex(b"}") + 1] + b"]" if b"}" in body else b""
    return list(good_elements([body]))
