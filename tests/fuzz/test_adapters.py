"""Adapters: a parser of any shape gets the chunks as it would live, and nothing early."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gemini_replay
from gemini_replay import StreamParser
from gemini_replay.fuzz import adapters

CHUNKS = [
    b'data: {"text": "\xe4\xbd',
    b'\xa0 \xe2\x80\xa8"}\r',
    b"\n\r\nda",
    b"",
    b'ta: {"text": "' + b"b" * 1000 + b'"}\r\n\r\n',
]
EVENTS = [{"text": "你 \u2028"}, {"text": "b" * 1000}]


class Feed:
    """Chunks that count how many of them were asked for."""

    def __init__(self, chunks: Iterable[bytes] = CHUNKS) -> None:
        self.chunks = list(chunks)
        self.asked = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.asked += 1
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


class AsyncFeed(Feed):
    """The same, async only."""

    __iter__ = None  # type: ignore[assignment]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in Feed.__iter__(self):
            yield chunk


def everything(parse: Callable[[Any], Any], feed: Feed | None = None) -> list[Any]:
    """Everything that an adapted parser returns."""
    if not adapters.is_async(parse):
        return list(parse(feed or Feed()))

    async def gather() -> list[Any]:
        return [event async for event in parse(feed or AsyncFeed())]

    return asyncio.run(gather())


def decoded(lines: Iterable[str | bytes]) -> Iterator[Any]:
    for line in lines:
        text = line.decode() if isinstance(line, bytes) else line
        if text.startswith("data:"):
            yield json.loads(text.removeprefix("data:"))


async def adecoded(lines: Any) -> AsyncIterator[Any]:
    async for line in lines:
        for event in decoded([line]):
            yield event


def from_text(pieces: Iterable[str]) -> Iterator[Any]:
    buffer = ""
    for piece in pieces:
        *blocks, buffer = (buffer + piece).split("\r\n\r\n")
        yield from decoded(blocks)


async def from_text_async(pieces: Any) -> AsyncIterator[Any]:
    buffer = ""
    async for piece in pieces:
        *blocks, buffer = (buffer + piece).split("\r\n\r\n")
        for event in decoded(blocks):
            yield event


async def all_at_once(response: Any) -> list[Any]:
    """A coroutine that returns a list."""
    return list(decoded((await response.aread()).split(b"\r\n")))


ADAPTED: dict[str, Callable[[], Callable[[Any], Any]]] = {
    "text": lambda: adapters.text(from_text),
    "text-async": lambda: adapters.text(from_text_async),
    "lines": lambda: adapters.lines(decoded),
    "lines-async": lambda: adapters.lines(adecoded),
    "httpx": lambda: adapters.httpx_response(lambda response: from_text(response.iter_text())),
    "httpx-coroutine": lambda: adapters.httpx_response(all_at_once),
    "httpx2": lambda: adapters.httpx2_response(lambda response: from_text(response.iter_text())),
    "httpx2-coroutine": lambda: adapters.httpx2_response(all_at_once),
    "requests": lambda: adapters.requests_response(lambda response: decoded(response.iter_lines())),
    "aiohttp": lambda: adapters.aiohttp_response(_aiohttp_lines),
    "push": lambda: adapters.push(StreamParser),
}


async def _aiohttp_lines(response: Any) -> AsyncIterator[Any]:
    async for event in adecoded(response.content):
        yield event


def library(name: str) -> None:
    """Skip where the library of an adapter is not installed."""
    first = name.partition("-")[0]
    if first in {"httpx", "httpx2", "requests", "aiohttp"}:
        pytest.importorskip(first, reason=f"{first} is not installed")


@pytest.mark.parametrize("name", ADAPTED)
def test_a_parser_of_its_shape_gets_every_event(name: str) -> None:
    """Characters, CRLF and field names that the chunks cut in two are whole again, and nothing is lost."""
    library(name)
    events = everything(ADAPTED[name]())
    assert [event.json if name == "push" else event for event in events] == EVENTS


@pytest.mark.parametrize("name", [name for name in ADAPTED if not name.endswith("coroutine")])
def test_no_chunk_is_asked_for_before_it_is_read(name: str) -> None:
    """The first event comes out while the last chunk has not been asked for."""
    library(name)
    parse = ADAPTED[name]()
    if adapters.is_async(parse):
        feed: Feed = AsyncFeed()

        async def first() -> None:
            async for _ in parse(feed):
                return

        asyncio.run(first())
    else:
        feed = Feed()
        next(iter(parse(feed)))
    assert feed.asked <= 3


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_a_response_of_the_httpx_family_has_the_chunks_as_they_are(name: str) -> None:
    """In `iter_raw` the boundaries are the given ones; sync and async."""
    pytest.importorskip(name, reason=f"{name} is not installed")
    adapt = getattr(adapters, f"{name}_response")

    async def raw(response: Any) -> AsyncIterator[bytes]:
        async for chunk in response.aiter_raw():
            yield chunk

    given = [chunk for chunk in CHUNKS if chunk]
    assert everything(adapt(lambda response: response.iter_raw())) == given
    assert everything(adapt(raw)) == given


def test_a_requests_response_has_the_chunks_as_http_chunks() -> None:
    """`iter_content(None)` yields them as they are, and `iter_lines` cuts them at its own 512 bytes."""
    requests = pytest.importorskip("requests", reason="requests is not installed")
    kinds: list[type] = []

    def content(response: Any) -> Iterator[bytes]:
        kinds.append(type(response))
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream")
        return response.iter_content(None)

    given = [chunk for chunk in CHUNKS if chunk]
    assert everything(adapters.requests_response(content)) == given
    sizes = [len(chunk) for chunk in everything(adapters.requests_response(lambda r: r.iter_content(512)))]
    assert sizes == [len(given[0]), len(given[1]), len(given[2]), 512, len(given[3]) - 512]
    assert kinds == [requests.Response]


def test_an_aiohttp_response_has_aiohttps_own_reader() -> None:
    """With its HTTP chunks, its `iter_any` and its limit of a line's length."""
    aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")

    async def chunks(response: Any) -> AsyncIterator[bytes]:
        assert isinstance(response, aiohttp.ClientResponse)
        assert isinstance(response.content, aiohttp.StreamReader)
        async for data, _ in response.content.iter_chunks():
            yield data

    async def pieces(response: Any) -> AsyncIterator[bytes]:
        async for data in response.content.iter_any():
            yield data

    async def lines(response: Any) -> AsyncIterator[bytes]:
        async for line in response.content:
            yield line

    given = [chunk for chunk in CHUNKS if chunk]
    assert [chunk for chunk in everything(adapters.aiohttp_response(chunks)) if chunk] == given
    assert everything(adapters.aiohttp_response(pieces)) == given
    large = [b"x" * 3_000_000, b"y" * 700_000]
    assert b"".join(everything(adapters.aiohttp_response(pieces), AsyncFeed(large))) == b"".join(large)
    with pytest.raises(Exception, match=r"(?i)chunk too big|got more than"):
        everything(adapters.aiohttp_response(lines), AsyncFeed([b"x" * 100_000] * 10))


