"""Writes cassettes as HAR 1.2.

HAR has no place for chunks and their times. They are written to own members named ``_gemini_replay``, which other
readers ignore. Heads and bodies are in HAR's own members.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .._version import __version__
from ..cassette.model import Chunk, Interaction, Request, header
from ..rhythm.cassette import Cassette
from .har import OWN

_EPOCH = "1970-01-01T00:00:00Z"


def write(cassette: Cassette) -> bytes:
    """The cassette as a HAR file, with its chunks and times."""
    about = {
        "recorder": cassette.recorder,
        "recorded": cassette.recorded,
        "test": cassette.test,
        "extra": cassette.extra,
        "comments": cassette.comments,
        "trailing_comments": cassette.trailing_comments,
    }
    started = cassette.recorded or _EPOCH
    log = {
        "version": "1.2",
        "creator": {"name": "gemini-replay", "version": __version__},
        "entries": [_entry(one, started) for one in cassette.interactions],
        OWN: _present(about),
    }
    return (json.dumps({"log": log}, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")


def _entry(one: Interaction, started: str) -> dict[str, Any]:
    wait = one.response.after if one.response else one.end.after
    own = {
        "chunks": [_chunk(chunk) for chunk in one.chunks],
        "end": _present({"kind": one.end.kind, "after": one.end.after, "how": one.end.how, "extra": one.end.extra}),
        "body": one.response.body if one.response else None,
        "client": one.request.client,
        "test": one.request.test,
        "request": one.request.extra,
        "response": one.response.extra if one.response else None,
        "comments": one.comments,
    }
    return {
        "startedDateTime": started,
        "time": _ms(one.duration),
        "request": _request(one.request),
        "response": _response(one),
        "cache": {},
        "timings": {"send": 0, "wait": _ms(wait), "receive": _ms(one.duration - wait)},
        OWN: _present(own),
    }


def _chunk(chunk: Chunk) -> dict[str, Any]:
    coded = base64.b64encode(chunk.coded).decode() if chunk.coded else None
    return _present({"after": chunk.after, "bytes": len(chunk.data), "members": chunk.members, "coded": coded})


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None and value not in ((), {})}


def _request(request: Request) -> dict[str, Any]:
    kind = header(request.headers, "content-type") or ""
    posted = {"mimeType": kind, **_text_of(request.body, "_encoding")} if request.body else None
    return {
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _named(request.headers),
        "queryString": _named(parse_qsl(urlsplit(request.url).query, keep_blank_values=True)),
        **({"postData": posted} if posted else {}),
        "headersSize": -1,
        "bodySize": len(request.body),
    }


def _response(one: Interaction) -> dict[str, Any]:
    status, headers, body = (one.response.status, one.response.headers, one.body) if one.response else (0, (), b"")
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return {
        "status": status,
        "statusText": phrase,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _named(headers),
        "content": {
            "size": len(body),
            "mimeType": header(tuple(headers), "content-type") or "",
            **_text_of(body, "encoding"),
        },
        "redirectURL": header(tuple(headers), "location") or "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _text_of(body: bytes, encoding: str) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), encoding: "base64"}


def _named(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
