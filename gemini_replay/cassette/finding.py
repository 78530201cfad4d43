"""Finds secrets in bytes: known values however they are escaped, and tokens by their shape. Pure.

A *known value* is found as it is, percent-encoded, and as JSON text, whichever of its characters are escaped. A
*shape* is found only where a token can stand: bounded on both sides, never in the middle of base64 data and never
as the value of a key that holds opaque data (``inlineData.data``, ``thoughtSignature``, ``responseId``, …).

`Finder.search` works on a window of a stream: it returns what is certain, and where something begins that later
bytes may complete.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple
from urllib.parse import quote


class Span(NamedTuple):
    """Where a secret stands; ``number`` if it is a known value of digits only, which may stand for a JSON number."""

    start: int
    end: int
    number: bool = False


LONGEST_TOKEN = 4096
"""Bytes; a run of token characters that is longer is data, not a token."""
LOOK_BEHIND = 64
"""Bytes before a token that decide whether it is one: an escape, ``Bearer``, the key of an opaque value."""

_TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+~="
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/+="
_SURROUNDING = 32  # so many base64 characters around a pattern's match make it a part of base64 data
_MORE = LONGEST_TOKEN - 100

# Where a token may begin: not behind a base64 character, unless that character ends an escape (\n, \u003d).
_BEGIN = rb"(?:(?<![A-Za-z0-9_+/\-])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
_FINISH = rb"(?![A-Za-z0-9_+/=\-])"


class _Shape(NamedTuple):
    needle: bytes  # found first, because finding plain bytes is fast
    rest: bytes  # what follows the needle, as a pattern
    included: bool = True  # whether the needle is a part of the secret


_SHAPES = (
    _Shape(b"AIza", rb"[\w-]{35}"),  # Google API keys
    _Shape(b"AQ.", rb"[\w-]{30,%d}" % _MORE),  # Google API keys bound to a service account
    _Shape(b"ya29.", rb"[\w.-]{20,%d}" % _MORE),  # Google OAuth access tokens
    _Shape(b"1//", rb"[\w-]{30,%d}" % _MORE),  # Google OAuth refresh tokens
    _Shape(b"GOCSPX-", rb"[\w-]{20,%d}" % _MORE),  # Google OAuth client secrets
    _Shape(b"eyJ", rb"[\w-]{8,1300}\.eyJ[\w-]{8,1300}\.[\w-]{8,1300}"),  # JSON Web Tokens
    _Shape(b"sk-", rb"(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{20,%d}" % _MORE),  # OpenAI, Anthropic and others
    _Shape(b"ghp_", rb"\w{36,%d}" % _MORE),  # GitHub
    _Shape(b"gho_", rb"\w{36,%d}" % _MORE),
    _Shape(b"ghs_", rb"\w{36,%d}" % _MORE),
    _Shape(b"github_pat_", rb"\w{36,%d}" % _MORE),
    _Shape(b"hf_", rb"[A-Za-z0-9]{30,%d}" % _MORE),  # Hugging Face
    _Shape(b"AKIA", rb"[0-9A-Z]{16}"),  # AWS
    _Shape(b"earer ", rb"[\w.~+/-]{20,%d}=*" % _MORE, included=False),  # Authorization: Bearer …
)
_FULL = tuple(
    (shape.needle, 0 if shape.included else len(shape.needle), re.compile(full))
    for shape in _SHAPES
    for full in [
        (_BEGIN + re.escape(shape.needle) if shape.included else b"") + shape.rest + _FINISH,
    ]
)


def _beginnings(needle: bytes) -> bytes:
    """A pattern for any beginning of `needle`, or the whole and token characters behind it."""
    pattern = rb"[\w.\-]*"
    for byte in reversed(needle):
        pattern = re.escape(bytes([byte])) + b"(?:" + pattern + b")?"
    return pattern


_UNFINISHED = re.compile(
    _BEGIN + b"(?:" + b"|".join(_beginnings(shape.needle) for shape in _SHAPES if shape.included) + rb")\Z"
)
_OPAQUE = re.compile(
    rb'"(?:data|thought_?[sS]ignature|response_?[iI]d|turn_?[tT]oken|continuation_?[tT]oken|signature'
    rb'|encrypted_?[cC]ontent)"\s{0,8}:\s{0,8}"\Z'
)
# Escapes of printable ASCII, however deeply nested; other escapes stand for nothing that a token contains.
_ESCAPE = re.compile(rb"\\+(?:u00([2-7][0-9a-fA-F])|(/))")
_ESCAPE_BEGUN = re.compile(rb"\\+(?:u(?:0(?:0[2-7]?)?)?)?\Z")


class Found(NamedTuple):
    """What a window holds: certain secrets, and where an unfinished one begins (the window's length if none does)."""

    spans: list[Span]
    open_at: int


class Finder:
    """Finds secrets in windows of a byte stream.

    Args:
        secrets: known values.
        patterns: further shapes, regular expressions over bytes. If one has a group, its first group is the secret.
    """

    def __init__(self, secrets: Iterable[str], patterns: Iterable[re.Pattern[bytes]] = ()) -> None:
        self._known = tuple(sorted({form for secret in secrets for form in _forms(secret)}))
        self._known_bytes = frozenset(byte for known in self._known for byte in known)
        self._patterns = tuple(patterns)

    def search(self, window: bytes, *, first: bool = True, final: bool = True) -> Found:
        """All secrets in a window.

        Args:
            window: the bytes; at least `LOOK_BEHIND` of them stand before anything that was open, if there are.
            first: the window is the beginning of the stream, nothing stands before it.
            final: nothing follows it.
        """
        view, place = _unescaped(window)
        if not final:
            view = _without_cut_escape(window, view)
        # What begins in the bytes that only stand there to be looked back at has been judged before.
        floor = 0 if first else len(_unescaped(window[:LOOK_BEHIND])[0])
        spans = [
            Span(_behind_escape(window, place(start)), place(end), number)
            for start, end, number in self._spans(view, floor, final=final)
        ]
        return Found(merged(spans), len(window) if final else place(self._open(view, floor)))

    def _spans(self, view: bytes, floor: int, *, final: bool) -> Iterator[Span]:
        for known in self._known:
            at = view.find(known)
            while at >= 0:
                yield Span(at, at + len(known), number=known.isdigit())
                at = view.find(known, at + 1)
        end = len(view)
        for needle, offset, pattern in _FULL:
            at = view.find(needle)
            while at >= 0:
                found = pattern.match(view, at + offset)
                certain = found and (final or found.end() < end) and found.start() >= floor
                if found and certain and not _is_opaque(view, at):
                    yield Span(*found.span())
                at = view.find(needle, at + 1)
        for pattern in self._patterns:
            for found in pattern.finditer(view):
                start, stop = found.span(1 if pattern.groups else 0)
                certain = (final or found.end() < end) and found.start() >= floor
                if 0 <= start < stop and certain and not _is_data(view, start, stop):
                    yield Span(start, stop)

    def _open(self, view: bytes, floor: int) -> int:
        """Where the earliest secret begins that the end of the view may have cut."""
        end = len(view)
        if not end:
            return end
        at = end
        if view[-1] in self._known_bytes:
            at = min((self._known_open(view, known) for known in self._known), default=end)
        if view[-1] in _TOKEN:
            at = min(at, _shape_open(view, floor))
        if self._patterns:
            run = max(view.rfind(stop, -LONGEST_TOKEN) for stop in (b" ", b"\n", b'"', b"'")) + 1
            if run or end <= LONGEST_TOKEN:
                at = min(at, run)
        return at

    @staticmethod
    def _known_open(view: bytes, known: bytes) -> int:
        at = view.find(known[:1], max(0, len(view) - len(known) + 1))
        while at >= 0:
            if known.startswith(view[at:]):
                return at
            at = view.find(known[:1], at + 1)
        return len(view)


def _shape_open(view: bytes, floor: int) -> int:
    end = len(view)
    tail = view[-LONGEST_TOKEN - 1 :]
    run = len(tail) - len(tail.rstrip(_TOKEN))
    if run > LONGEST_TOKEN:
        return end
    start = end - run
    if view.endswith(b"earer ", 0, start):
        return start
    found = _UNFINISHED.search(view, start)
    while found and found.start() < floor:
        found = _UNFINISHED.search(view, found.start() + 1)
    if found is None or _is_opaque(view, found.start()):
        return end
    return found.start()


def _is_opaque(view: bytes, at: int) -> bool:
    return _OPAQUE.search(view, max(0, at - LOOK_BEHIND), at) is not None


def _is_data(view: bytes, start: int, stop: int) -> bool:
    """Whether a pattern's match is a part of base64 data, or of an opaque value."""
    before = view[max(0, start - _SURROUNDING) : start]
    behind = view[stop : stop + _SURROUNDING]
    head, tail = len(before) - len(before.rstrip(_BASE64)), len(behind) - len(behind.lstrip(_BASE64))
    return head + tail >= _SURROUNDING or _is_opaque(view, start - head)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap made one."""
    apart: list[Span] = []
    for span in sorted(spans):
        if span.start >= span.end:
            continue
        if apart and span.start < apart[-1].end:
            last = apart.pop()
            span = Span(last.start, max(last.end, span.end), last.number and span.number)
        apart.append(span)
    return apart


def _without_cut_escape(window: bytes, view: bytes) -> bytes:
    """What a cut escape at the window's end stands for is not known yet; a secret may begin or end with it."""
    begun = _ESCAPE_BEGUN.search(window, max(0, len(window) - 12))
    return view[: len(view) - (len(window) - begun.start())] if begun else view


def _forms(secret: str) -> set[bytes]:
    """How a value may be written; a backslash at its end could cut an escape and is left out."""
    secret = secret.rstrip("\\")
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    forms = {secret, plain, json.dumps(secret)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1]}
    forms.add(quote(secret, safe="", errors="replace"))
    return {form.encode("utf-8", "replace") for form in forms if form}


