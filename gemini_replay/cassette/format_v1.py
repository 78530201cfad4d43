"""Cassette format v1: lines ⇄ model, without I/O. Everything that defines v1 is here.

A file is lines of UTF-8, each ended by one LF byte:

    header      {"cassette": 1, "recorder": …, "recorded": …, "test": …}
    request     {"request": {"method", "url", "headers", "json" | "body", "client", "test"}}
    response    {"response": {"status", "headers", "body"}, "after": seconds}     absent if none came
    chunk       [after, part, …]
    end         {"end": "eof" | "reset" | "cancelled" | "timeout", "after": seconds, "how": "closed" | "unfinished"}
    comment     a line that starts with #, or an empty line

In a chunk of a response that is stored decoded, ``{"member": "next"}`` between two parts marks where a new member of
the content coding begins, and ``{"coded": "base64"}`` at the end holds bytes that could not be decoded.

Unknown keys are kept in ``extra``. An unknown key of the object around a request or a response is kept as
``"../name"``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NoReturn

from ..errors import CassetteFormatError, CassetteVersionError, did_you_mean
from .encoding import (
    LineError,
    Rounding,
    decode_after,
    decode_coded,
    decode_parts,
    encode_coded,
    encode_json,
    encode_parts,
    exact_json,
    json_body,
)
from .model import END_KINDS, Chunk, End, Headers, Interaction, Request, Response

VERSION = 1
STRUCTURE = ("cassette", "request", "response", "end")

_OUTER = "../"
_FIELD_NAME = re.compile("[!-9;-~]+")
"""What clients accept: more than a token (RFC 9110, 5.1)."""
_NO_FIELD_VALUE = re.compile("[\0\r\n\ud800-\udfff]")
_FIRST_KEY = re.compile(rb'\{ *"(request|response|end)" *:')
_REQUEST = frozenset({"method", "url", "headers", "json", "body", "client", "test"})
_RESPONSE = frozenset({"status", "headers", "body"})
_NEXT_MEMBER = '{"member": "next"}'


@dataclass(frozen=True)
class Header:
    """The first line: who recorded the cassette, when, and for which test."""

    recorder: str | None = None
    recorded: str | None = None
    test: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comment:
    """A comment line without its line end; empty for an empty line."""

    text: str


Line = Header | Request | Response | Chunk | End | Comment
_KINDS: dict[bytes, type[Line]] = {b"request": Request, b"response": Response, b"end": End}


# --- writing ----------------------------------------------------------------------------------------------------


def encode_header(header: Header) -> str:
    """The header line, without its line end."""
    known = {"cassette": VERSION, **_present(header, "recorder", "recorded", "test")}
    return encode_json(_with_extra(known, header.extra))


def encode_request(request: Request) -> str:
    """The request line. The body is stored as JSON if that loses nothing that matters, else as parts."""
    inner, outer = _split_extra(request.extra)
    members: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
    }
    exact, value = exact_json(request.body) if request.body else (False, None)
    if exact:
        members["json"] = value
    elif request.body:
        members["body"] = [json.loads(part) for part in encode_parts(request.body)]
    members |= _present(request, "client", "test")
    return encode_json(_with_extra({"request": _with_extra(members, inner)}, outer))


def encode_response(response: Response, rounding: Rounding) -> str:
    """The response line; ``rounding`` is the one of this interaction."""
    inner, outer = _split_extra(response.extra)
    members: dict[str, Any] = {
        "status": response.status,
        "headers": response.headers,
        **_present(response, "body"),
    }
    line = {"response": _with_extra(members, inner), "after": rounding(response.after)}
    return encode_json(_with_extra(line, outer))


def encode_chunk(chunk: Chunk, rounding: Rounding) -> str:
    """A chunk's line."""
    items = [repr(rounding(chunk.after))]
    at = 0
    for member in chunk.members:
        items += [*encode_parts(chunk.data[at:member]), _NEXT_MEMBER]
        at = member
    items += encode_parts(chunk.data[at:])
    if chunk.coded:
        items.append(encode_coded(chunk.coded))
    return f"[{', '.join(items)}]"


def encode_end(end: End, rounding: Rounding) -> str:
    """The end line."""
    known = {"end": end.kind, "after": rounding(end.after), **_present(end, "how")}
    return encode_json(_with_extra(known, end.extra))


def encode_comments(comments: Iterable[str]) -> Iterator[str]:
    """Comment lines; a text that does not start with ``#`` gets one."""
    for comment in comments:
        for line in comment.split("\n"):
            yield line if not line or line.startswith("#") else f"# {line}"


def encode_interaction(interaction: Interaction) -> Iterator[str]:
    """All lines of an interaction, its comments first."""
    rounding = Rounding()
    yield from encode_comments(interaction.comments)
    yield encode_request(interaction.request)
    if interaction.response is not None:
        yield encode_response(interaction.response, rounding)
        for chunk in interaction.chunks:
            yield encode_chunk(chunk, rounding)
    yield encode_end(interaction.end, rounding)


