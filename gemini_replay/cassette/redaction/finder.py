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
from functools import lru_cache
from typing import Any, NamedTuple

from ...errors import UsageError
from .declared import DeclaredMembers
from .encodings import Unescaped
from .key_formats import CANDIDATE, LONGEST
from .keys import NAME, WORD, can_begin_key, find_keys, is_data, open_key
from .known_forms import known_forms
from .randomness import could_be_secret, is_placeholder
from .secret_names import SecretNames, as_list
from .spans import TOKEN, Span, merged, rows_of

LOOK_BEHIND = 144
"""Bytes before a secret that can decide whether it is one: an escape, a name, base64 data."""

_LEAST = 12
"""Bytes of a key or of a value after a name. Shorter ones are found only in parsed documents."""
_LONG = b"x" * _LEAST
_MOST_DERIVED = 64

_HEADS = frozenset(b"\"'`=:> \n\t")
_SIGNS = frozenset({b":", b"=", b">"})
_QUOTES = b" \t\n\"'`\\"
_NAME_CHARS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."
_LONGEST_NAME = 42
_SCHEMES = {b"bearer": "Bearer token", b"token": "token", b"bot": "Bot token", b"basic": "Basic"}
_LAST_OF_SCHEMES = frozenset({name[-1:] for name in _SCHEMES} | {name[-1:].upper() for name in _SCHEMES})
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
        self._forms = known_forms(self.known)
        self.numbers = tuple(secret.encode() for secret in self.known if secret.isascii() and secret.isdigit())
        self._patterns = tuple(patterns)
        self._names = names
        self._declared = DeclaredMembers(names.redacted_fields) if names.redacted_fields else None
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

    def search(
        self,
        window: bytes,
        *,
        first: bool = True,
        final: bool = True,
        opaque: bool = False,
        before: int | None = None,
    ) -> Found:
        """All secrets in a window, which begins at least `LOOK_BEHIND` bytes before the place that was open before.

        The `first` window is the beginning of the stream; nothing follows the `final` one. In an `opaque` window,
        binary data or an id, only known values are secrets. Secrets that do not begin `before` an offset may be left
        out, if another search finds them.
        """
        unescaped = Unescaped(window, final=final)
        view = unescaped.text
        # An earlier search has judged secrets that begin within the look-behind.
        floor = 0 if first else unescaped.first_from(LOOK_BEHIND) if unescaped.changed else LOOK_BEHIND
        past = floor  # no other secret begins within a key
        found: list[Span] = []
        if before is None or floor < before:
            rows = rows_of(view)
            found = self._forms.find(view, rows)
            if not opaque:
                certain = [
                    span
                    for span, reach in self._in_rows(view, rows, floor, before)
                    if span.start >= floor and (final or reach < len(view))
                ]
                if certain:
                    past = max(span.end for span in certain)
                    found += certain
                if b"@" in view or _PEM in view:
                    found += self._between_rows(view, floor, final=final)
                if self._patterns:
                    found += self._matches(view, floor, final=final)
        if found:
            found = merged(
                Span(_after_escape(window, unescaped.offset(start)), unescaped.offset(end), number, kind)
                for start, end, number, kind in found
            )
        open_at = len(window)
        if not final:
            open_at = self._open(view, floor, past)
            open_at = unescaped.offset(open_at) if unescaped.changed else open_at
        if self._declared is not None:
            declared, declared_open = self._declared.find(window, final=final)
            if declared := [span for span in declared if first or span.start >= LOOK_BEHIND]:
                found = merged([*found, *declared])
            open_at = min(declared_open, open_at)
        return Found(found, open_at)

    def _in_rows(self, view: bytes, rows: bytes, floor: int, before: int | None) -> Iterator[tuple[Span, int]]:
        """Secrets that are rows of token characters, or parts of rows, each with the end of the deciding text.

        Some of them can begin before `floor`.
        """
        stop = len(view) if before is None else before
        at = rows.find(_LONG, rows.rfind(b" ", 0, floor) + 1)
        while 0 <= at < stop:
            end = rows.find(b" ", at + _LEAST)
            end = len(view) if end < 0 else end
            # The same names and values come with every event, in quotes.
            in_quotes = view[at - 1 : at] == b'"' and end - at <= WORD
            if not (in_quotes and _is_harmless(view[at:end])):
                yield from self._in_row(view, at, end, floor)
            at = rows.find(_LONG, end)

    def _between_rows(self, view: bytes, floor: int, *, final: bool) -> Iterator[Span]:
        """Private keys and passwords in URLs."""
        found: list[tuple[re.Match[bytes], str]] = []
        if _PEM in view:
            found += [(block, "private key") for block in _blocks(view) if _is_key(block[1])]
        if b"@" in view and b"://" in view:
            found += [(user, "password in a URL") for user in _USER.finditer(view) if _is_password(user[1])]
        for match, kind in found:
            if match.start(1) >= floor and (final or match.end() < len(view)):
                yield Span(*match.span(1), kind=kind)

    def _matches(self, view: bytes, floor: int, *, final: bool) -> Iterator[Span]:
        for pattern in self._patterns:
            for found in pattern.finditer(view):
                start, stop = found.span(1 if pattern.groups else 0)
                certain = (final or found.end() < len(view)) and found.start() >= floor
                if 0 <= start < stop and certain and not is_data(view, start, stop):
                    yield Span(start, stop, kind="match of redact_patterns")

    def _in_row(self, view: bytes, start: int, end: int, floor: int) -> Iterator[tuple[Span, int]]:
        """The secrets in a row of token characters."""
        if (span := self._named(view, start, end)) is not None:
            yield span, end
        elif can_begin_key(view, start, end):
            yield from find_keys(view, start, end, floor)

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
        """The meaning of the text before a value: "certain KIND", "likely KIND", "Basic", or ""."""
        if not start or view[start - 1] not in _HEADS:
            return ""
        before = view[max(0, start - NAME) : start]
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

    def _open(self, view: bytes, floor: int, past: int) -> int:
        """Where the first secret begins that the end of the view cuts."""
        end = len(view)
        if not end:
            return end
        at = self._forms.open_at(view)
        if view[-1] in TOKEN:
            at = min(at, self._unknown_open(view, floor, past))
        if _PEM in view:
            at = min([at, *(found.start(1) for found in _blocks(view) if found.end() == end)])
        if view[-1] not in _ENDS_USER and (link := view.rfind(b"://", -330)) >= 0:
            user = _USER_CUT.match(view, link)
            at = min(at, user.start(1)) if user else at
        if self._patterns:
            run = max(view.rfind(stop, -LONGEST) for stop in (b" ", b"\n", b'"', b"'")) + 1
            if run or end <= LONGEST:
                at = min(at, run)
        return at

    def _unknown_open(self, view: bytes, floor: int, past: int) -> int:
        end = len(view)
        tail = view[-LONGEST - 1 :]
        run = len(tail) - len(tail.rstrip(TOKEN))
        if run > LONGEST:
            return end
        start = end - run
        if start >= floor and self._kind(view, start):
            return start
        return open_key(view, start, past)


@lru_cache(1024)
def _is_harmless(row: bytes) -> bool:
    """Whether a row of token characters has no secret in it, whatever is before it."""
    value = row.rstrip(b".").decode("latin-1")
    if could_be_secret(value, certain=True) or _is_basic(value):
        return False
    return not any(CANDIDATE.search(before + row) for before in (b"", b"\\", b"%"))


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


def _is_password(value: bytes) -> bool:
    return could_be_secret(value.decode("utf-8", "replace"), certain=True, least=4)


def _is_basic(value: str) -> bool:
    try:
        user, colon, password = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).partition(b":")
    except ValueError:
        return False
    return bool(colon) and user.isascii() and not is_placeholder(password.decode("utf-8", "replace"))


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
            found = re.compile(text.encode(), flags)
        except re.error as error:
            raise UsageError(
                f"redact_patterns has the invalid pattern {text!r:.80}: {error}.", hint=_PATTERNS
            ) from None
        if found.search(b"") is not None:
            raise UsageError(
                f"redact_patterns has the pattern {text!r:.80}, which matches the empty text.",
                hint="Give a pattern that needs at least one character of the secret.",
            )
        compiled.append(found)
    return tuple(compiled)


_PATTERNS = "It takes regular expressions for text, in a list."
