"""Cassettes of VCR.py: vcrpy and pytest-recording, in YAML or JSON.

Bodies are text, binary (often gzip), or parsed by a user's serializer (``parsed_body``). Header values are lists, or
strings in old files. YAML needs PyYAML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from ..cassette.encoding import json_body
from ..cassette.model import Headers, Interaction, Request
from ..provider import Provider
from .checked import CheckedObject, from_base64, yaml_library
from .stored_interaction import NotStorableError, StoredInteraction, headers_of

SOURCE = "VCR.py"


def read(value: Any, path: Path | None, provider: Provider) -> list[StoredInteraction]:
    """The interactions in a cassette of VCR.py, given its parsed YAML or JSON.

    Raises:
        CassetteFormatError: it is not a cassette of VCR.py.
    """
    return [_stored(one, provider) for one in CheckedObject(value, "", path).each("interactions")]


def _stored(one: CheckedObject, provider: Provider) -> StoredInteraction:
    asked, answered = one.inner("request"), one.inner("response")
    status = answered.get("status")
    code = status.get("code") if isinstance(status, Mapping) else status
    if isinstance(code, str) and code.isdecimal():
        code = int(code)
    if isinstance(code, bool) or not isinstance(code, int):
        raise one.error(f"the status of a response must be a number, not {code!r:.60}")
    body, parsed = _body(answered)
    comments = ("# Its body was stored parsed, so the spelling of its JSON is not the one of the wire.",)
    return StoredInteraction(
        Request(
            asked.text("method").upper(),
            asked.url("uri"),
            headers_of(asked.inner("headers").all.items()),
            _body(asked)[0],
            provider=provider,
        ),
        code,
        headers_of(answered.inner("headers").all.items()),
        (body,),
        comments=comments if parsed else (),
    )


def _body(message: CheckedObject) -> tuple[bytes, bool]:
    """The body of a request or response, and whether it was stored parsed."""
    body = message.get("body")
    if isinstance(body, Mapping):
        packed = body.get("base64_string")
        if isinstance(packed, str | bytes):
            body = from_base64(message, packed)
        elif "string" in body or not body:
            body = body.get("string")
        else:
            raise message.error(
                f"a body must have a 'string' or a 'base64_string', not only {', '.join(map(str, body))!r:.60}"
            )
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass"), False
    if isinstance(body, bytes):
        return body, False
    if body is not None:
        raise message.error(f"a body must be a text or binary, not {body!r:.60}")
    parsed = message.get("parsed_body")
    try:
        return (b"", False) if parsed is None else (json_body(parsed), True)
    except (TypeError, ValueError, RecursionError) as error:
        raise message.error(f"a 'parsed_body' is not JSON: {error}") from None


def write(interactions: Iterable[Interaction]) -> tuple[bytes, int, list[str]]:
    """A YAML file that vcrpy can replay, how many interactions it holds, and what it leaves out."""
    notes: list[str] = []
    found = []
    for number, one in enumerate(interactions, start=1):
        try:
            found.append(_written(one))
        except NotStorableError as reason:
            notes.append(f"interaction {number} is left out: {reason}")
            continue
        if one.end.kind != "eof":
            notes.append(
                f"interaction {number} ended with {one.end.kind!r}: in YAML it ends normally after its last byte"
            )
        if any(chunk.coded for chunk in one.chunks):
            notes.append(f"interaction {number} has bytes that cannot be decoded: they are left out")
    yaml = yaml_library()
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump({"interactions": found, "version": 1}, Dumper=dumper, allow_unicode=True)
    return text.encode(), len(found), notes


def _written(one: Interaction) -> dict[str, Any]:
    if one.response is None:
        raise NotStorableError("no response came")
    headers, body = one.response.headers, one.body
    if one.response.body == "decoded":  # vcrpy gives bodies to clients as they are stored
        headers = tuple(pair for pair in headers if pair[0].lower() not in ("content-encoding", "content-length"))
    try:
        phrase = HTTPStatus(one.response.status).phrase
    except ValueError:
        phrase = ""
    return {
        "request": {
            "method": one.request.method,
            "uri": one.request.url,
            "headers": _listed(one.request.headers),
            "body": _readable(one.request.body) if one.request.body else None,
        },
        "response": {
            "status": {"code": one.response.status, "message": phrase},
            "headers": _listed(headers),
            "body": {"string": _readable(body)},
        },
    }


def _listed(headers: Headers) -> dict[str, list[str]]:
    """Headers in vcrpy's form. Names that differ only in case are merged."""
    found: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(names.setdefault(name.lower(), name), []).append(value)
    return found


def _readable(body: bytes) -> str | bytes:
    """The body as text if YAML gives back the same bytes, else as bytes."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
