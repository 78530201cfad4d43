"""Reads the objects in lines of format v1: header, request, response, end. A wrong one raises a `LineError`."""

from __future__ import annotations

import re
from collections.abc import Set
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from ...errors import CassetteVersionError, did_you_mean
from ..encoding import LineError, decode_after, decode_parts, json_body
from ..model import END_KINDS, End, Headers, Request, Response
from ..quoting import clipped, quoted
from .lines import OUTER, VERSION, Header

_FIELD_NAME = re.compile("[!-9;-~]+")
"""Header names that clients accept: more than the tokens of RFC 9110, 5.1."""
_NO_FIELD_VALUE = re.compile("[\0\r\n\ud800-\udfff]")
_USUAL_URL = re.compile(r"https?://[a-zA-Z0-9.-]+(?::\d{1,4})?(?:[/?#]|\Z)")
"""Nearly all URLs, which need no closer look."""
_REQUEST = frozenset({"method", "url", "headers", "json", "body", "client", "test"})
_RESPONSE = frozenset({"status", "headers", "body"})


def decode_header(line: dict[str, Any]) -> Header:
    """The header. For a newer format, the error says which release reads it."""
    version = line["cassette"]
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise LineError(f"'cassette' must be a version number, such as {VERSION}, not {quoted(version)}")
    if version > VERSION:
        writer = line.get("recorder")
        raise LineError(
            f"the cassette is in format {version}"
            + (f", written by {clipped(writer)}" if isinstance(writer, str) else "")
            + f"; this release reads format {VERSION}",
            hint=f"Upgrade to a release that reads format {version}: pip install -U gemini-replay",
            kind=CassetteVersionError,
        )
    known = {name: _text(line, name) for name in ("recorder", "recorded", "test")}
    return Header(**known, extra=_unknown(line, {"cassette", *known}))


def decode_request(line: dict[str, Any]) -> Request:
    """A request, whose body is JSON or parts."""
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
    url = _needed_text(members, "url")
    if not _USUAL_URL.match(url):
        _check_url(url)
    return Request(
        method=_needed_text(members, "method"),
        url=url,
        headers=_headers(members),
        body=body,
        client=_text(members, "client"),
        test=_text(members, "test"),
        extra=_inner_extra(line, "request", _REQUEST),
    )


def decode_response(line: dict[str, Any]) -> Response:
    """A response, with a head that HTTP allows."""
    members = _inner(line, "response")
    status = members.get("status")
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 999:
        raise LineError(f"the response's 'status' must be a number from 200 to 999, not {quoted(status)}")
    body = members.get("body")
    if body not in (None, "decoded", "wire"):
        raise LineError(f"the response's 'body' must be 'decoded' or 'wire', not {quoted(body)}")
    headers = _headers(members)
    for name, value in headers:
        if not _FIELD_NAME.fullmatch(name):
            raise LineError(f"{quoted(name)} is not a valid header name in HTTP")
        if found := _NO_FIELD_VALUE.search(value):
            raise LineError(
                f"the value of the header {quoted(name)} contains {found[0]!r}, which HTTP does not allow"
            )
    return Response(
        status=status,
        headers=headers,
        after=decode_after(line.get("after", 0)),
        body=body,
        extra=_inner_extra(line, "response", _RESPONSE),
    )


def decode_end(line: dict[str, Any]) -> End:
    """The end of an interaction."""
    kind, how = line["end"], line.get("how")
    if kind not in END_KINDS:
        raise LineError(
            f"'end' must be one of {', '.join(map(repr, END_KINDS))}, not {quoted(kind)}",
            suggestion=did_you_mean(kind, END_KINDS),
        )
    if how not in (None, "closed", "unfinished"):
        raise LineError(f"'how' must be 'closed', 'unfinished' or absent, not {quoted(how)}")
    return End(
        kind=kind, after=decode_after(line.get("after", 0)), how=how, extra=_unknown(line, {"end", "after", "how"})
    )


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
    if inner and (bad := next((key for key in inner if key.startswith(OUTER)), None)):
        raise LineError(f"a key of the {name} must not start with {OUTER!r}: {quoted(bad)}")
    around = {name, "after"} if name == "response" else {name}
    outer = _unknown(line, around)
    return {**inner, **{OUTER + key: value for key, value in outer.items()}} if outer else inner


def _text(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise LineError(f"{name!r} must be a text, not {quoted(value)}")
    return value


def _needed_text(members: dict[str, Any], name: str) -> str:
    value = _text(members, name)
    if value is None:
        others = islice((key for key in members if key != name), 20)
        raise LineError(f"{name!r} is missing", suggestion=did_you_mean(name, others, "{!r} in place of it".format))
    return value


def _check_url(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError as error:
        raise LineError(f"the request's 'url' is not a URL: {error}") from None


def _headers(members: dict[str, Any]) -> Headers:
    pairs = members.get("headers", [])
    if not isinstance(pairs, list):
        raise LineError("'headers' must be an array of [name, value] pairs")
    for pair in pairs:
        if not (type(pair) is list and len(pair) == 2 and type(pair[0]) is type(pair[1]) is str):
            raise LineError(f"a header must be [name, value], two texts, not {quoted(pair)}")
    return tuple([(name, value) for name, value in pairs])