def _unescaped(window: bytes) -> tuple[bytes, Callable[[int], int]]:
    """The window with escapes of printable ASCII decoded, and the way back from a place in it."""
    maybe = b"\\u00" in window or b"\\/" in window
    escapes = list(_ESCAPE.finditer(window)) if maybe else []
    if not escapes:
        return window, lambda at: at
    pieces, places, past = [], [], 0
    length = 0
    for escape in escapes:
        pieces += [window[past : escape.start()], bytes.fromhex(escape[1].decode()) if escape[1] else b"/"]
        length += escape.start() - past + 1
        places.append(length - 1)
        past = escape.end()
    pieces.append(window[past:])
    shrunk = [0, *accumulate(len(escape[0]) - 1 for escape in escapes)]
    return b"".join(pieces), lambda at: at + shrunk[bisect_left(places, at)]


def _behind_escape(window: bytes, start: int) -> int:
    """`start`, or the end of the escape that it would cut: behind a backslash, n is no part of a secret."""
    slash = window.rfind(b"\\", max(0, start - 5), start)
    if slash < 0:
        return start
    run = slash
    while run > 0 and window[run - 1] == 0x5C:
        run -= 1
    if (slash - run) % 2:
        return start  # an even number of backslashes: none of them escapes what follows
    return max(start, slash + (6 if window[slash + 1 : slash + 2] == b"u" else 2))
