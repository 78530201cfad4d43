"""This project's parser, in the ways that a user calls it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from gemini_replay import parse_stream
from gemini_replay.gemini import aparse_stream
from quality.correct.registry import correct


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


class ApiError(Exception):
    """An error of the API."""


@correct("gemini", "gateway")
async def async_that_raises_errors(chunks: Any) -> AsyncIterator[Any]:
    """Error objects, in whatever form, become exceptions with their message."""
    async for event in aparse_stream(chunks):
        if event.error:
            raise ApiError(f"{event.error.code}: {event.error.message}")
        yield event.json
