"""Replay files of google-genai's own tests and its ``DebugConfig``, with ``replay_id`` and ``interactions``.

They hold the parsed events of a stream, so its bytes are written anew, and URLs without host and version.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ..cassette.encoding import json_body
from ..cassette.model import Headers, Request
from ..provider import Writer
from .checked import CheckedObject
from .stored_interaction import StoredInteraction, headers_of

SOURCE = "google-genai's replay JSON"

_VERTEX = "https://aiplatform.googleapis.com/v1beta1/projects/REDACTED/locations/global"
_REWRITTEN = "# Its events were stored parsed, so their spelling is not the one of the wire."
_CUT = "# Only the first bytes of this body were stored."


def read(value: Any, path: Path | None, provider: Writer) -> list[StoredInteraction]:
    """The interactions in a replay file.

    Raises:
        CassetteFormatError: it is not a replay file of google-genai.
    """
    return [_stored(one, provider) for one in CheckedObject(value, "", path).each("interactions")]


def _stored(one: CheckedObject, provider: Writer) -> StoredInteraction:
    asked, answered = one.inner("request"), one.inner("response")
    url = _url(asked.url("url"), provider)
    sent = asked.items("body_segments")
    body = _encoded(asked, sent[0]) if sent and sent[0] else b""
    request = Request(asked.text("method").upper(), url, _headers(asked), body, provider=provider)
    status = answered.get("status_code")
    if status is None:
        status = 200
    if isinstance(status, bool) or not isinstance(status, int):
        raise answered.error(f"a 'status_code' must be a number, not {status!r:.60}")
    segments = answered.items("body_segments")
    headers = _headers(answered)
    if not segments and answered.items("byte_segments"):
        pieces = tuple(_from_base64(answered, text) for text in answered.items("byte_segments"))
        return StoredInteraction(request, status, headers, pieces, comments=(_CUT,))
    comments = (_REWRITTEN,) if segments else ()
    return StoredInteraction(
        request, status, headers, _pieces(answered, request, status, segments, provider), comments=comments
    )


def _url(url: str, provider: Writer) -> str:
    url = url.replace("{MLDEV_URL_PREFIX}", f"{provider.base_url()}/v1beta")
    return url.replace("{VERTEX_URL_PREFIX}", _VERTEX)


def _headers(message: CheckedObject) -> Headers:
    return headers_of(message.inner("headers").all.items())


def _pieces(
    answered: CheckedObject, request: Request, status: int, segments: list[Any], provider: Writer
) -> tuple[bytes, ...]:
    if (request.action or "").startswith("stream") and status < 400:
        if not all(isinstance(one, dict) for one in segments):
            raise answered.error("the 'body_segments' of a stream must be objects")
        framing = "sse" if request.alt == "sse" else "json-array"
        return events_of(segments, framing, provider)
    return tuple(_encoded(answered, one) for one in segments)


def events_of(events: list[dict[str, Any]], framing: str, provider: Writer, status: int = 200) -> tuple[bytes, ...]:
    """The bytes of events as the API sends them, with one piece for each event."""
    return provider.interaction(events, model="any", prompt=None, framing=framing, status=status).chunks


def _encoded(place: CheckedObject, value: Any) -> bytes:
    try:
        return json_body(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise place.error(f"a body is not JSON: {error}") from None


def _from_base64(place: CheckedObject, text: Any) -> bytes:
    try:
        return base64.urlsafe_b64decode(text)
    except (TypeError, ValueError):
        raise place.error("a byte segment is not base64") from None
