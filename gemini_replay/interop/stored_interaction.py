"""One request and response as another tool has stored them, and the interaction made from them. No I/O.

Other tools keep bodies as they came, decompressed, or parsed, and most do not change the headers. So only the bytes
show what a body is. A body in one piece is cut where its events end, since its chunks are not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from ..cassette.model import Chunk, End, Headers, Interaction, Request, Response, header
from ..engine.coding import ContentDecoder, content_decoder
from ..engine.rechunking import recut
from ..rhythm.retiming import TIMES_UNKNOWN
from ..session.client_names import client_name

_GZIP = b"\x1f\x8b\x08"
_TEXTUAL = re.compile(r"text/|application/(?:[\w.-]+\+)?json\b", re.IGNORECASE)
_FIELD_NAME = re.compile("[!-9;-~]+")
_NO_FIELD_VALUE = re.compile("[\0\r]")


class NotStorableError(ValueError):
    """The reason why a cassette, or the written format, cannot hold an interaction; its `str()` is a clause."""


@dataclass(frozen=True)
class StoredInteraction:
    """One request and its response, as another tool has stored them.

    Attributes:
        request: the request.
        status: the status of the response; None if none came.
        headers: the response's headers, made by `headers_of`.
        pieces: the response's body, compressed or not, in the file's pieces; mostly there is one.
        head_after: seconds between the request and the response's head, 0 if it is not known.
        end: how the response ended.
        comments: comments for the cassette.
    """

    request: Request
    status: int | None
    headers: Headers = ()
    pieces: tuple[bytes, ...] = ()
    head_after: float = 0.0
    end: End = field(default_factory=End)
    comments: tuple[str, ...] = ()


def headers_of(pairs: Iterable[tuple[Any, Any]]) -> Headers:
    """Headers as a cassette can hold them.

    Pseudo-headers of HTTP/2 are left out. Several values, in a list or joined by line feeds, become several headers.
    """
    found: list[tuple[str, str]] = []
    for name, values in pairs:
        key = _text(name).strip()
        if not _FIELD_NAME.fullmatch(key):
            continue
        for value in values if isinstance(values, list | tuple) else [values]:
            lines = _NO_FIELD_VALUE.sub(" ", _text(value)).split("\n")
            found += [(key, _latin(line.strip())) for line in lines]
    return tuple(found)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return "" if value is None else str(value)


def _latin(value: str) -> str:
    """A value in which each character is a byte, as in the headers of a cassette."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode("latin-1")
    return value


def interaction_of(stored: StoredInteraction, source: str) -> Interaction:
    """The interaction, with unknown times.

    Args:
        stored: what the file holds.
        source: the format of the file, for a comment.

    Raises:
        NotStorableError: a cassette cannot hold it.
    """
    request = replace(stored.request, client=stored.request.client or client_name(stored.request.headers))
    if stored.status is None:
        return Interaction(request, None, (), stored.end, stored.comments)
    if not 200 <= stored.status <= 999:
        raise NotStorableError(f"its status is {stored.status}")
    body = _Body(stored)
    headers = stored.headers
    if body.stored is None:
        headers = _framed(headers, body.size, request.method, stored.status)
    response = Response(stored.status, headers, stored.head_after, body.stored)
    comments = (*stored.comments, f"{TIMES_UNKNOWN} converted from {source}.")
    whole = Interaction(request, response, body.chunks, body.end, comments)
    if len(body.chunks) != 1:
        return whole
    return replace(whole, chunks=recut(whole.chunks, whole.layout.ends))


class _Body:
    """The chunks of a body. If its bytes are compressed, they are decoded, whatever the headers say."""

    def __init__(self, stored: StoredInteraction) -> None:
        pieces = [piece for piece in stored.pieces if piece]
        coding = (header(stored.headers, "content-encoding") or "").strip().lower()
        coding = "" if coding == "identity" else coding
        self.stored: Literal["decoded"] | None = "decoded" if coding else None
        self.end = stored.end
        self.size = sum(map(len, pieces))
        self.chunks = tuple(Chunk(0.0, piece) for piece in pieces)
        decoder = _decoder(b"".join(pieces), coding, stored.headers)
        if decoder is None:
            return
        found = [decoder.decode(piece) for piece in pieces]
        if not any(one.data for one in found) and any(one.coded for one in found):
            return  # its bytes are not in this coding
        self.chunks = tuple(Chunk(0.0, one.data, one.members, one.coded) for one in found)
        self.size = sum(len(one.data) for one in found)
        if decoder.unfinished and self.end.kind == "eof":
            self.end = replace(self.end, how="unfinished") if coding else self.end


def _decoder(body: bytes, coding: str, headers: Headers) -> ContentDecoder | None:
    """A decoder for a body; None if it is not compressed. A compressed body is never valid UTF-8."""
    if _is_utf8(body):
        return None
    if not coding:
        kind = header(headers, "content-type")
        packed = body.startswith(_GZIP) and (kind is None or _TEXTUAL.match(kind.strip()) is not None)
        return content_decoder("gzip") if packed else None
    found = content_decoder(coding)
    if found is None:
        install = {"br": "pip install brotli", "zstd": "pip install backports.zstd"}.get(coding)
        raise NotStorableError(
            f"its body has the content coding {coding!r}, which cannot be decoded here"
            + (f" (install a decoder with: {install})" if install else "")
        )
    return found


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _framed(headers: Headers, size: int, method: str, status: int) -> Headers:
    """The headers with the body's true length: the compressed body had another one."""
    if method == "HEAD" or status == 304 or header(headers, "content-length") in (None, str(size)):
        return headers
    chunked = header(headers, "transfer-encoding") is not None
    return tuple(
        (name, str(size) if name.lower() == "content-length" else value)
        for name, value in headers
        if not (chunked and name.lower() == "content-length")
    )


def first_date(interactions: Sequence[Interaction]) -> str | None:
    """The time of the first response with a Date header, in ISO 8601; None if there is none."""
    for one in interactions:
        found = header(one.response.headers, "date") if one.response else None
        try:
            moment = parsedate_to_datetime(found) if found else None
        except ValueError:
            continue
        if moment is not None:
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return None
