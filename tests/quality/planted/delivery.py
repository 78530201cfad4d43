"""Bugs of how the stream is delivered: several events in a chunk, empty chunks, sizes of chunks, floods."""

from __future__ import annotations

import codecs
import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from .registry import good_elements, good_events, good_lines, planted

BLANK = b"\r\n\r\n"


def taken(buffer: bytes) -> tuple[list[Any], bytes]:
    """The events of the first block in a buffer, and the rest."""
    block, _, rest = buffer.partition(BLANK)
    return list(good_events(good_lines([block, BLANK]))), rest


@planted("gemini", 200)
def takes_one_event_from_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``if`` for ``while``; the rest comes out at the end."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        if BLANK in buffer:
            values, buffer = taken(buffer)
            yield from values
    yield from good_events(good_lines([buffer]))


@planted("smoke", 60)
def forgets_what_a_chunk_leaves(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Each chunk is taken for a whole stream."""
    for chunk in chunks:
        yield from good_events(good_lines([chunk]))


@planted("gemini", 260)
async def async_that_takes_two_events_from_each_chunk(chunks: Any) -> AsyncIterator[Any]:
    """Enough for a stream that is never late."""
    buffer = b""
    async for chunk in chunks:
        buffer += chunk
        for _ in range(2):
            if BLANK in buffer:
                values, buffer = taken(buffer)
                for value in values:
                    yield value
    for value in good_events(good_lines([buffer])):
        yield value


DECODER = json.JSONDecoder()


@planted("gemini", 4000)
def takes_ten_events_from_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A bounded loop, so that one chunk cannot keep others waiting."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        for _ in range(10):
            if BLANK in buffer:
                values, buffer = taken(buffer)
                yield from values
    yield from good_events(good_lines([buffer]))


@planted("json-array", 200)
def array_with_one_element_from_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The elements that came with another wait for the next chunk."""
    utf8 = codecs.getincrementaldecoder("utf-8")("replace")
    buffer = ""
    for chunk in chunks:
        buffer = (buffer + utf8.decode(chunk)).lstrip(" \t\r\n,[")
        with contextlib.suppress(ValueError):
            value, end = DECODER.raw_decode(buffer)
            buffer = buffer[end:]
            yield value
    while buffer := buffer.lstrip(" \t\r\n,[]"):
        value, end = DECODER.raw_decode(buffer)
        buffer = buffer[end:]
        yield value


@planted("gateway", 200)
def holds_an_event_until_the_chunk_ends_with_it(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A comment after it in the same chunk keeps it waiting."""

    def joined() -> Iterator[bytes]:
        held = b""
        for chunk in chunks:
            held += chunk
            if not held.rstrip().rsplit(b"\n", 1)[-1].startswith(b":"):
                yield held
                held = b""
        yield held

    yield from good_events(good_lines(joined()))


@planted("gemini", 100, chunks=4)
def three_empty_chunks_end_it(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Patience with a quiet source, to a point."""

    def patient() -> Iterator[bytes]:
        quiet = 0
        for chunk in chunks:
            quiet = 0 if chunk else quiet + 1
            if quiet == 3:
                return
            yield chunk

    yield from good_events(good_lines(patient()))


@planted("gemini", 100, chunks=2001)
def calls_itself_for_each_empty_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A recursion that the next byte ends."""
    source = iter(chunks)

    def following() -> bytes | None:
        chunk = next(source, None)
        return following() if chunk == b"" else chunk

    yield from good_events(good_lines(iter(following, None)))


@planted("json-array", 100)
async def async_array_that_drops_what_follows_two_empty_chunks(chunks: Any) -> list[Any]:
    """The second is taken for a sign that the connection is idle."""
    body, before = [], b"x"
    async for chunk in chunks:
        if not before and not chunk:
            break
        before = chunk
        body.append(chunk)
    return list(good_elements(body))


@planted("gemini", 41_000)
def a_full_chunk_of_4_kb_waits_for_more(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A full buffer is kept back; the end forgets it."""

    def joined() -> Iterator[bytes]:
        held = b""
        for chunk in chunks:
            if len(chunk) == 4096:
                held += chunk
            else:
                yield held + chunk
                held = b""

    yield from good_events(good_lines(joined()))


@planted("gemini", 300)
def copies_33_bytes_into_32(chunks: Iterable[bytes]) -> Iterator[Any]:
    """One off: the last byte of a chunk that is just too large is lost."""
    yield from good_events(good_lines(chunk[:32] if len(chunk) == 33 else chunk for chunk in chunks))


@planted("json-array", 40_000)
def array_that_ends_after_a_short_read(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Fewer than 8192 bytes after a full read: the end, as with files."""

    def reads() -> Iterator[bytes]:
        full = False
        for chunk in chunks:
            yield chunk
            if full and len(chunk) < 8192:
                return
            full = len(chunk) == 8192

    yield from good_elements(reads())


@planted("gateway", 40_000)
def calls_itself_for_each_comment(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Some hundred keep-alives, and the stack is full."""
    lines = good_lines(chunks)

    def following() -> str | None:
        line = next(lines, None)
        return following() if line is not None and line.startswith(":") else line

    yield from good_events(iter(following, None))


@planted("gateway", 40_000)
def calls_itself_for_each_blank_line(chunks: Iterable[bytes]) -> Iterator[Any]:
    """As its sister, after an event without data."""
    lines = good_lines(chunks)

    def block() -> list[str] | None:
        found: list[str] = []
        for line in lines:
            if not line:
                return found or block()
            found.append(line)
        return found or None

    for one in iter(block, None):
        yield from good_events([*one, ""])


@planted("json-array", 40_000)
def array_that_calls_itself_for_white_space(chunks: Iterable[bytes]) -> list[Any]:
    """A recursive scanner."""
    text = b"".join(chunks).decode()

    def skip(at: int) -> int:
        return skip(at + 1) if at < len(text) and text[at] in " \t\r\n,[" else at

    decoder, at = json.JSONDecoder(), skip(0)
    values = []
    while at < len(text) and text[at] != "]":
        value, at = decoder.raw_decode(text, at)
        values.append(value)
        at = skip(at)
    return values
