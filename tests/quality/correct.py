"""Correct parsers, each written in another way; the kit must never accuse one of them in its profiles."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gemini_replay import parse_stream
from gemini_replay.gemini import aparse_stream

Parse = Callable[[Any], Any]


@dataclass(frozen=True)
class Correct:
    """A parser and the profiles that it is made for."""

    name: str
    profiles: tuple[str, ...]
    parse: Parse


CORRECT: list[Correct] = []


def correct(*profiles: str) -> Callable[[Parse], Parse]:
    """Register a parser."""

    def register(parse: Parse) -> Parse:
        CORRECT.append(Correct(parse.__name__, profiles, parse))
        return parse

    return register


def found(text: str) -> list[Any]:
    """The JSON value of a text, if it is one."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return []


@correct("gemini", "gateway", "sse", "json-array", "hostile")
def our_own(chunks: Iterable[bytes]) -> Iterator[Any]:
    """This project's parser."""
    for event in parse_stream(chunks):
        yield event.json


@correct("gemini", "gateway", "sse", "json-array", "hostile")
def our_own_that_discards(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The same; an event that the end leaves unfinished is dropped, as the standard has it."""
    for event in parse_stream(chunks, final="discard"):
        yield event.json


@correct("gemini", "gateway", "json-array", "hostile")
def our_own_strictly(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The same; malformed input raises."""
    for event in parse_stream(chunks, strict=True):
        yield event.json


@correct("gemini", "gateway", "sse", "json-array", "hostile")
async def our_own_asynchronously(chunks: Any) -> AsyncIterator[Any]:
    """The same over an asynchronous stream."""
    async for event in aparse_stream(chunks):
        yield event.json


@correct("gemini")
async def our_own_list_asynchronously(chunks: Any) -> list[Any]:
    """The same as a coroutine of a list."""
    return [event.json async for event in aparse_stream(chunks)]


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


class ApiError(Exception):
    """An error of the API."""


@correct("gemini", "gateway")
async def async_that_raises_errors(chunks: Any) -> AsyncIterator[Any]:
    """Error objects, in whatever form, become exceptions with their message."""
    async for event in aparse_stream(chunks):
        if event.error:
            raise ApiError(f"{event.error.code}: {event.error.message}")
        yield event.json


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


@correct("json-array")
def array_at_once(chunks: Iterable[bytes]) -> list[Any]:
    """``json.loads`` of the whole body."""
    values = json.loads(b"".join(chunks))
    return values if isinstance(values, list) else [values]


@correct("json-array")
async def array_at_once_asynchronously(chunks: Any) -> list[Any]:
    """The same, as a coroutine."""
    values = json.loads(b"".join([chunk async for chunk in chunks]))
    return values if isinstance(values, list) else [values]


_MARK = re.compile(r'[\[\]{}"\\]')


@correct("json-array")
def array_by_brackets(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A scanner of brackets that knows strings and escapes."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    depth, string, skip = 0, False, False
    element: list[str] = []
    for chunk in chunks:
        text = decoder.decode(chunk)
        start = 0
        at = 0
        if skip and text:
            at, skip = 1, False
        while mark := _MARK.search(text, at):
            at = mark.end()
            char = mark[0]
            if string:
                if char == "\\":
                    if at < len(text):
                        at += 1
                    else:
                        skip = True
                elif char == '"':
                    string = False
            elif char == '"':
                string = True
            elif char in "[{":
                depth += 1
                if depth == 2:
                    start = mark.start()
                    element.clear()
            elif char in "]}":
                depth -= 1
                if depth == 1:
                    element.append(text[start:at])
                    yield json.loads("".join(element))
                    element.clear()
        if depth > 1:
            element.append(text[start:])
    decoder.decode(b"", True)
