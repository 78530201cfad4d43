"""A callable of another shape is told its adapter, ready to copy; it is not accused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest

from gemini_replay import StreamParser, fuzz, parse_stream
from gemini_replay.errors import UsageError
from gemini_replay.fuzz import adapters


def of_text_lines(lines: Iterable[str]) -> Iterator[Any]:
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line[6:])


def of_byte_lines(lines: Iterable[bytes]) -> Iterator[Any]:
    for line in lines:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def of_text(pieces: Iterable[str]) -> Iterator[Any]:
    buffer = ""
    for piece in pieces:
        *blocks, buffer = (buffer + piece).split("\r\n\r\n")
        for block in blocks:
            yield json.loads(block[6:])


async def of_text_lines_async(lines: Any) -> AsyncIterator[Any]:
    async for line in lines:
        for event in of_text_lines([line]):
            yield event


def of_response(response: Any) -> Iterator[Any]:
    yield from of_text_lines(response.iter_lines())


def of_content(response: Any) -> Iterator[Any]:
    yield from response.iter_content(None)


async def of_async_response(response: Any) -> AsyncIterator[Any]:
    async for line in response.aiter_lines():
        yield line


async def of_stream_reader(response: Any) -> AsyncIterator[Any]:
    async for line in response.content:
        yield line


class Fed:
    """Its last event comes at the end."""

    def __init__(self) -> None:
        self._parser = StreamParser()

    def feed(self, data: bytes) -> list[Any]:
        return [event.json for event in self._parser.feed(data)]

    def flush(self) -> list[Any]:
        return [event.json for event in self._parser.close()]


class Telling(Fed):
    """The same with a callback."""

    def __init__(self, on_event: Callable[[Any], None]) -> None:
        super().__init__()
        self._tell = on_event

    def feed(self, data: bytes) -> list[Any]:
        for event in super().feed(data):
            self._tell(event)
        return []

    def flush(self) -> list[Any]:
        for event in super().flush():
            self._tell(event)
        return []


def with_callback(chunks: Iterable[bytes], on_event: Callable[[Any], None]) -> None:
    for event in parse_stream(chunks):
        on_event(event.json)


async def with_callback_async(chunks: Any, on_event: Callable[[Any], None]) -> None:
    with_callback([chunk async for chunk in chunks], on_event)


def of_raw(response: Any) -> Iterator[Any]:
    yield from of_byte_lines(response.raw)


async def of_chunks_of_content(content: Any) -> AsyncIterator[Any]:
    body = b"".join([chunk async for chunk in content.iter_chunked(100)])
    for event in parse_stream([body]):
        yield event.json


class Twofold:
    """Its second method parses."""

    def __init__(self) -> None:
        self.name = ""

    def reset(self, name: str) -> None:
        self.name = name

    def read_all(self, chunks: Iterable[bytes]) -> list[Any]:
        return [event.json for event in parse_stream(chunks)]


class Decoder:
    """A method parses."""

    def decode(self, chunks: Iterable[bytes]) -> list[Any]:
        return [event.json for event in parse_stream(chunks)]


@pytest.mark.parametrize(
    ("parse", "adapter"),
    [
        (of_text_lines, "adapters.lines(of_text_lines)"),
        (of_text_lines_async, "adapters.lines(of_text_lines_async)"),
        (of_byte_lines, "adapters.byte_lines(of_byte_lines)"),
        (of_text, "adapters.text(of_text)"),
        (of_response, "adapters.httpx_response(of_response)"),
        (of_content, "adapters.requests_response(of_content)"),
        (of_async_response, "adapters.httpx_response(of_async_response)"),
        (of_stream_reader, "adapters.aiohttp_response(of_stream_reader)"),
        (of_raw, "adapters.requests_response(of_raw)"),
        (of_chunks_of_content, 'adapters.aiohttp_response(of_chunks_of_content, reads="content")'),
        (Twofold, 'adapters.method(Twofold, "read_all")'),
        (Fed, "adapters.push(Fed)"),
        (lambda chunks: Fed(), "adapters.push(parse)"),
        (Telling, "adapters.push(Telling, callback=True)"),
        (with_callback, "adapters.callback(with_callback)"),
        (with_callback_async, "adapters.callback(with_callback_async)"),
        (Decoder, 'adapters.method(Decoder, "decode")'),
        (Decoder.decode, 'adapters.method(Decoder, "decode")'),
        (Fed.feed, "adapters.push(Fed)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-",
)
def test_a_parser_of_another_shape_is_told_its_adapter(parse: Any, adapter: str) -> None:
    """As an expression to copy."""
    with pytest.raises(UsageError) as caught:
        fuzz.check_parser(parse, classes=["plain-text"], max_examples=2)
    assert f"fuzz.check_parser({adapter})" in str(caught.value)


@pytest.mark.parametrize(
    "adapted",
    [
        adapters.push(Fed),
        adapters.push(Telling, callback=True),
        adapters.callback(with_callback),
        adapters.callback(with_callback_async),
        adapters.method(Decoder, "decode"),
    ],
    ids=["push", "push with a callback", "callback", "async callback", "method"],
)
def test_with_the_adapter_nothing_is_wrong(adapted: Any) -> None:
    """Events at the very end included, and those before an error."""
    names = ["plain-text", "end-without-blank-line", "raw-error", "promptness"]
    fuzz.check_parser(adapted, classes=names, max_examples=3, seed=1)


def of_chunks_with_a_bug(chunks: Iterable[bytes]) -> Iterator[Any]:
    for chunk in chunks:
        if chunk.startswith(b"data: "):
            yield json.loads(chunk[6:])


def test_a_parser_of_chunks_with_a_bug_is_accused() -> None:
    """It takes each chunk for an event, which no adapter mends."""
    with pytest.raises(fuzz.ParserBug):
        fuzz.check_parser(of_chunks_with_a_bug, classes=["plain-text"])


@pytest.mark.parametrize(
    ("parse", "said"),
    [
        (lambda chunks: None, "not an iterable"),
        (lambda chunks: "text", "not an iterable"),
        (lambda chunks: {"a": 1}, "not an iterable"),
        (lambda chunks: ['{"a": 1}'], "returns text"),
        (lambda chunks: [b"{}"], "returns bytes objects"),
        (lambda chunks: parse_stream(chunks), r"value\.json"),
        (lambda chunks: [[event.json for event in parse_stream(chunks)]], "returns lists of events"),
        (lambda chunks: ([event.json] for event in parse_stream(chunks)), "returns lists of events"),
        (list, "returns bytes objects"),
        (lambda body: body.split(b"\n"), "uses .split of its argument, and no adapter fits"),
        (
            lambda chunks, strict: [event.json for event in parse_stream(chunks, strict=strict)],
            "takes chunks and strict",
        ),
        (lambda: [], "cannot be called with chunks: too many positional arguments"),
        (lambda chunks, *, strict: [], "cannot be called with chunks: missing a required"),
    ],
    ids=[
        "None",
        "text",
        "an object",
        "undecoded",
        "bytes",
        "events",
        "a list",
        "lists",
        "builtin",
        "one body",
        "two arguments",
        "no argument",
        "an option that must be given",
    ],
)
def test_a_callable_that_returns_no_json_is_refused(parse: Callable[..., Any], said: str) -> None:
    """With what it returns and what it should return, before it is accused of anything."""
    with pytest.raises(UsageError, match=said):
        fuzz.check_parser(parse, classes=["plain-text"])