def _present(source: object, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(source, name)) is not None}


def _with_extra(known: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    if not extra:
        return known
    return {**known, **{key: value for key, value in extra.items() if key not in known}}


def _split_extra(extra: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The unknown keys of the inner object, and those of the object around it."""
    inner = {key: value for key, value in extra.items() if not key.startswith(_OUTER)}
    outer = {key.removeprefix(_OUTER): value for key, value in extra.items() if key.startswith(_OUTER)}
    return inner, outer


# --- reading ----------------------------------------------------------------------------------------------------


def kind_of(raw: bytes, *, path: Path | None = None, number: int | None = None) -> type[Line]:
    """What kind of line this is, with or without its LF.

    A line that is not cut off and shows its kind in its first bytes is not decoded, so the rest of it may be wrong.

    Raises:
        CassetteVersionError, CassetteFormatError: see `decode_line`; of a line that was decoded.
    """
    if raw.startswith(b"["):
        if raw.endswith((b"]\n", b"]\r\n")):
            return Chunk
    elif (found := _FIRST_KEY.match(raw)) and raw.endswith((b"}\n", b"}\r\n")):
        return _KINDS[found[1]]
    return type(decode_line(raw, path=path, number=number))


def decode_line(raw: bytes, *, path: Path | None = None, number: int | None = None) -> Line:
    """Decode one line, with or without its LF.

    Raises:
        CassetteVersionError: a header of a newer format.
        CassetteFormatError: the line is not valid in v1. The error has the ``path`` and ``number``.
    """
    try:
        return _decode_line(raw)
    except RecursionError:
        raise CassetteFormatError("the JSON is nested too deeply", path=path, line=number) from None
    except LineError as error:
        raise error.kind(
            error.message, path=path, line=number, suggestion=error.suggestion, hint=error.hint
        ) from None


def _decode_line(raw: bytes) -> Line:
    try:
        text = raw.rstrip(b"\r\n").decode()
    except UnicodeDecodeError as error:
        raise LineError(
            f"the line is not UTF-8: byte 0x{raw[error.start]:02x} in column {error.start + 1}",
            hint="Cassettes are UTF-8; save the file as UTF-8, or record it again.",
        ) from None
    if text.startswith("#"):
        return Comment(text)
    if not text or text.isspace():
        return Comment("")
    try:
        value = _json(text)
    except json.JSONDecodeError as error:
        raise LineError(
            f"the line is not valid JSON ({error.msg} in column {error.colno}): {text[:60]!r}",
            hint="A line is a JSON object, a JSON array, or a comment that starts with '#'.",
        ) from None
    except ValueError as error:  # an integer with more digits than Python reads
        raise LineError(f"the line cannot be read as JSON: {error}") from None
    if isinstance(value, list):
        if not value:
            raise LineError("a chunk must be [seconds, part, …], not []")
        return _decode_chunk(value)
    if not isinstance(value, dict):
        raise LineError(f"a line must be a JSON object or array, not {text[:60]}")
    kinds = value.keys() & _DECODERS.keys()
    if len(kinds) != 1:
        _no_such_structure(value, [key for key in STRUCTURE if key in kinds])
    return _DECODERS[kinds.pop()](value)


def _json(text: str) -> Any:
    if text[0] in "{[":
        value, end = _LINE.raw_decode(text)  # quicker than decode(), which looks for white space first
        if end == len(text):
            return value
    return _LINE.decode(text)


def _decode_chunk(value: list[Any]) -> Chunk:
    after, parts = decode_after(value[0]), value[1:]
    if len(parts) == 1 and type(parts[0]) is str:  # nearly all
        return Chunk(after, decode_parts(parts))
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
            raise LineError(f"'member' must be 'next', not {part['member']!r:.60}")
    decoded = [decode_parts(segment) for segment in segments]
    members = tuple(accumulate(map(len, decoded[:-1])))
    return Chunk(after, b"".join(decoded), members, coded)


def _is_part(part: Any, kind: str) -> bool:
    return type(part) is dict and part.keys() == {kind}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise LineError(f"an object has the key {twice!r:.60} twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise LineError(f"{name} is not a JSON number")


_LINE = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _no_such_structure(value: dict[str, Any], kinds: list[str]) -> NoReturn:
    if kinds:
        both = " and ".join(map(repr, kinds))
        raise LineError(f"the line has more than one of the keys that say what it is: {both}")
    keys = ", ".join(f"{key!r:.60}" for key in islice(value, 5)) or "none"
    suggestions = (did_you_mean(key.lower(), STRUCTURE) for key in islice(value, 5))
    raise LineError(
        f"format {VERSION} has no such line; its keys: {keys}",
        suggestion=next(filter(None, suggestions), ""),
        hint=f"It must have one of the keys {', '.join(map(repr, STRUCTURE))}. If a newer gemini-replay "
        "wrote it, upgrade with: pip install -U gemini-replay",
    )


def _decode_header(line: dict[str, Any]) -> Header:
    version = line["cassette"]
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise LineError(f"'cassette' must be a version number, such as {VERSION}, not {version!r:.60}")
    if version > VERSION:
        writer = line.get("recorder")
        raise LineError(
            f"the cassette is in format {version}"
            + (f", written by {writer:.60}" if isinstance(writer, str) else "")
            + f"; this release reads format {VERSION}",
            hint=f"Upgrade to a release that reads format {version}: pip install -U gemini-replay",
            kind=CassetteVersionError,
        )
    known = {name: _text(line, name) for name in ("recorder", "recorded", "test")}
    return Header(**known, extra=_unknown(line, {"cassette", *known}))


def _decode_request(line: dict[str, Any]) -> Request:
    members = _inner(line, "request")
    if "json" in members and "body" in members:
        raise LineError("the request has both 'json' and 'body'; only one is allowed")
    body = b""
    if "json" in members:
        try:
            body = json_body(members["json"])
        except (ValueError, RecursionError) as error:
            raise LineError(f"the request's 'json' cannot be a body: {error}") from None
    elif "body" in members:
        if not isinstance(members["body"], list):
            raise LineError("the request's 'body' must be an array of parts")
        body = decode_parts(members["body"])
    return Request(
        method=_needed_text(members, "method"),
        url=_needed_text(members, "url"),
        headers=_headers(members),
        body=body,
        client=_text(members, "client"),
        test=_text(members, "test"),
        extra=_inner_extra(line, "request", _REQUEST),
    )


def _decode_response(line: dict[str, Any]) -> Response:
    members = _inner(line, "response")
    status = members.get("status")
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 999:
        raise LineError(f"the response's 'status' must be a number from 200 to 999, not {status!r:.60}")
    body = members.get("body")
    if body not in (None, "decoded", "wire"):
        raise LineError(f"the response's 'body' must be 'decoded' or 'wire', not {body!r:.60}")
    headers = _headers(members)
    for name, value in headers:
        if not _FIELD_NAME.fullmatch(name):
            raise LineError(f"{name!r:.60} is not a valid header name in HTTP")
        if found := _NO_FIELD_VALUE.search(value):
            raise LineError(f"the value of the header {name!r:.60} contains {found[0]!r}, which HTTP does not allow")
    return Response(
        status=status,
        headers=headers,
        after=decode_after(line.get("after", 0)),
        body=body,
        extra=_inner_extra(line, "response", _RESPONSE),
    )


def _decode_end(line: dict[str, Any]) -> End:
    kind, how = line["end"], line.get("how")
    if kind not in END_KINDS:
        raise LineError(
            f"'end' must be one of {', '.join(map(repr, END_KINDS))}, not {kind!r:.60}",
            suggestion=did_you_mean(kind, END_KINDS),
        )
    if how not in (None, "closed", "unfinished"):
        raise LineError(f"'how' must be 'closed', 'unfinished' or absent, not {how!r:.60}")
    return End(
        kind=kind, after=decode_after(line.get("after", 0)), how=how, extra=_unknown(line, {"end", "after", "how"})
    )


_DECODERS: dict[str, Callable[[dict[str, Any]], Line]] = {
    "cassette": _decode_header,
    "request": _decode_request,
    "response": _decode_response,
    "end": _decode_end,
}


def _inner(line: dict[str, Any], name: str) -> dict[str, Any]:
    members = line[name]
    if not isinstance(members, dict):
        raise LineError(f"{name!r} must be an object")
    return members


def _unknown(members: dict[str, Any], known: Set[str]) -> dict[str, Any]:
    # A known key that is null counts as absent.
    if members.keys() <= known:
        return {}
    return {key: value for key, value in members.items() if key not in known}


def _inner_extra(line: dict[str, Any], name: str, known: frozenset[str]) -> dict[str, Any]:
    inner = _unknown(line[name], known)
    if inner and (bad := next((key for key in inner if key.startswith(_OUTER)), None)):
        raise LineError(f"a key of the {name} must not start with {_OUTER!r}: {bad!r:.60}")
    around = {name, "after"} if name == "response" else {name}
    outer = _unknown(line, around)
    return {**inner, **{_OUTER + key: value for key, value in outer.items()}} if outer else inner


def _text(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise LineError(f"{name!r} must be a text, not {value!r:.60}")
    return value


def _needed_text(members: dict[str, Any], name: str) -> str:
    value = _text(members, name)
    if value is None:
        others = islice((key for key in members if key != name), 20)
        raise LineError(f"{name!r} is missing", suggestion=did_you_mean(name, others, "{!r} in place of it".format))
    return value


def _headers(members: dict[str, Any]) -> Headers:
    pairs = members.get("headers", [])
    if not isinstance(pairs, list):
        raise LineError("'headers' must be an array of [name, value] pairs")
    for pair in pairs:
        if not (type(pair) is list and len(pair) == 2 and type(pair[0]) is type(pair[1]) is str):
            raise LineError(f"a header must be [name, value], two texts, not {pair!r:.60}")
    return tuple([(name, value) for name, value in pairs])
