"""Parsers of server-sent events."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Any

from quality.correct.registry import correct, found


@correct("gateway", "sse", "hostile")
def byte_by_byte(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A state machine by the letter of the standard; it drops an event without its final blank line."""
    line = bytearray()
    data: list[str] = []
    after_cr = False
    first = True
    for chunk in chunks:
        for byte in chunk:
            if byte == 10 and after_cr:
                after_cr = False
                continue
            after_cr = byte == 13
            if byte not in (10, 13):
                line.append(byte)
                continue
            text = line.decode("utf-8", "replace")
            line.clear()
            if first:
                text, first = text.removeprefix("\ufeff"), False
            if not text:
                if data:
                    yield from found("\n".join(data))
                data.clear()
                continue
            name, _, value = text.partition(":")
            if name == "data":
                data.append(value.removeprefix(" "))


@correct("gemini", "gateway", "hostile")
def line_by_line(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A buffer of bytes, LF and CRLF, raw errors; it keeps an event without its final blank line."""
    pending: list[bytes] = []
    data: list[str] = []
    raw: list[str] = []

    def take(line: bytes) -> Iterator[Any]:
        text = line.removesuffix(b"\r").decode("utf-8", "replace")
        if raw or (text == "{" and not data):
            raw.append(text)
            if text == "}":
                yield from found("\n".join(raw))
                raw.clear()
        elif not text:
            yield from end()
        elif text.startswith("data:"):
            data.append(text[5:])

    def end() -> Iterator[Any]:
        if data:
            yield from found("\n".join(data))
            data.clear()

    for chunk in chunks:
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            yield from take(b"".join([*pending, line]))
            pending.clear()
        pending.append(rest)
    yield from take(b"".join(pending))
    yield from end()
    if raw:
        raise ValueError("the stream ends within an error")


_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_DATA = re.compile(r"^data: ?(.*)$", re.MULTILINE)


@correct("gateway")
def by_regular_expression(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Blocks by one expression, searched for in what is new only; data lines by another."""
    held: list[bytes] = []
    tail = b""
    for chunk in chunks:
        held.append(chunk)
        tail += chunk
        if _BLANK.search(tail):
            *blocks, rest = _BLANK.split(b"".join(held))
            held, tail = [rest], rest
            for block in blocks:
                yield from _matched(block)
        tail = tail[-3:]
    yield from _matched(b"".join(held))


def _matched(block: bytes) -> list[Any]:
    lines = _DATA.findall(block.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n"))
    return found("\n".join(lines)) if lines else []


@correct("sse", "gateway")
def universal_newlines(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Python's own decoders: UTF-8 with a BOM, and universal newlines."""
    import io

    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")("replace"), translate=True)
    pending: list[str] = []
    data: list[str] = []

    def read(text: str, lines: list[str]) -> None:
        *ended, rest = text.split("\n")
        for line in ended:
            lines.append("".join([*pending, line]))
            pending.clear()
        pending.append(rest)

    def events(lines: list[str]) -> Iterator[Any]:
        for line in lines:
            name, _, value = line.partition(":")
            if not line and data:
                yield from found("\n".join(data))
                data.clear()
            elif name == "data":
                data.append(value.removeprefix(" "))

    for chunk in chunks:
        lines: list[str] = []
        read(decoder.decode(chunk), lines)
        yield from events(lines)
    lines = []
    read(decoder.decode(b"", final=True), lines)
    yield from events(lines)


@correct("gemini", "gateway")
def whole_body(chunks: Iterable[bytes]) -> list[Any]:
    """All of the body first; a list."""
    return [value for block in b"".join(chunks).replace(b"\r\n", b"\n").split(b"\n\n") for value in _block(block)]


def _block(block: bytes) -> list[Any]:
    lines = block.decode("utf-8", "replace").split("\n")
    data = [line[5:] for line in lines if line.startswith("data:")]
    raw = "\n".join(lines[lines.index("{") :]) if "{" in lines else ""
    return found("\n".join(data)) + found(raw) if data else found(raw)


@correct("gateway")
def httpx2_event_source(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A library: httpx2's EventSource, as its documentation uses it."""
    import httpx2

    class Stream(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from chunks

    request = httpx2.Request("POST", "http://localhost/")
    response = httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Stream(), request=request)
    for event in httpx2.EventSource(response):
        if event.data and event.data != "[DONE]":
            yield event.json()
