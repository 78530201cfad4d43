"""Reads a line of format v1: its kind and its contents."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NoReturn

from ...errors import CassetteFormatError, did_you_mean
from ..encoding import LineError, decode_after, decode_coded, decode_parts
from ..model import Chunk, End, Request, Response
from ..quoting import clipped, quoted
from .lines import VERSION, Comment, Line
from .structures import decode_end, decode_header, decode_request, decode_response

_DECODERS: dict[str, Callable[[dict[str, Any]], Line]] = {
    "cassette": decode_header,
    "request": decode_request,
    "response": decode_response,
    "end": decode_end,
}
_FIRST_KEY = re.compile(rb'\{ *"(request|response|end)" *:')
_KINDS: dict[bytes, type[Line]] = {b"request": Request, b"response": Response, b"end": End}


def kind_shown(raw: bytes) -> type[Line] | None:
    """The kind of a line that is not cut off and shows it in its first bytes; None for any other line.

    The line is not decoded, so the rest of it may be wrong.
    """
    if raw.startswith(b"["):
        if raw.endswith((b"]\n", b"]\r\n")):
            return Chunk
    elif (found := _FIRST_KEY.match(raw)) and raw.endswith((b"}\n", b"}\r\n")):
        return _KINDS[found[1]]
    return None


def decode_line(raw: bytes, *, path: Path | None = None, number: int | None = None) -> Line:
    """Decode one line, with or without its LF.

    Raises:
        CassetteVersionError: a header of a newer format.
        CassetteFormatError: the line is not valid in v1. The error has the ``path`` and ``number``.
    """
    try:
        return _decode_chunk_line(raw) or _decode_line(raw)
    except RecursionError:
        raise CassetteFormatError("the JSON is nested too deeply", path=path, line=number) from None
    except LineError as error:
        raise error.kind(
            error.message, path=path, line=number, suggestion=error.suggestion, hint=error.hint
        ) from None


def _decode_chunk_line(raw: bytes) -> Chunk | None:
    """The chunk of a line, as nearly all lines are; None for any other line, right or wrong."""
    if raw[:1] != b"[":
        return None
    try:
        text = raw.decode()
        value, end = _LINE.raw_decode(text)
        if text[end:] not in _LINE_ENDS or not value:
            return None
        if len(value) == 2 and type(value[1]) is str:  # nearly all chunks
            return Chunk(decode_after(value[0]), value[1].encode())
    except ValueError:
        return None
    return _decode_chunk(value)


def _decode_line(raw: bytes) -> Line:
    try:
        text = raw.rstrip(b"\r\n").decode()
    except UnicodeDecodeError as error:
        raise LineError(
            f"the line is not UTF-8: byte 0x{raw[error.start]:02x} in column {error.start + 1}",
            hint="Cassettes are UTF-8; save the file as UTF-8, or record it again.",
        ) from None
    if not text.startswith(("[", "{")):
        if text.startswith("#"):
            return Comment(text)
        if not text or text.isspace():
            return Comment("")
    try:
        # `raw_decode` is quicker than `decode`, which looks for white space first.
        value, end = _LINE.raw_decode(text) if text[0] in "{[" else (None, 0)
        if end != len(text):
            value = _LINE.decode(text)
    except json.JSONDecodeError as error:
        raise LineError(
            f"the line is not valid JSON ({error.msg} in column {error.colno}): {quoted(text)}",
            hint="A line is a JSON object, a JSON array, or a comment that starts with '#'.",
        ) from None
    except ValueError as error:  # an integer with more digits than Python reads
        raise LineError(f"the line cannot be read as JSON: {error}") from None
    if isinstance(value, list):
        if not value:
            raise LineError("a chunk must be [seconds, part, …], not []")
        return _decode_chunk(value)
    if not isinstance(value, dict):
        raise LineError(f"a line must be a JSON object or array, not {clipped(text)}")
    kinds = value.keys() & _DECODERS.keys()
    if len(kinds) != 1:
        _no_such_structure(value, [key for key in _DECODERS if key in kinds])
    return _DECODERS[kinds.pop()](value)


def _decode_chunk(value: list[Any]) -> Chunk:
    after = decode_after(value[0])
    parts = value[1:]
    coded = b""
    if parts and _is_part(parts[-1], "coded"):
        coded = decode_coded(parts.pop())
    segments: list[list[Any]] = [[]]
    for part in parts:
        if not _is_part(part, "member"):
            segments[-1].append(part)
        elif part["member"] == "next":
            segments.append([])
        else:
            raise LineError(f"'member' must be 'next', not {quoted(part['member'])}")
    decoded = [decode_parts(segment) for segment in segments]
    members = tuple(accumulate(map(len, decoded[:-1])))
    return Chunk(after, b"".join(decoded), members, coded)


def _is_part(part: Any, kind: str) -> bool:
    return type(part) is dict and part.keys() == {kind}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise LineError(f"an object has the key {quoted(twice)} twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise LineError(f"{name} is not a JSON number")


_LINE = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
_LINE_ENDS = frozenset({"\n", "\r\n", ""})


def _no_such_structure(value: dict[str, Any], kinds: list[str]) -> NoReturn:
    if kinds:
        both = " and ".join(map(repr, kinds))
        raise LineError(f"the line has more than one of the keys that say what it is: {both}")
    keys = ", ".join(quoted(key) for key in islice(value, 5)) or "none"
    suggestions = (did_you_mean(key.lower(), _DECODERS) for key in islice(value, 5))
    raise LineError(
        f"format {VERSION} has no such line; its keys: {keys}",
        suggestion=next(filter(None, suggestions), ""),
        hint=f"It must have one of the keys {', '.join(map(repr, _DECODERS))}. If a newer gemini-replay "
        "wrote it, upgrade with: pip install -U gemini-replay",
    )
