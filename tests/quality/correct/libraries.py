"""Parsers that stand on libraries, in the profiles that these are right in; only those of installed libraries."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from gemini_replay.fuzz import adapters
from quality.correct.registry import Parse, register
from quality.correct.styles import Fed

_JSON = "application/json; charset=UTF-8"


def installed(library: str, *profiles: str) -> Callable[[Callable[[], Parse]], Callable[[], Parse]]:
    """Register what a function makes, if a library is installed."""

    def decorate(make: Callable[[], Parse]) -> Callable[[], Parse]:
        if find_spec(library) is not None:
            register(make.__name__, make(), *profiles)
        return make

    return decorate


def events(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The events of the chunks that a library gives."""
    parser = Fed()
    for chunk in chunks:
        yield from parser.feed(chunk)
    yield from parser.flush()


async def events_asynchronously(chunks: Any) -> AsyncIterator[Any]:
    """The same."""
    parser = Fed()
    async for chunk in chunks:
        for value in parser.feed(chunk):
            yield value
    for value in parser.flush():
        yield value


def of_data(data: Iterable[str]) -> Iterator[Any]:
    """What a careful user writes after a library that gives the data of each event."""
    for one in data:
        if one and one != "[DONE]":
            yield json.loads(one)


@installed("httpx", "gateway")
def httpx_bytes() -> Parse:
    """httpx: ``iter_bytes``."""
    return adapters.httpx_response(events, reads="iter_bytes")


@installed("httpx2", "gateway")
def httpx2_bytes_asynchronously() -> Parse:
    """httpx2: ``aiter_bytes``."""
    return adapters.httpx2_response(events_asynchronously, reads="aiter_bytes")


@installed("requests", "gateway")
def requests_content() -> Parse:
    """requests: ``iter_content`` with chunks as they come."""
    return adapters.requests_response(lambda response: events(response.iter_content(None)))


@installed("aiohttp", "gateway")
def aiohttp_content() -> Parse:
    """aiohttp: ``iter_any`` of its content."""

    async def parse(response: Any) -> AsyncIterator[Any]:
        async for value in events_asynchronously(response.content.iter_any()):
            yield value

    return adapters.aiohttp_response(parse)


def whole_array(response: Any) -> list[Any]:
    """The library's own JSON of a whole body."""
    values = response.json()
    return values if isinstance(values, list) else [values]


@installed("httpx", "json-array")
def httpx_json() -> Parse:
    """httpx: ``json`` after ``read``."""

    def parse(response: Any) -> list[Any]:
        response.read()
        return whole_array(response)

    return adapters.httpx_response(parse, content_type=_JSON)


@installed("requests", "json-array")
def requests_json() -> Parse:
    """requests: ``json``."""
    return adapters.requests_response(whole_array, content_type=_JSON)


@installed("google.genai", "gemini")
def google_genai() -> Parse:
    """Google's own SDK, over httpx: its ``HttpResponse.segments``."""

    def parse(response: Any) -> Any:
        import httpx2  # noqa: F401  # the SDK takes responses of the libraries that are loaded
        from google.genai._api_client import HttpResponse

        return HttpResponse(response.headers, response).segments()

    return adapters.httpx_response(parse)


@installed("httpx_sse", "gateway")
def httpx_sse() -> Parse:
    """httpx-sse, for those who have it."""

    def parse(response: Any) -> Iterator[Any]:
        from httpx_sse import EventSource

        return of_data(one.data for one in EventSource(response).iter_sse())

    return adapters.httpx_response(parse)


@installed("openai", "gateway")
def openai_decoder() -> Parse:
    """The decoder of openai's SDK, for those who have it."""

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        from openai._streaming import SSEDecoder

        return of_data(one.data for one in SSEDecoder().iter_bytes(iter(chunks)))

    return parse
