"""Parsers of a JSON array."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from quality.correct.registry import correct


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
