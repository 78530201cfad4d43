"""Bugs of size: buffers of a parser's own, limits, and growth that one large event does not show."""

from __future__ import annotations

import codecs
import json
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from .registry import good_elements, good_events, good_lines, good_value, loads, planted, universal_lines


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Data in pieces of a size."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


@planted("gemini", 140_000)
def decodes_pieces_of_64_kb(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A character that lies across two of them is broken."""
    whole = ends_of_characters(chunks)
    texts = (piece.decode("utf-8", "replace") for chunk in whole for piece in pieces(chunk, 65_536))
    yield from good_events(good_lines(text.encode() for text in texts))


def ends_of_characters(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks that end with a whole character."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode()


@planted("gemini", 12_000)
def decodes_blocks_of_4_kb(chunks: Iterable[bytes]) -> Iterator[Any]:
    """It fills a block before it decodes; a short body and whole lines are right."""

    def blocks() -> Iterator[bytes]:
        held = b""
        for chunk in chunks:
            held += chunk
            while len(held) >= 4096:
                yield held[:4096].decode("utf-8", "replace").encode()
                held = held[4096:]
            whole = held.rfind(b"\n") + 1
            yield held[:whole]
            held = held[whole:]
        yield held

    yield from good_events(good_lines(blocks()))


@planted("json-array", 2_600_000)
def array_that_decodes_long_texts_by_the_megabyte(chunks: Iterable[bytes]) -> list[Any]:
    """Only elements of more than 1 MiB are decoded piece by piece."""
    body = b"".join(chunks)
    texts = "".join(piece.decode("utf-8", "replace") for piece in pieces(body, 1 << 20))
    return list(good_elements([texts.encode()]))


@planted("gemini", 2_200_000)
async def async_without_events_of_2_mb(chunks: Any) -> AsyncIterator[Any]:
    """A line of more than 2 MiB is passed over: no text is so long, but images are."""
    rest: list[bytes] = []
    lines: list[str] = []
    async for chunk in chunks:
        rest.append(chunk)
        if b"\n" in chunk:
            *ended, last = b"".join(rest).split(b"\n")
            rest = [last]
            lines += [one.removesuffix(b"\r").decode() for one in ended if len(one) <= 1 << 21]
            while "" in lines:
                at = lines.index("")
                for value in good_events(lines[: at + 1]):
                    yield value
                del lines[: at + 1]
    for value in good_events([*lines, b"".join(rest).decode()]):
        yield value


@planted("json-array", 6_000_000)
def array_that_raises_above_4_mb(chunks: Iterable[bytes]) -> list[Any]:
    """A limit that no answer of text reaches."""
    values = json.loads(b"".join(chunks))
    if any(len(str(value)) > 1 << 22 for value in values):
        raise ValueError("an element is too large")
    return values if isinstance(values, list) else [values]


@planted("gemini", 120_000)
def holds_the_last_2000_events(chunks: Iterable[bytes]) -> list[Any]:
    """A ring buffer forgets the beginning of a long stream."""
    return list(deque(good_events(good_lines(chunks)), maxlen=2000))


@planted("gemini", 60_000)
def calls_itself_for_each_event(chunks: Iterable[bytes]) -> list[Any]:
    """One level deeper for each event of one body."""
    events = good_events(good_lines(chunks))

    def rest() -> list[Any]:
        for event in events:
            return [event, *rest()]
        return []

    return rest()


@planted("sse", 0)
def joins_the_data_lines_one_by_one(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``data = data + line``, and a search through all of it: quadratic in the lines of an event."""
    data = ""
    for line in universal_lines(chunks):
        if (value := good_value(line)) is not None:
            data = "\n".join([*data.split("\n"), value]) if data else value
        elif not line and data:
            yield from loads(data)
            data = ""
    yield from loads(data) if data else ()


@planted("sse", 3000)
def keeps_the_first_100_data_lines(chunks: Iterable[bytes]) -> Iterator[Any]:
    """More are no event of text, but a call with many arguments is pretty-printed over hundreds."""
    data: list[str] = []
    for line in universal_lines(chunks):
        if (value := good_value(line)) is not None:
            data += [value] if len(data) < 100 else []
        elif not line and data:
            yield from loads("\n".join(data))
            data = []
    yield from loads("\n".join(data)) if data else ()


@planted("gateway", 0)
def keeps_all_comments_in_a_tuple(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``comments += (line,)`` copies them all each time."""

    def without_comments() -> Iterator[str]:
        comments: tuple[str, ...] = ()
        for line in good_lines(chunks):
            if line.startswith(":"):
                comments += (line,)
            else:
                yield line

    yield from good_events(without_comments())


@planted("gemini", 0)
def cuts_each_event_off_the_front(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Copies the rest of the chunk for each event in it: one chunk with many events takes long."""
    held: list[bytes] = []
    for chunk in chunks:
        held.append(chunk)
        if b"\n" not in chunk:
            continue
        buffer = b"".join(held)
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            block, buffer = buffer[: end + 4], buffer[end + 4 :]
            yield from good_events(good_lines([block]))
        held = [buffer]
    yield from good_events(good_lines(held))


@planted("json-array", 0)
def array_that_counts_lines_from_the_start(chunks: Iterable[bytes]) -> Iterator[Any]:
    """For messages of errors: quadratic in the lines of an element."""
    held: list[bytes] = []
    lines = 0

    def counted() -> Iterator[bytes]:
        nonlocal lines
        for chunk in chunks:
            for piece in chunk.splitlines(keepends=True):
                held.append(piece)
                lines = b"".join(held).count(b"\n")
                yield piece

    for element in good_elements(counted()):
        held.clear()
        yield element


@planted("gemini", 100_000)
def strips_chunks_that_fill_its_buffer(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A blank at the border is part of a text."""
    yield from good_events(good_lines(chunk.rstrip(b" ") if len(chunk) == 8192 else chunk for chunk in chunks))


@planted("gemini", 100_000)
def strips_the_start_of_chunks_that_fill_its_buffer(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The same before the first byte."""
    yield from good_events(good_lines(chunk.lstrip(b" ") if len(chunk) == 4096 else chunk for chunk in chunks))


@planted("gemini", 100_000)
def loses_the_line_end_of_a_full_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A chunk as large as its buffer that ends with a line end."""
    yield from good_events(good_lines(chunk.rstrip(b"\r\n") if len(chunk) == 8192 else chunk for chunk in chunks))


@planted("json-array", 100_000)
def array_strips_chunks_that_fill_its_buffer(chunks: Iterable[bytes]) -> Iterator[Any]:
    """In arrays as well."""
    yield from good_elements(chunk.strip() if len(chunk) == 8192 else chunk for chunk in chunks)