@pytest.mark.parametrize("cut", range(1, 8))
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["lf", "cr", "crlf"])
def test_lines_end_at_lf_cr_and_crlf_and_nowhere_else(end: bytes, cut: int) -> None:
    """Wherever a chunk is cut; other characters that Python takes for line ends stay inside a line."""
    body = end.join(["a\x0b\x0c\x1c\x85\u2028".encode(), b"", b"b", b""])
    seen = everything(adapters.lines(lambda lines: lines), Feed([body[:cut], b"", body[cut:]]))
    assert seen == ["a\x0b\x0c\x1c\x85\u2028", "", "b"]


def test_text_never_holds_half_a_character() -> None:
    """Bytes that are not UTF-8 are replaced, at the end of the body as well."""
    text = everything(adapters.text(lambda pieces: pieces), Feed([b"\xf0", b"\x9f", b"\x98", b"\x80\xff!", b"\xe4"]))
    assert text == ["😀\ufffd!", "\ufffd"]


def test_a_push_parser_may_lack_close_and_may_return_nothing() -> None:
    """Only `feed` is needed."""

    class Lengths:
        def feed(self, data: bytes) -> list[int] | None:
            return [len(data)] if data else None

    assert everything(adapters.push(Lengths)) == [len(chunk) for chunk in CHUNKS if chunk]


def test_a_push_parser_may_have_flush_and_close() -> None:
    """Both are called, flush first; both may return events."""

    class Both:
        def feed(self, data: bytes) -> None:
            pass

        def flush(self) -> list[str]:
            return ["flushed"]

        def close(self) -> list[str]:
            return ["closed"]

    assert everything(adapters.push(Both)) == ["flushed", "closed"]


@pytest.mark.parametrize(
    ("library_name", "reads"),
    [("httpx", "iter_lines"), ("httpx", "aiter_lines"), ("requests", "iter_lines"), ("aiohttp", "content")],
)
def test_a_parser_may_take_what_a_response_iterates(library_name: str, reads: str) -> None:
    """Lines of httpx and requests, the stream reader of aiohttp."""
    library(library_name)
    adapt = getattr(adapters, f"{library_name}_response")
    parse = adecoded if reads in ("aiter_lines", "content") else decoded
    body = [b'data: {"text": "a"}\r', b'\n\r\ndata: {"text": "b"}\r\n\r\n']
    assert everything(adapt(parse, reads=reads), (AsyncFeed if parse is adecoded else Feed)(body)) == [
        {"text": "a"},
        {"text": "b"},
    ]
    assert adapters.spelled(adapt(parse, reads=reads), "mine") == (
        f"adapters.{library_name}_response(mine, reads={reads!r})"
    )


def test_byte_lines_are_bytes() -> None:
    """With the line ends of SSE, as text lines have."""
    seen = everything(adapters.byte_lines(lambda lines: lines), Feed([b"a\r", b"\n\xff\n", b"b"]))
    assert seen == [b"a", b"\xff", b"b"]


def test_an_error_of_the_parser_is_its_own() -> None:
    """It comes through after the events before it, in every adapter."""

    def broken(lines: Iterable[str | bytes]) -> Iterator[Any]:
        yield from list(decoded(lines))[:1]
        raise LookupError("mine")

    for adapted in (
        adapters.lines(broken),
        adapters.httpx_response(lambda response: broken(response.read().split(b"\r\n"))),
    ):
        events = iter(adapted(Feed()))
        next(events)
        with pytest.raises(LookupError, match="mine"):
            next(events)


def test_adapted_parsers_keep_their_names() -> None:
    """So that reports name the user's function."""
    assert adapters.lines(decoded).__name__ == "decoded"
    assert adapters.text(from_text_async).__name__ == "from_text_async"


def test_adapters_need_no_package_but_the_one_they_adapt() -> None:
    """They can be used from this project's source in any environment, as `serve` can."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); from gemini_replay.fuzz import adapters, serve"
    without_packages = [sys.executable, "-I", "-S", "-c", code, str(Path(gemini_replay.__file__).parents[1])]
    subprocess.run(without_packages, check=True)
