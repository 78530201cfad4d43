"""Reads HAR 1.2, which browsers, mitmproxy and Polly.JS export.

A cassette that was written as HAR (`har_writer`) comes back with its chunks and times.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ..cassette.model import END_KINDS, Chunk, End, Headers, Interaction, Request, Response
from ..errors import CassetteFormatError
from ..provider import Provider
from ..rhythm.cassette import Cassette
from .checked import CheckedObject, from_base64
from .stored_interaction import NotStorableError, StoredInteraction, headers_of, interaction_of

SOURCE = "HAR"

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_LATIN = frozenset({"iso-8859-1", "iso8859-1", "latin1", "latin-1", "us-ascii", "ascii", "windows-1252", "cp1252"})

OWN = "_gemini_replay"
"""The name of the package's own member, for data that HAR has no place for."""


def read(value: Any, path: Path | None, provider: Provider) -> tuple[Cassette, list[str]]:
    """The cassette made from a HAR file, and what it leaves out.

    Raises:
        CassetteFormatError: it is not a HAR file.
    """
    log = CheckedObject(value, "", path).inner("log")
    notes: list[str] = []
    interactions = []
    entries = _in_order(log.each("entries"))
    for number, entry in entries:
        try:
            interactions.append(_interaction(entry, provider))
            if missing := _missing(entry):
                notes.append(f"only a part of the body of entry {number} was exported: {missing}")
        except NotStorableError as reason:
            notes.append(f"entry {number} is left out: {reason}")
    own, creator = log.inner(OWN), log.inner("creator")
    if log.get(OWN) is None:
        tool = " ".join(str(creator.get(name)) for name in ("name", "version") if creator.get(name))
        started = entries[0][1].get("startedDateTime") if entries else None
        recorded = started if isinstance(started, str) else None
        return Cassette(interactions, recorder=tool or SOURCE, recorded=recorded), notes
    cassette = Cassette(
        interactions,
        recorder=own.get("recorder"),
        recorded=own.get("recorded"),
        test=own.get("test"),
        extra=own.inner("extra").all,
        comments=tuple(own.items("comments")),
        trailing_comments=tuple(own.items("trailing_comments")),
    )
    _check(cassette, own)
    return cassette, notes


def _in_order(entries: Sequence[CheckedObject]) -> list[tuple[int, CheckedObject]]:
    """The entries with their numbers, in the order of their starts, which that of the file need not be (HAR 1.2)."""
    numbered = list(enumerate(entries, start=1))
    try:
        return sorted(numbered, key=lambda one: datetime.fromisoformat(one[1].get("startedDateTime")))
    except (TypeError, ValueError):  # not all have a date; one may have no time zone
        return numbered


def _check(cassette: Cassette, own: CheckedObject) -> None:
    """Refuse values that a cassette cannot hold: someone may have changed the package's own members."""
    try:
        written = cassette.dumps()
        if Cassette.loads(written).dumps() == written:
            return
        said = "it would be read as something else"
    except (CassetteFormatError, AttributeError, TypeError, ValueError) as problem:
        said = getattr(problem, "message", "") or str(problem)
    raise own.error(f"a member {OWN!r} holds a value that a cassette cannot hold: {said}")


def _interaction(entry: CheckedObject, provider: Provider) -> Interaction:
    stored = _stored(entry, provider)
    own = entry.inner(OWN)
    plain = interaction_of(stored, SOURCE)
    if not entry.get(OWN):
        return plain
    request = replace(plain.request, client=own.get("client"), test=own.get("test"), extra=own.inner("request").all)
    kept = tuple(line for line in own.items("comments") if isinstance(line, str))
    response = plain.response
    if response is None:
        return Interaction(request, None, (), _end(own), kept)
    chunks = _chunks(own, b"".join(stored.pieces))
    if chunks is None:  # the body was changed by hand
        return replace(plain, request=request, comments=(*kept, *plain.comments))
    form = own.get("body")
    response = Response(
        response.status,
        stored.headers,
        stored.head_after,
        form if form in ("decoded", "wire") else None,
        own.inner("response").all,
    )
    return Interaction(request, response, chunks, _end(own), kept)


def _chunks(own: CheckedObject, body: bytes) -> tuple[Chunk, ...] | None:
    """The body in its chunks; None if their lengths are not those of the body."""
    found = own.each("chunks")
    sizes = [one.get("bytes") for one in found]
    if not all(isinstance(size, int) and size >= 0 for size in sizes) or sum(sizes) != len(body):
        return None
    try:
        return tuple(
            Chunk(
                float(one.get("after")),
                body[start:end],
                tuple(one.items("members")),
                base64.b64decode(one.get("coded") or ""),
            )
            for one, (start, end) in zip(found, pairwise(accumulate(sizes, initial=0)), strict=True)
        )
    except (TypeError, ValueError):
        return None


