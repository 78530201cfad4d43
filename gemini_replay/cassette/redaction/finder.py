"""Finds secrets in bytes: known values, keys by their format, and random values by the name before them. No I/O.

- A *known value* is found in any of its `encodings`.
- A *key format* is found only where a key can be: not within base64 data, nor in a member with binary data or an id
  (``inlineData.data``, ``thoughtSignature``, …).
- After a *secret name* (``"access_token": "…"``, ``password=…``, ``Bearer …``, ``scheme://user:…@``), every value is
  found that is random enough.

`Finder.search` searches a window of a stream. It returns the certain secrets, and where one begins that later bytes
can complete.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ...errors import UsageError
from .encodings import Unescaped, encodings
from .key_formats import BEGINNINGS, BY_BEGINNING, CANDIDATE, LONGEST, UNFINISHED
from .randomness import could_be_secret, is_placeholder
from .secret_names import OPAQUE_MEMBERS, SecretNames, as_list


class Span(NamedTuple):
    """Where a secret is, and its kind.

    ``number`` means that it is a known value of digits only, which can be a JSON number.
    """

    start: int
    end: int
    number: bool = False
    kind: str = ""


LOOK_BEHIND = 144
"""Bytes before a secret that can decide whether it is one: an escape, a name, base64 data."""

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/+="
_TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+~"
_IN_TOKEN = bytes(120 if byte in _TOKEN else 32 for byte in range(256))
_LEAST = 12
"""Bytes of a key or of a value after a name. Shorter ones are found only in parsed documents."""
_LONG = b"x" * _LEAST
_DATA = 64
"""No key begins after this many base64 characters in a row: that is data."""
_SURROUNDING = 32  # base64 characters around a match of a pattern that make it a part of base64 data
_NAME = 56
_REMEMBERED = 256
_MOST_HARMLESS = 256
_MOST_DERIVED = 64

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
    """The certain secrets of a window, and where an unfinished one begins (at the end of the window if none does)."""

    spans: list[Span]
    open_at: int


class Finder:
    """Finds secrets in windows of a byte stream: known values, each with its kind, and unknown ones.

    If a pattern has a group, its first group is the secret.
    """

    def __init__(self, known: Mapping[str, str], patterns: Iterable[re.Pattern[bytes]], names: SecretNames) -> None:
        self.known = dict(known)
        forms: dict[bytes, tuple[str, bool]] = {}
        for secret, kind in self.known.items():
            for form in encodings(secret):
                forms.setdefault(form, (kind, secret.isdigit() and form == secret.encode()))
        self._forms = [(form, form[:3], kind, number) for form, (kind, number) in sorted(forms.items())]
        self._longest = max(map(len, forms), default=1)
        self._last_bytes = frozenset(byte for form in forms for byte in form)
        self._short = frozenset({form[:length] for form in forms for length in (1, 2)})
        self.numbers = tuple(secret.encode() for secret in self.known if secret.isascii() and secret.isdigit())
        self._patterns = tuple(patterns)
        self._names = names
        self._harmless: set[bytes] = set()
        self._derived: dict[frozenset[str], Finder] = {}

    def knowing(self, more: Mapping[str, str]) -> Finder:
        """A finder that knows more values. Finders are reused, since making one is slow."""
        values = frozenset({*more, *self.known})
        if len(values) == len(self.known):
            return self
        finder = self._derived.get(values)
        if finder is None:
            if len(self._derived) >= _MOST_DERIVED:
                self._derived.clear()
            finder = self._derived[values] = Finder({**more, **self.known}, self._patterns, self._names)
            finder._derived = self._derived
        return finder

    def search(self, window: bytes, *, first: bool = True, final: bool = True, opaque: bool = False) -> Found:
        """All secrets in a window, which begins at least `LOOK_BEHIND` bytes before the place that was open before.

        The `first` window is the beginning of the stream; nothing follows the `final` one. In an `opaque` window,
        binary data or an id, only known values are secrets.
        """
        unescaped = Unescaped(window, final=final)
        view = unescaped.text
        # An earlier search has judged what begins within the look-behind.
        floor = 0 if first else len(Unescaped(window[:LOOK_BEHIND]).text) if unescaped.changed else LOOK_BEHIND
        spans = [
            Span(_after_escape(window, unescaped.offset(start)), unescaped.offset(end), number, kind)
            for start, end, number, kind in self._spans(view, floor, final=final, opaque=opaque)
        ]
        open_at = len(window) if final else unescaped.offset(self._open(view, floor))
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
                    yield Span(start, stop, kind="match of redact_patterns")

    def _unknown(self, view: bytes) -> Iterator[tuple[Span, int]]:
        """Secrets by their format or the name before them, each with the end of the bytes that decide about it."""
        tokens = view.translate(_IN_TOKEN)
        at = tokens.find(_LONG)
        while at >= 0:
            end = tokens.find(b" ", at + _LEAST)
            end = len(view) if end < 0 else end
            # The same member names and model names come with every event. If the characters just before one do not
            # matter, it is harmless whatever is before them.
            seen = None
            if end - at <= _REMEMBERED:
                nothing = view[at - 2 : at] in _TELLS_NOTHING or view[at - 3 : at] in _TELLS_NOTHING
                seen = view[at:end] if nothing else view[max(0, at - _NAME) : end]
            if seen not in self._harmless:
                if (span := self._named(view, at, end)) is not None:
                    yield span, end
                elif end - at > _REMEMBERED or CANDIDATE.search(view, at, end):
                    yield from _keys(view, at, end)
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
        """The secret that a row of token characters is, judged by the name before it."""
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
        """What the text before a value says about it: "certain KIND", "likely KIND", "Basic", or ""."""
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
        text = name.decode("latin-1")
        in_query = sign == b"=" and bare[-len(name) - 1 : -len(name)] in {b"?", b"&"}
        secrecy = self._names.field(text, parameter=in_query)
        return f"{secrecy} value of {text}" if secrecy else ""

    def _open(self, view: bytes, floor: int) -> int:
        """Where the first secret begins that the end of the view cuts."""
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
        # Usually the row is one word that no key begins with.
        if view[start:].isalnum() and view[start - 1 : start] != b"\\" and view[start : start + 2] not in BEGINNINGS:
            return end
        found = UNFINISHED.search(view, start)
        while found and (found.start() < floor or _in_data(view, found.start())):
            found = UNFINISHED.search(view, found.start() + 1)
        return end if found is None else found.start()


def _keys(view: bytes, start: int, end: int) -> Iterator[tuple[Span, int]]:
    """Keys of a known format in a row of token characters, each with the end of what can belong to it."""
    at = start
    while at < end:
        # A key begins near the start, or after a dot or a tilde, where base64 data ends.
        found = CANDIDATE.search(view, at, min(end, at + _DATA + 32))
        if found is None:
            dots = [dot for dot in (view.find(b".", at, end), view.find(b"~", at, end)) if dot >= 0]
            if not dots:
                return
            at = max(min(dots) + 1, at)
            continue
        at = found.start() + 1
        for key_format in BY_BEGINNING[found[0]]:
            key = key_format.pattern.match(view, found.start())
            if key is None or _in_data(view, key.start()):
                continue
            rest = key[0][len(key_format.begins) :].decode("latin-1")
            if could_be_secret(rest) if key_format.random else not is_placeholder(rest):
                at = key.end()
                reach = len(view) - len(view[at:].lstrip(b".")) if "." in key_format.chars else at
                yield Span(*key.span(), kind=key_format.kind), reach
                break


def _in_data(view: bytes, at: int) -> bool:
    """Whether an offset is within base64 data, or in a member with binary data or an id."""
    before = view[max(0, at - _DATA) : at]
    head = len(before) - len(before.rstrip(_BASE64))
    return head >= _DATA or _OPAQUE.search(view, max(0, at - head - _NAME), at - head) is not None


def _is_data(view: bytes, start: int, stop: int) -> bool:
    """Whether a match of a pattern is within base64 data, or in a member with binary data or an id."""
    before = view[max(0, start - _SURROUNDING) : start]
    after = view[stop : stop + _SURROUNDING]
    head, tail = len(before) - len(before.rstrip(_BASE64)), len(after) - len(after.lstrip(_BASE64))
    return head + tail >= _SURROUNDING or _OPAQUE.search(view, max(0, start - head - _NAME), start - head) is not None


def _blocks(view: bytes) -> Iterator[re.Match[bytes]]:
    """The possible private keys of PEM blocks, one for each first line; an unfinished one reaches into the next."""
    at = view.find(_PEM)
    while at >= 0:
        found = _PEM_BODY.match(view, at)
        if found and len(found[1]) <= _LONGEST_PEM:
            yield found
        at = view.find(_PEM, at + 1)


def _is_key(body: bytes) -> bool:
    """Whether the body of a PEM block is a key, rather than words about keys."""
    longest = max(re.findall(rb"[A-Za-z0-9+/]+", body), key=len, default=b"")
    return len(longest) > 24 and could_be_secret(longest[:LONGEST].decode())


def _is_basic(value: str) -> bool:
    try:
        user, colon, password = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).partition(b":")
    except ValueError:
        return False
    return bool(colon) and user.isascii() and not is_placeholder(password.decode("utf-8", "replace"))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, with overlapping ones joined."""
    apart: list[Span] = []
    for span in sorted(spans):
        if span.start >= span.end:
            continue
        if apart and span.start < apart[-1].end:
            last = apart.pop()
            span = Span(last.start, max(last.end, span.end), last.number and span.number, last.kind or span.kind)
        apart.append(span)
    return apart


