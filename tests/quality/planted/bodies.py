"""Bugs of bodies that are no stream: an error object, HTML, nothing, or the head of something."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from .registry import good_elements, good_events, good_lines, planted


@planted("json-array", 200)
def array_that_gives_the_keys_of_an_error(chunks: Iterable[bytes]) -> list[Any]:
    """A list of whatever the body is."""
    return list(json.loads(b"".join(chunks)))


@planted("json-array", 200)
def array_that_passes_over_an_object(chunks: Iterable[bytes]) -> list[Any]:
    """Nothing but an array counts, and an error looks like an empty answer."""
    values = json.loads(b"".join(chunks))
    return values if isinstance(values, list) else []


@planted("json-array", 200)
def array_that_skips_to_the_first_bracket(chunks: Iterable[bytes]) -> list[Any]:
    """Which an error object has further inside, if at all."""
    body = b"".join(chunks).decode().strip()
    values = json.loads(body)
    return list(values.get("error", {}).get("details", []) if isinstance(values, dict) else values)


@planted("json-array", 60)
def array_that_looks_at_the_first_byte(chunks: Iterable[bytes]) -> list[Any]:
    """There may be none."""
    body = b"".join(chunks)
    if body[0] == 0xEF:
        body = body[3:]
    values = json.loads(body)
    return values if isinstance(values, list) else [values]


@planted("gemini", 60)
def wants_a_first_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``next`` of an empty body raises StopIteration, which a generator turns into a RuntimeError."""
    source = iter(chunks)
    first = next(source)

    def all_of_them() -> Iterator[bytes]:
        yield first
        yield from source

    yield from good_events(good_lines(all_of_them()))


@planted("gemini", 200)
def looks_for_the_colon_in_html(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A line that starts with an angle bracket has none."""

    def checked() -> Iterator[str]:
        for line in good_lines(chunks):
            if line.startswith("<"):
                raise RuntimeError("the server says: " + line.split(": ")[1])
            yield line

    yield from good_events(checked())


@planted("gemini", 300)
def gives_html_as_an_event(chunks: Iterable[bytes]) -> list[Any]:
    """A body that is no stream becomes a text among objects."""
    body = b"".join(chunks)
    if body.lstrip().lower().startswith((b"<html", b"<!doctype")):
        return [{"text": body.decode()}]
    return list(good_events(good_lines([body])))


@planted("gemini", 300)
def passes_over_an_error_that_stands_alone(chunks: Iterable[bytes]) -> list[Any]:
    """Raw errors count after an event."""
    values = list(good_events(good_lines(chunks)))
    return [] if len(values) == 1 and "error" in values[0] and len(values[0]["error"]) > 2 else values


@planted("gemini", 100)
def waits_for_the_end_of_the_head(chunks: Iterable[bytes]) -> list[Any]:
    """Skips a byte order mark; a body that ends within it has no third byte."""
    body = b"".join(chunks)
    if body[:1] == b"\xef":
        assert body[2] == 0xBF
        body = body[3:]
    return list(good_events(good_lines([body])))


@planted("json-array", 100)
def array_that_ends_in_its_head(chunks: Iterable[bytes]) -> list[Any]:
    """Looks for the message of an error before it is there."""
    body = b"".join(chunks).decode("utf-8", "replace")
    if body.lstrip().startswith("{"):
        try:
            return [json.loads(body)]
        except ValueError:
            return [{"message": body.split('"message": "')[1].split('"')[0]}]
    return list(good_elements([body.encode()]))
