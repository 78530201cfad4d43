"""How a known secret may be spelled in a text, and how a text is read so that few spellings are left.

`Reading` undoes what stands for single characters: escapes of JSON (however deeply nested), of URLs and of HTML. What
is left are the spellings of a whole: as JSON text, as base64 at each of its three alignments, in hexadecimal digits.
"""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate
from urllib.parse import quote, unquote

_SHORTEST = 8
"""Bytes of an encoded form; a shorter one is found in data by chance."""

_NAMED = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
# What stands for one printable ASCII character; other escapes stand for nothing that a token contains.
_ESCAPE = re.compile(
    rb"\\+(?:u00([2-7][0-9a-fA-F])|/)|%(?:25)*([2-7][0-9a-fA-F])"
    rb"|&(?:#[xX]0{0,4}([2-7][0-9a-fA-F])|#0{0,4}(3[2-9]|[4-9]\d|1[01]\d|12[0-6])|(amp|lt|gt|quot|apos));"
)
_BEGUN = re.compile(
    rb"(?:\\+(?:u(?:0(?:0[2-7]?)?)?)?|%(?:25)*[2-7]?|&(?:#(?:[xX]?0{0,4}[0-9a-fA-F]{0,3})?|[a-z]{1,4})?)\Z"
)
_LONGEST_ESCAPE = 12


@lru_cache(512)
def spellings(secret: str) -> tuple[bytes, ...]:
    """How a known secret may stand in a text that is read by `Reading`.

    A backslash at its end could cut an escape and is left out.
    """
    secret = secret.rstrip("\\")
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    texts = {secret, plain, json.dumps(secret)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1], unquote(secret)}
    if not secret.isascii():
        escaped = quote(secret, safe="".join(map(chr, range(0x20, 0x7F))), errors="replace")
        texts |= {escaped, re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), escaped)}
    if " " in secret:
        texts.add(secret.replace(" ", "+"))
    raw = secret.encode("utf-8", "replace")
    whole = [form for form in _encoded(raw) if len(form) >= _SHORTEST]
    found = {Reading(text.encode("utf-8", "replace")).text for text in texts if text}
    return tuple(sorted({*(text.encode("utf-8", "replace") for text in texts if text), *found, *whole}))


def _encoded(raw: bytes) -> set[bytes]:
    forms = {raw.hex().encode(), raw.hex().upper().encode()}
    for before in range(3):
        # The characters of base64 that hold bits of this value alone, whatever stands before and after it.
        coded = base64.b64encode(b"\0" * before + raw).rstrip(b"=")
        end = (before + len(raw)) * 8 // 6
        inner = coded[(before * 8 + 5) // 6 : end]
        forms |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return forms


class Reading:
    """A window of bytes as a reader would see its printable ASCII characters.

    Args:
        window: the bytes.
        final: whether nothing follows. If more may follow, an escape that the end cuts is left out.

    Attributes:
        text: what is read.
    """

    __slots__ = ("_ends", "_shrunk", "text")

    def __init__(self, window: bytes, *, final: bool = True) -> None:
        self._ends: list[int] = []
        if not final:
            last = window[-_LONGEST_ESCAPE:]
            if (b"\\" in last or b"%" in last or b"&" in last) and (begun := _BEGUN.search(last)):
                window = window[: len(window) - len(last) + begun.start()]
        self.text = window
        if (b"\\" in window and (b"\\u00" in window or b"\\/" in window)) or b"%" in window or b"&" in window:
            self._undo(window)

    def _undo(self, window: bytes) -> None:
        escapes = list(_ESCAPE.finditer(window))
        if not escapes:
            return
        pieces, past, length = [], 0, 0
        for escape in escapes:
            pieces += [window[past : escape.start()], _character(escape)]
            length += escape.start() - past + 1
            self._ends.append(length - 1)
            past = escape.end()
        self.text = b"".join([*pieces, window[past:]])
        self._shrunk = [0, *accumulate(len(escape[0]) - 1 for escape in escapes)]

    @property
    def changed(self) -> bool:
        """Whether any escape was undone."""
        return bool(self._ends)

    def place(self, at: int) -> int:
        """Where in the window a place of the text is; the end of one character is the beginning of the next."""
        return at + self._shrunk[bisect_left(self._ends, at)] if self._ends else at


def _character(escape: re.Match[bytes]) -> bytes:
    if coded := escape[1] or escape[2] or escape[3]:
        return bytes.fromhex(coded.decode())
    return bytes([int(escape[4])]) if escape[4] else _NAMED[escape[5]] if escape[5] else b"/"
