"""Encodings that can hide a secret: content codings, escapes of single characters, base64 and hexadecimal.

`Decompressor` and `Unescaped` undo the first two. What is left are the `encodings` of a whole secret.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate
from urllib.parse import quote, unquote

from ...errors import GeminiReplayError
from ..model import Headers, header

_SHORTEST = 8
"""Bytes of an encoded secret; a shorter one occurs in data by chance."""

_HEX = re.compile(r"[0-9a-fA-F]{16,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UUID = re.compile(r"\A(.{8})(.{4})(.{4})(.{4})(.{12})\Z")

_NAMED = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
# Escapes of one printable ASCII character. No token contains any other character.
_IN_TEXT = (
    rb"%(?:25)*([2-7][0-9a-fA-F])"
    rb"|&(?:#[xX]0{0,4}([2-7][0-9a-fA-F])|#0{0,4}(3[2-9]|[4-9]\d|1[01]\d|12[0-6])|(amp|lt|gt|quot|apos));"
)
_ESCAPE_IN_TEXT = re.compile(_IN_TEXT)
_ESCAPE = re.compile(_IN_TEXT + rb"|\\\\*(?:u00([2-7][0-9a-fA-F])|/)")
_BEGUN = re.compile(
    rb"(?:\\\\*(?:u(?:0(?:0[2-7]?)?)?)?|%(?:25)*[2-7]?|&(?:#(?:[xX]?0{0,4}[0-9a-fA-F]{0,3})?|[a-z]{1,4})?)\Z"
)
_LONGEST_ESCAPE = 12


@lru_cache(512)
def encodings(secret: str) -> tuple[bytes, ...]:
    """The forms that a known secret can have in `Unescaped` text: plain, JSON, base64 at each alignment, hexadecimal.

    A secret that is hexadecimal itself, such as a UUID, has the same value in either case, with and without dashes
    (RFC 9562, 4). Trailing backslashes are left out, since they could cut an escape.
    """
    secret = secret.rstrip("\\")
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    texts = {secret, plain, json.dumps(secret)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1], unquote(secret)}
    if not secret.isascii():
        escaped = quote(secret, safe="".join(map(chr, range(0x20, 0x7F))), errors="replace")
        texts |= {escaped, re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), escaped)}
    if _HEX.fullmatch(secret):
        bare = secret.replace("-", "")
        spelled = {secret, bare, _UUID.sub(r"\1-\2-\3-\4-\5", bare)}
        texts |= {case(one) for one in spelled for case in (str.lower, str.upper)}
    if " " in secret:
        texts.add(secret.replace(" ", "+"))
    raw = secret.encode("utf-8", "replace")
    whole = [form for form in _base64_and_hex(raw) if len(form) >= _SHORTEST]
    found = {Unescaped(text.encode("utf-8", "replace")).text for text in texts if text}
    return tuple(sorted({*(text.encode("utf-8", "replace") for text in texts if text), *found, *whole}))


def _base64_and_hex(raw: bytes) -> set[bytes]:
    forms = {raw.hex().encode(), raw.hex().upper().encode()}
    for before in range(3):
        # The base64 characters that contain only bits of this value, whatever is before and after it.
        coded = base64.b64encode(b"\0" * before + raw).rstrip(b"=")
        end = (before + len(raw)) * 8 // 6
        inner = coded[(before * 8 + 5) // 6 : end]
        forms |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return forms


class Unescaped:
    """A window of bytes without the escapes of JSON (also nested), URLs and HTML for printable ASCII characters.

    Unless it is `final`, more can follow, and an incomplete escape at the end is left out.
    """

    __slots__ = ("_ends", "_shrunk", "changed", "text")

    def __init__(self, window: bytes, *, final: bool = True) -> None:
        self.changed = False
        self.text = window
        if b"\\" not in window and b"%" not in window and b"&" not in window:
            return
        if not final:
            last = window[-_LONGEST_ESCAPE:]
            if (b"\\" in last or b"%" in last or b"&" in last) and (begun := _BEGUN.search(last)):
                self.text = window = window[: len(window) - len(last) + begun.start()]
        if b"\\" in window and (b"\\u00" in window or b"\\/" in window):
            self._undo(window, _ESCAPE)
        elif b"%" in window or b"&" in window:
            self._undo(window, _ESCAPE_IN_TEXT)

    def _undo(self, window: bytes, pattern: re.Pattern[bytes]) -> None:
        escapes = list(pattern.finditer(window))
        if not escapes:
            return
        self.changed = True
        self._ends = list[int]()
        pieces, past, length = [], 0, 0
        for escape in escapes:
            pieces += [window[past : escape.start()], _character(escape)]
            length += escape.start() - past + 1
            self._ends.append(length - 1)
            past = escape.end()
        self.text = b"".join([*pieces, window[past:]])
        self._shrunk = [0, *accumulate(len(escape[0]) - 1 for escape in escapes)]

    def offset(self, at: int) -> int:
        """The offset in the window of an offset in the text."""
        return at + self._shrunk[bisect_left(self._ends, at)] if self.changed else at

    def first_from(self, at: int) -> int:
        """The first offset in the text that is not before an offset in the window."""
        return bisect_left(range(at), at, key=self.offset) if self.changed else at


def _character(escape: re.Match[bytes]) -> bytes:
    group = escape.lastindex
    if group is None:
        return b"/"
    coded = escape[group]
    return bytes([int(coded)]) if group == 3 else _NAMED[coded] if group == 4 else bytes.fromhex(coded.decode())


# --- content codings ----------------------------------------------------------------------------------------------

_MOST = 64 * 1024 * 1024
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class UnsearchableError(GeminiReplayError):
    """A body that cannot be searched for secrets, so it is not stored."""

    slug = "recording-failed"


class UnchangeableError(GeminiReplayError):
    """A compressed body that contains a secret but must be stored unchanged, so it is not stored."""

    slug = "recording-failed"


def coding_of(headers: Headers) -> str:
    """The content coding of a body; "" without one."""
    coding = (header(headers, "content-encoding") or "").strip().lower()
    return "" if coding == "identity" else coding


class Decompressor:
    """Decompresses one body, piece by piece; `what` the body is and the `hint` are for messages.

    Raises:
        UnsearchableError: the coding is not supported, a piece is invalid, or the body is too large.
    """

    def __init__(self, coding: str, what: str, hint: str) -> None:
        if coding not in _WINDOWS:
            raise UnsearchableError(
                f"{what} has the content coding {coding!r:.80}, which cannot be searched for secrets. "
                "It was not stored.",
                hint=hint,
            )
        self._what = f"{what} in the content coding {coding!r}"
        self._hint = hint
        self._make: Callable[[], zlib._Decompress] = lambda: zlib.decompressobj(_WINDOWS[coding])
        self._member = self._make()
        self._room = _MOST

    def feed(self, data: bytes) -> bytes:
        """Decompress a piece."""
        found = []
        while data:
            try:
                piece = self._member.decompress(data, self._room + 1)
            except zlib.error as error:
                raise UnsearchableError(
                    f"{self._what} cannot be decoded ({error}) to search it for secrets. It was not stored.",
                    hint=self._hint,
                ) from None
            self._room -= len(piece)
            if self._room < 0:
                raise UnsearchableError(
                    f"{self._what} decodes to more than {_MOST:,} bytes. It was not stored.", hint=self._hint
                )
            found.append(piece)
            data = self._member.unused_data
            if self._member.eof:
                self._member = self._make()
        return b"".join(found)
