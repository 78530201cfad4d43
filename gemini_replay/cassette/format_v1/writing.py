"""Writes the lines of format v1."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..encoding import Rounding, encode_coded, encode_json, encode_parts, exact_json
from ..model import Chunk, End, Interaction, Request, Response
from .lines import OUTER, VERSION, Header

_NEXT_MEMBER = '{"member": "next"}'


def encode_header(header: Header) -> str:
    """The header line, without its line end."""
    known = {"cassette": VERSION, **_present(header, "recorder", "recorded", "test")}
    return encode_json(_with_extra(known, header.extra))


def encode_request(request: Request) -> str:
    """The request line. The body is stored as JSON if that loses nothing that matters, or else as parts."""
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
    """The response line; ``rounding`` is this interaction's."""
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
    if not chunk.members and not chunk.coded:  # nearly all
        parts = encode_parts(chunk.data)
        if len(parts) == 1:
            return f"[{items[0]}, {parts[0]}]"
        return f"[{', '.join(items + parts)}]"
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
    inner = {key: value for key, value in extra.items() if not key.startswith(OUTER)}
    outer = {key.removeprefix(OUTER): value for key, value in extra.items() if key.startswith(OUTER)}
    return inner, outer