def _after_escape(window: bytes, start: int) -> int:
    """`start`, or the end of the escape that it would cut: after a backslash, n is not part of a secret."""
    slash = window.rfind(b"\\", max(0, start - 5), start)
    if slash < 0:
        return start
    run = slash
    while run > 0 and window[run - 1] == 0x5C:
        run -= 1
    if (slash - run) % 2:
        return start  # an even number of backslashes does not escape what follows
    return max(start, slash + (6 if window[slash + 1 : slash + 2] == b"u" else 2))


def compile_patterns(patterns: Any) -> tuple[re.Pattern[bytes], ...]:
    """The setting `redact_patterns` as regular expressions over bytes; a `UsageError` if it is anything else."""
    compiled = []
    for pattern in as_list("redact_patterns", patterns, "regular expressions"):
        if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
            text, flags = pattern.pattern, int(pattern.flags & ~re.UNICODE)
        elif isinstance(pattern, str):
            text, flags = pattern, 0
        else:
            raise UsageError(f"redact_patterns contains {pattern!r:.80}.", hint=_PATTERNS)
        try:
            compiled.append(re.compile(text.encode(), flags))
        except re.error as error:
            raise UsageError(
                f"redact_patterns has the invalid pattern {text!r:.80}: {error}.", hint=_PATTERNS
            ) from None
    return tuple(compiled)


_PATTERNS = "It takes regular expressions for text, in a list."
