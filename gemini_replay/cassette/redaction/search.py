"""Finds secrets in bytes: known values, keys by their shape, and random values by the name before them. Pure.

A *known value* is found in any of its `spellings`. A *shape* is found only where a key can stand: never in the middle
of base64 data, nor as the value of a member that holds opaque data (``inlineData.data``, ``thoughtSignature``, …).
Behind a *telling name* (``"access_token": "…"``, ``password=…``, ``Bearer …``, ``scheme://user:…@``) what is random
enough is found.

`Finder.search` works on a window of a stream: it returns what is certain, and where something begins that later
bytes may complete.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from .judging import could_be_secret, is_placeholder
from .shapes import BEGINNINGS, BY_BEGINNING, CANDIDATE, LONGEST, UNFINISHED
from .spellings import Reading, spellings
from .telling_names import OPAQUE_MEMBERS, telling, telling_query


class Span(NamedTuple):
    """Where a secret stands.

    ``number`` says that it is a known value of digits only, which may stand for a JSON number; ``kind`` what it is.
    """

    start: int
    end: int
    number: bool = False
    kind: str = ""


LOOK_BEHIND = 144
"""Bytes before a secret that decide whether it is one: an escape, a name, the key of an opaque value, base64 data."""

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/+="
_TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+~"
_IN_TOKEN = bytes(120 if byte in _TOKEN else 32 for byte in range(256))
_LEAST = 12
"""Bytes of a key or of a value behind a name; a shorter one is found only where documents are taken apart."""
_LONG = b"x" * _LEAST
_DATA = 64
"""After so many base64 characters in a row no key begins: it is data."""
_SURROUNDING = 32  # so many base64 characters around a pattern's match make it a part of base64 data
_NAME = 56
_REMEMBERED = 256
_MOST_HARMLESS = 256

_OPAQUE = re.compile(rb'"(?:' + "|".join(sorted(OPAQUE_MEMBERS)).encode() + rb')\\*"\s{0,8}:\s{0,8}\\*"\Z')
_HEADS = frozenset(b"\"'`=:> \n\t")
_SIGNS = frozenset({b":", b"=", b">"})
_QUOTES = b" \t\n\"'`\\"
_NAME_CHARS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."
_LONGEST_NAME = 42
_SCHEMES = {b"bearer": "Bearer token", b"token": "token", b"bot": "Bot token", b"basic": "Basic"}
_LAST_OF_SCHEMES = frozenset({name[-1:] for name in _SCHEMES} | {name[-1:].upper() for name in _SCHEMES})
_TELLS_NOTHING = frozenset({b'{"', b',"', b'["', b', "', b'{ "', b'[ "'})
_PEM = b"PRIVATE KEY"
_PEM_BODY = re.compile(rb"PRIVATE KEY(?: BLOCK)?-----((?:[A-Za-z0-9+/=\s.:,]|-(?!-)|\\+[rn])+)")
_LONGEST_PEM = 16 * 1024
_USER = re.compile(rb"://[^\s/@\"'<>\\:]{0,64}:([^\s/@\"'<>\\]{4,256})@")
_ENDS_USER = frozenset(b" \t\r\n/@\"'<>\\")
_USER_CUT = re.compile(rb"://[^\s/@\"'<>\\:]{0,64}:([^\s/@\"'<>\\]{1,256})\Z")


class Found(NamedTuple):
    """What a window holds: certain secrets, and where an unfinished one begins (the window's length if none does)."""

    spans: list[Span]
    open_at: int


class Finder:
    """Finds secrets in windows of a byte stream.

    Args:
        known: known values, each with its kind.
        patterns: further shapes, regular expressions over bytes. If one has a group, its first group is the secret.
        keep: names whose values are kept.
        redact: further names whose values are secret.
    """

    def __init__(
        self,
        known: Mapping[str, str],
        patterns: Iterable[re.Pattern[bytes]] = (),
        *,
        keep: frozenset[str] = frozenset(),
        redact: frozenset[str] = frozenset(),
    ) -> None:
        self.known = dict(known)
        forms: dict[bytes, tuple[str, bool]] = {}
        for secret, kind in self.known.items():
            for form in spellings(secret):
                forms.setdefault(form, (kind, secret.isdigit() and form == secret.encode()))
        self._forms = [(form, form[:3], kind, number) for form, (kind, number) in sorted(forms.items())]
        self._longest = max(map(len, forms), default=1)
        self._last_bytes = frozenset(byte for form in forms for byte in form)
        self._short = frozenset({form[:length] for form in forms for length in (1, 2)})
        self.numbers = tuple(secret.encode() for secret in self.known if secret.isascii() and secret.isdigit())
        self._patterns = tuple(patterns)
        self._keep = keep
        self._redact = redact
        self._harmless: set[bytes] = set()

    def knowing(self, more: Mapping[str, str]) -> Finder:
        """A finder that knows further values."""
        return Finder({**more, **self.known}, self._patterns, keep=self._keep, redact=self._redact)

    def search(self, window: bytes, *, first: bool = True, final: bool = True, opaque: bool = False) -> Found:
        """All secrets in a window.

        Args:
            window: the bytes; at least `LOOK_BEHIND` of them stand before anything that was open, if there are.
            first: the window is the beginning of the stream, nothing stands before it.
            final: nothing follows it.
            opaque: whether it is opaque data, in which known values alone are looked for.
        """
        reading = Reading(window, final=final)
        view = reading.text
        # What begins in the bytes that only stand there to be looked back at has been judged before.
        floor = 0 if first else len(Reading(window[:LOOK_BEHIND]).text) if reading.changed else LOOK_BEHIND
        spans = [
            Span(_behind_escape(window, reading.place(start)), reading.place(end), number, kind)
            for start, end, number, kind in self._spans(view, floor, final=final, opaque=opaque)
        ]
        open_at = len(window) if final else reading.place(self._open(view, floor))
        return Found(merged(spans) if spans else spans, open_at)

    def _spans(self, view: bytes, floor: int, *, final: bool, opaque: bool) -> Iterator[Span]:
        for form, _, kind, number in self._forms:
            at = view.find(form)
            while at >= 0:
                yield Span(at, at + len(form), number, kind)
                at = view.find(form, at + 1)
        if opaque:
            return
        end = len(view)
        for span, reach in self._unknown(view):
            if (final or reach < end) and span.start >= floor:
                yield span
        for pattern in self._patterns:
            for found in pattern.finditer(view):
                start, stop = found.span(1 if pattern.groups else 0)
                certain = (final or found.end() < end) and found.start() >= floor
                if 0 <= start < stop and certain and not _is_data(view, start, stop):
                    yield Span(start, stop, kind="what a pattern of the settings finds")

    def _unknown(self, view: bytes) -> Iterator[tuple[Span, int]]:
        """Secrets by their shape or by what stands before them, each with the end of what it was told by."""
        tokens = view.translate(_IN_TOKEN)
        at = tokens.find(_LONG)
        while at >= 0:
            end = tokens.find(b" ", at + _LEAST)
            end = len(view) if end < 0 else end
            # The same member names and model names come with every event. Where what stands right before one tells
            # nothing, it is harmless whatever came before that.
            seen = None
            if end - at <= _REMEMBERED:
                nothing = view[at - 2 : at] in _TELLS_NOTHING or view[at - 3 : at] in _TELLS_NOTHING
                seen = view[at:end] if nothing else view[max(0, at - _NAME) : end]
            if seen not in self._harmless:
                if (span := self._named(view, at, end)) is not None:
                    yield span, end
                elif end - at > _REMEMBERED or CANDIDATE.search(view, at, end):
                    yield from _shaped(view, at, end)
                elif seen is not None:
                    if len(self._harmless) >= _MOST_HARMLESS:
                        self._harmless.clear()
                    self._harmless.add(seen)
            at = tokens.find(_LONG, end)
        if _PEM in view:
            for found in _blocks(view):
                if _is_key(found[1]):
                    yield Span(*found.span(1), kind="private key"), found.end()
        if b"@" in view and b"://" in view:
            for found in _USER.finditer(view):
                if could_be_secret(found[1].decode("utf-8", "replace"), certain=True, least=4):
                    yield Span(*found.span(1), kind="password in a URL"), found.end()

    def _named(self, view: bytes, start: int, end: int) -> Span | None:
        """The secret that a row of token characters is, by what stands before it."""
        if end - start > LONGEST or not (kind := self._kind(view, start)):
            return None
        end = start + len(view[start:end].rstrip(b"."))  # the end of a sentence
        value = view[start:end].decode("latin-1")
        if kind == "Basic":
            return Span(start, end, kind="Basic credentials") if _is_basic(value) else None
        certain = kind.startswith("certain ")
        if not could_be_secret(value, certain=certain):
            return None
        return Span(start, end, kind=kind.partition(" ")[2])

    def _kind(self, view: bytes, start: int) -> str:
        """What stands before a value: "certain KIND", "likely KIND", "Basic", or nothing that tells."""
        if not start or view[start - 1] not in _HEADS:
            return ""
        before = view[max(0, start - _NAME) : start]
        bare = before.rstrip(_QUOTES)
        sign = bare[-1:]
        if sign in _SIGNS:
            bare = bare[:-1].rstrip(_QUOTES)
        elif len(bare) == len(before) or sign not in _LAST_OF_SCHEMES:
            return ""
        name = bare[len(bare.rstrip(_NAME_CHARS)) :]
        if scheme := _SCHEMES.get(name.lower()):
            return scheme if scheme == "Basic" else f"likely {scheme}"
        if sign == b":" and name.isdigit() and 8 <= len(name) <= 10 and b"AA".startswith(view[start : start + 2]):
            return "likely bot token (Telegram)"
        if sign not in _SIGNS or not 2 <= len(name) <= _LONGEST_NAME:
            return ""
        if sign == b">" and bare[-len(name) - 1 : -len(name)] != b"<":
            return ""
        known = name.decode("latin-1")
        if known.lower() in self._keep:
            return ""
        in_query = sign == b"=" and bare[-len(name) - 1 : -len(name)] in {b"?", b"&"}
        told = telling_query(known) if in_query else telling(known)
        told = "certain" if known.lower() in self._redact else told
        return f"{told} value of {known}" if told else ""

    def _open(self, view: bytes, floor: int) -> int:
        """Where the earliest secret begins that the end of the view may have cut."""
        end = len(view)
        if not end:
            return end
        at = end
        if view[-1] in self._last_bytes:
            at = self._known_open(view)
        if view[-1] in _TOKEN:
            at = min(at, self._unknown_open(view, floor))
        if _PEM in view:
            at = min([at, *(found.start(1) for found in _blocks(view) if found.end() == end)])
        if view[-1] not in _ENDS_USER and (link := view.rfind(b"://", max(0, end - 330))) >= 0:
            user = _USER_CUT.match(view, link)
            at = min(at, user.start(1)) if user else at
        if self._patterns:
            run = max(view.rfind(stop, -LONGEST) for stop in (b" ", b"\n", b'"', b"'")) + 1
            if run or end <= LONGEST:
                at = min(at, run)
        return at

    def _known_open(self, view: bytes) -> int:
        end = len(view)
        at = end - 2 if view[-2:] in self._short else end - 1 if view[-1:] in self._short else end
        tail = view[-self._longest :]
        for form, begins, _, _ in self._forms:
            if begins not in tail:
                continue
            found = view.find(begins, max(0, end - len(form) + 1))
            while 0 <= found < at:
                if form.startswith(view[found:]):
                    at = found
                found = view.find(begins, found + 1)
        return at

    def _unknown_open(self, view: bytes, floor: int) -> int:
        end = len(view)
        tail = view[-LONGEST - 1 :]
        run = len(tail) - len(tail.rstrip(_TOKEN))
        if run > LONGEST:
            return end
        start = end - run
        if start >= floor and self._kind(view, start):
            return start
        # Most often the row is one word, and no key begins like it.
        if view[start:].isalnum() and view[start - 1 : start] != b"\\" and view[start : start + 2] not in BEGINNINGS:
            return end
        found = UNFINISHED.search(view, start)
        while found and (found.start() < floor or _in_data(view, found.start())):
            found = UNFINISHED.search(view, found.start() + 1)
        return end if found is None else found.start()


def _shaped(view: bytes, start: int, end: int) -> Iterator[tuple[Span, int]]:
    """Keys by their shape that begin in a row of token characters, each with the end of what may belong to it."""
    at = start
    while at < end:
        # Where a key may begin within reach: behind a dot or a tilde base64 data may begin anew.
        found = CANDIDATE.search(view, at, min(end, at + _DATA + 32))
        if found is None:
            dots = [dot for dot in (view.find(b".", at, end), view.find(b"~", at, end)) if dot >= 0]
            if not dots:
                return
            at = max(min(dots) + 1, at)
            continue
        at = found.start() + 1
        for shape in BY_BEGINNING[found[0]]:
            key = shape.pattern.match(view, found.start())
            if key is None or _in_data(view, key.start()):
                continue
            rest = key[0][len(shape.begins) :].decode("latin-1")
            if could_be_secret(rest) if shape.random else not is_placeholder(rest):
                at = key.end()
                reach = len(view) - len(view[at:].lstrip(b".")) if "." in shape.chars else at
                yield Span(*key.span(), kind=shape.kind), reach
                break


def _in_data(view: bytes, at: int) -> bool:
    """Whether a place is inside base64 data or inside an opaque value."""
    before = view[max(0, at - _DATA) : at]
    head = len(before) - len(before.rstrip(_BASE64))
    return head >= _DATA or _OPAQUE.search(view, max(0, at - head - _NAME), at - head) is not None


def _is_data(view: bytes, start: int, stop: int) -> bool:
    """Whether a pattern's match is a part of base64 data, or of an opaque value."""
    before = view[max(0, start - _SURROUNDING) : start]
    behind = view[stop : stop + _SURROUNDING]
    head, tail = len(before) - len(before.rstrip(_BASE64)), len(behind) - len(behind.lstrip(_BASE64))
    return head + tail >= _SURROUNDING or _OPAQUE.search(view, max(0, start - head - _NAME), start - head) is not None


def _blocks(view: bytes) -> Iterator[re.Match[bytes]]:
    """What may be the private keys of PEM blocks, one for each first line; one may reach into the next."""
    at = view.find(_PEM)
    while at >= 0:
        found = _PEM_BODY.match(view, at)
        if found and len(found[1]) <= _LONGEST_PEM:
            yield found
        at = view.find(_PEM, at + 1)


def _is_key(body: bytes) -> bool:
    """Whether what follows the first line of a PEM block is a key, and no words about keys."""
    longest = max(re.findall(rb"[A-Za-z0-9+/]+", body), key=len, default=b"")
    return len(longest) > 24 and could_be_secret(longest[:LONGEST].decode())


def _is_basic(value: str) -> bool:
    try:
        user, colon, password = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    return bool(colon) and user.isascii() and not is_placeholder(password.decode("utf-8", "replace"))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap made one."""
    apart: list[Span] = []
    for span in sorted(spans):
        if span.start >= span.end:
            continue
        if apart and span.start < apart[-1].end:
            last = apart.pop()
            span = Span(last.start, max(last.end, span.end), last.number and span.number, last.kind or span.kind)
        apart.append(span)
    return apart


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