def _end(own: CheckedObject) -> End:
    end = own.inner("end")
    kind, how = end.get("kind"), end.get("how")
    if kind not in END_KINDS:
        raise own.error(f"an end must be one of {', '.join(END_KINDS)}, not {kind!r:.60}")
    return End(kind, _seconds(end.get("after"), 1), how, end.inner("extra").all)


def _stored(entry: CheckedObject, provider: Provider) -> StoredInteraction:
    asked, answered = entry.inner("request"), entry.inner("response")
    posted = asked.inner("postData")
    request = Request(
        asked.text("method").upper(),
        asked.url("url"),
        _headers(asked),
        _posted(posted),
        provider=provider,
    )
    if entry.get("response") is None:
        raise NotStorableError("it has no response")
    status = answered.get("status")
    if isinstance(status, str) and status.isdecimal():
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int | None):
        raise answered.error(f"the status of a response must be a number, not {status!r:.60}")
    if not status:
        return StoredInteraction(request, None, end=_failure(entry))
    timings = entry.inner("timings")
    head = sum(_seconds(timings.get(name)) for name in ("send", "wait"))
    return StoredInteraction(request, status, _headers(answered), _pieces(answered.inner("content")), head)


def _headers(message: CheckedObject) -> Headers:
    return headers_of((one.get("name"), one.get("value")) for one in message.each("headers"))


def _seconds(value: Any, unit: int = 1000) -> float:
    """Seconds from a number of milliseconds, or of other parts of a second. In HAR, -1 means none."""
    return value / unit if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0.0


def _posted(posted: CheckedObject) -> bytes:
    text = posted.get("text")
    if isinstance(text, str) and "base64" in (_encoding(posted), posted.get("_encoding")):
        return from_base64(posted, text)
    if isinstance(text, str) and text:
        return _encoded(posted, text)
    return urlencode([(one.get("name"), one.get("value") or "") for one in posted.each("params")]).encode()


def _pieces(content: CheckedObject) -> tuple[bytes, ...]:
    """The body. Polly.JS keeps the chunks of a compressed one, each in base64 or hexadecimal, in a JSON array."""
    text = content.get("text")
    if not isinstance(text, str):
        size = content.get("size")
        if isinstance(size, int) and size > 0:
            raise NotStorableError(f"its body of {size} bytes was not exported with it")
        return ()
    coded = _encoding(content) == "base64" or bool(content.get("_isBinary"))
    if coded and text.lstrip().startswith("["):
        try:
            listed = json.loads(text)
        except ValueError:
            listed = None
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
            decode = from_base64 if _encoding(content) == "base64" else _from_hex
            return tuple(decode(content, one) for one in listed)
    if _encoding(content) == "base64":
        return (from_base64(content, text),)
    return (_encoded(content, text),)


def _encoded(place: CheckedObject, text: str) -> bytes:
    """A text as it was on the wire, which exporters have decoded (HAR 1.2, "content").

    The size in the file shows whether it was UTF-8 or in the charset of its media type, which holds if neither has
    that size. Browsers read ISO-8859-1 as windows-1252 (WHATWG, Encoding).
    """
    named = _CHARSET.search(str(place.get("mimeType") or ""))
    name = named[1].lower() if named else "utf-8"
    plain, ways = text.encode("utf-8", "surrogatepass"), list[bytes]()
    for way in ("cp1252", "latin-1") if name in _LATIN else (name,):
        with suppress(LookupError, UnicodeError):
            ways.append(text.encode(way))
    return next((one for one in (plain, *ways) if len(one) == place.get("size")), ways[0] if ways else plain)


def _missing(entry: CheckedObject) -> str:
    """What is said of a text that an exporter has cut off, or ""."""
    content = entry.inner("response").inner("content")
    text, size = content.get("text"), content.get("size")
    if not isinstance(text, str) or not isinstance(size, int) or _encoding(content) or content.get("_isBinary"):
        return ""
    length = len(_encoded(content, text))
    return f"{length} of {size} bytes" if size > length else ""


def _encoding(place: CheckedObject) -> str:
    return str(place.get("encoding") or "").lower()


def _from_hex(place: CheckedObject, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise place.error("a body that should be hexadecimal is not") from None


def _failure(entry: CheckedObject) -> End:
    """How a request without a response ended, as far as browsers and mitmproxy say so."""
    said = " ".join(str(entry.inner("response").get(name)) for name in ("_error", "comment", "statusText")).upper()
    return End("timeout" if "TIMED_OUT" in said else "cancelled" if "ABORTED" in said else "reset")
