"""Bugs of parsers of the JSON array."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from .registry import good_elements, planted


@planted("json-array", 60)
def array_wants_a_whole_array_in_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``json.loads`` of the first chunk."""
    for chunk in chunks:
        yield from json.loads(chunk)


@planted("json-array", 80)
def array_strips_brackets_off_chunks(chunks: Iterable[bytes]) -> Iterator[Any]:
    """One chunk is one element, nearly always."""
    for chunk in chunks:
        text = chunk.decode(errors="replace").strip().strip("[],").strip()
        if text:
            yield json.loads(text)


@planted("json-array", 80)
def array_cut_between_braces(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``split("},{")``, with white space between or not; text may say so too."""
    text = b"".join(chunks).decode().strip().removeprefix("[").removesuffix("]").strip()
    parts = re.split(r"\}\s*,\s*\{", text) if text else []
    for nth, part in enumerate(parts):
        yield json.loads(("{" if nth else "") + part + ("}" if nth < len(parts) - 1 else ""))


@planted("json-array", 60)
def array_cut_where_google_cuts_it(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A compact array has no line ends."""
    buffer = ""
    for text in codecs.iterdecode(chunks, "utf-8", "replace"):
        buffer += text
        while "\n}\n" in buffer:
            element, buffer = buffer.split("\n}\n", 1)
            yield json.loads(element.lstrip("[,\r\n ") + "\n}")


@planted("json-array", 60)
def array_counts_braces_in_text(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Braces in a string open nothing."""
    depth, text = 0, ""
    for piece in codecs.iterdecode(chunks, "utf-8"):
        for char in piece:
            depth += (char == "{") - (char == "}")
            if depth or char == "}":
                text += char
            if char == "}" and depth == 0:
                yield json.loads(text)
                text = ""


@planted("json-array", 60)
def array_takes_any_quote_after_a_backslash_for_text(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A quote after two backslashes ends a string: the second is escaped, not the quote."""
    depth, text, string, before = 0, "", False, ""
    for piece in codecs.iterdecode(chunks, "utf-8"):
        for char in piece:
            if char == '"' and before != "\\":
                string = not string
            before = char
            depth += 0 if string else (char == "{") - (char == "}")
            if depth or (char == "}" and not string):
                text += char
            if char == "}" and depth == 0 and not string:
                yield json.loads(text)
                text = ""


@planted("json-array", 60)
def array_loses_the_last_element(chunks: Iterable[bytes]) -> Iterator[Any]:
    """No comma follows it."""
    elements = list(good_elements(chunks))
    yield from elements[:-1]


@planted("json-array", 60)
def array_waits_for_the_comma(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Each element comes late by the gap between two."""
    before: Any = None
    for element in good_elements(chunks):
        if before is not None:
            yield before
        before = element
    if before is not None:
        yield before


@planted("json-array", 60)
def array_decodes_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """UnicodeDecodeError where a character is cut."""
    yield from good_elements(chunk.decode().encode() for chunk in chunks)


@planted("json-array", 60)
def array_forgets_an_escape_at_a_cut(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Its scanner starts each chunk as if no backslash came before."""
    depth, text, string = 0, "", False
    for piece in codecs.iterdecode(chunks, "utf-8"):
        escaped = False
        for char in piece:
            if string:
                string, escaped = not (char == '"' and not escaped), char == "\\" and not escaped
            elif char == '"':
                string = True
            else:
                depth += (char == "{") - (char == "}")
            if depth or (char == "}" and not string):
                text += char
            if char == "}" and depth == 0 and not string:
                yield json.loads(text)
                text = ""


@planted("json-array", 20)
def array_must_not_be_empty(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Reads an element, then a comma or the end."""
    text = b"".join(chunks).decode("utf-8-sig").strip()
    at = 1 if text.startswith("[") else 0
    while at < len(text):
        value, at = _JSON.raw_decode(text, _WHITE.match(text, at).end())  # type: ignore[union-attr]
        yield value
        at = _WHITE.match(text, at).end() + 1  # type: ignore[union-attr]


_JSON = json.JSONDecoder()
_WHITE = re.compile(r"\s*")


@planted("json-array", 0)
def array_tries_all_it_has_with_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Time grows with the square of an element's size."""
    buffer = ""
    for text in codecs.iterdecode(chunks, "utf-8-sig", "replace"):
        buffer = (buffer + text).lstrip("[,\r\n\t ]")
        while buffer:
            try:
                value, end = _JSON.raw_decode(buffer)
            except ValueError:
                break
            yield value
            buffer = buffer[end:].lstrip(", \r\n\t]")


@planted("json-array", 100)
def array_drops_equal_elements(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Two equal elements are two."""
    last = None
    for element in good_elements(chunks):
        if element != last:
            yield element
        last = element


@planted("json-array", 300)
async def async_array_without_errors(chunks: Any) -> AsyncIterator[Any]:
    """An element with an error is dropped."""
    body = b"".join([chunk async for chunk in chunks])
    for element in json.loads(body.decode("utf-8-sig")):
        if "error" not in element:
            yield element
