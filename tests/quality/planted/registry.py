"""Registers parsers with one planted bug each, and has the correct parts that they are made of.

``@planted(profile, most, chunks)`` registers one; ``most`` is how many bytes the smallest case that the kit shows may
have, and ``chunks`` how many chunks: more than three if the bug is one of many chunks, or of two streams.
Where a parser has to be right but for its bug, it stands on `good_lines`, `good_events` or `good_elements`.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Parse = Callable[[Any], Any]


@dataclass(frozen=True)
class Planted:
    """A parser, the profile in which its bug is one, and the bound on what is shown of it."""

    name: str
    profile: str
    most: int
    parse: Parse
    chunks: int = 3


PLANTED: list[Planted] = []


def planted(profile: str, most: int, chunks: int = 3) -> Callable[[Parse], Parse]:
    """Register a parser."""

    def register(parse: Parse) -> Parse:
        PLANTED.append(Planted(parse.__name__, profile, most, parse, chunks))
        return parse

    return register


# What is right.


def good_lines(chunks: Iterable[bytes], *, flush: bool = True) -> Iterator[str]:
    """Lines that end with LF or CRLF."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in lines:
                yield line.removesuffix(b"\r").decode("utf-8", "replace")
    if rest and flush:
        yield rest.decode("utf-8", "replace")


def good_value(line: str) -> str | None:
    """The value of a data line, else None."""
    name, _, value = line.partition(":")
    return value.removeprefix(" ") if name == "data" else None


def good_blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Groups of lines up to a blank one; raw objects are groups of their own."""
    block: list[str] = []
    for line in lines:
        raw = bool(block) and block[0] == "{"
        if line or raw:
            block.append(line)
        if (raw and line == "}") or (not line and block and not raw):
            yield block
            block = []
    if block:
        yield block


def loads(text: str) -> Iterator[Any]:
    """The JSON value of a text, if it is one."""
    try:
        yield json.loads(text)
    except (ValueError, RecursionError):
        return


def good_events(lines: Iterable[str]) -> Iterator[Any]:
    """SSE events, and Gemini's raw errors."""
    for block in good_blocks(lines):
        values = [value for line in block if (value := good_value(line)) is not None]
        if values:
            yield from loads("\n".join(values))
        elif block[0] == "{":
            yield from loads("\n".join(block))


def good_elements(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The elements of an array, each when its last brace is there."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    scan, depth, string, escaped, text = "", 0, False, False, []
    for chunk in chunks:
        scan = decoder.decode(chunk)
        for char in scan:
            if depth > 1 or char == "{":
                text.append(char)
            if string:
                string, escaped = not (char == '"' and not escaped), char == "\\" and not escaped
            elif char == '"':
                string = True
            elif char in "{[":
                depth += 1
            elif char in "}]":
                depth -= 1
                if depth == 1:
                    yield json.loads("".join(text))
                    text = []


def universal_lines(chunks: Iterable[bytes], *, bom: bool = True) -> Iterator[str]:
    """Lines that end with CR, LF or CRLF, without the stream's BOM: right in all of SSE."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if bom else "utf-8")("replace")
    pieces: list[str] = []
    skip = False
    for text in _decoded(decoder, chunks):
        for part in re.findall(r"[^\r\n]+|\r\n|\r|\n", text):
            if part[0] not in "\r\n":
                pieces.append(part)
            elif part == "\n" and skip and not pieces:
                pass
            else:
                yield "".join(pieces)
                pieces.clear()
            skip = part == "\r"
    if pieces:
        yield "".join(pieces)


def _decoded(decoder: codecs.IncrementalDecoder, chunks: Iterable[bytes]) -> Iterator[str]:
    for chunk in chunks:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", True)
