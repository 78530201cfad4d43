"""Encodes bytes, JSON and times for a line of a cassette; `format_v1` builds the lines. No I/O.

`encode_parts` has one encoding for each byte sequence:

1. A chunk is *binary* if at least 16 of its bytes, and at least a quarter of them, are not part of well-formed UTF-8
   or are control characters other than tab, LF and CR. It becomes one ``{"b64": …}``.
2. Any other chunk is split into the longest runs of well-formed UTF-8, each a string, and the bytes between them,
   each run a ``{"hex": …}`` in lower case.
3. An empty chunk has no parts.

`decode_parts` accepts any mixture of parts.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Sequence
from json.encoder import encode_basestring  # what JSONEncoder calls for a text, without two calls more
from typing import Any

from ..errors import CassetteFormatError
from ..plain_text import INVISIBLE
from .quoting import clipped

# JSON itself escapes C0.
_HIDDEN = re.compile(rf"[{INVISIBLE}\ufe0e\ufe0f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROLS = bytes({*range(0x20), 0x7F} - {*b"\t\n\r"})
_PLAIN = bytes({*range(0x80)} - {*_CONTROLS})
_CONTINUING = bytes(range(0x80, 0xC0))
_ILL_FORMED = re.compile("([\udc80-\udcff]+)")
_HEX = re.compile("[0-9a-fA-F]+")

_BINARY_BYTES = 16
_BINARY_SHARE = 4  # one byte in this many
_MAX_DEPTH = 200  # the nesting of a body that is stored as JSON, since readers recurse
_MAX_INTEGER = 2**53 - 1  # integers that every JSON reader keeps exactly (RFC 8259, section 6)
_MAX_AFTER = 1e9

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_ENCODE_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class LineError(Exception):
    """What is wrong with a line of a cassette. `format_v1` adds the path and the line's number."""

    def __init__(
        self,
        message: str,
        *,
        suggestion: str = "",
        hint: str = "",
        kind: type[CassetteFormatError] = CassetteFormatError,
    ) -> None:
        super().__init__(message)
        self.message, self.suggestion, self.hint, self.kind = message, suggestion, hint, kind


class Rounding:
    """Rounds the times of one interaction to milliseconds. The sum of all times is true to half a millisecond.

    Call it with the times in order, in seconds since the previous line. Whole milliseconds do not change, so loading
    and saving a cassette changes nothing.
    """

    def __init__(self) -> None:
        self._total = 0.0
        self._written_ms = 0

    def __call__(self, after: float) -> float:
        """The rounded time for ``after`` seconds; a negative time counts as zero."""
        self._total += min(after, _MAX_AFTER) if after > 0 else 0.0
        total_ms = round(self._total * 1000)
        after_ms = total_ms - self._written_ms
        self._written_ms = total_ms
        return after_ms / 1000


def decode_after(value: Any) -> float:
    """Seconds from a line's JSON value: a number from 0 to 1e9."""
    if type(value) is float and 0.0 <= value <= _MAX_AFTER:  # nearly all
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LineError(f"a time must be a number of seconds, not {_clip(value)}")
    if not 0 <= value <= _MAX_AFTER:
        raise LineError(f"a time must be between 0 and 1e9 seconds, not {_clip(value)}")
    return float(value)


def encode_json(value: Any) -> str:
    """JSON on one line. CJK and emoji stay readable; invisible characters are escaped."""
    text = _ENCODE(value)
    if text.isascii() and "\x7f" not in text:
        return text
    rare = text.encode("utf-8", "surrogatepass").translate(None, _PLAIN).decode("utf-8", "surrogatepass")
    return text if _HIDDEN.search(rare) is None else _HIDDEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def encode_parts(data: bytes) -> list[str]:
    """The parts of a chunk or body, each as JSON text."""
    rare = data.translate(None, _PLAIN)
    if not rare:
        return [encode_basestring(data.decode())] if data else []
    binary = len(rare) - len(rare.translate(None, _CONTROLS))
    text, runs = "", _cut_text(data)
    if runs is None:
        text = data.decode("utf-8", "surrogateescape")
        binary += len(data) - len(text.encode("utf-8", "ignore"))
    elif len(runs) > 1:
        binary += len(runs[1]) + len(runs[3])
    if binary >= _BINARY_BYTES and binary * _BINARY_SHARE >= len(data):
        text, runs = "", None  # the parts take more memory than the chunk
        return [f'{{"b64": "{base64.b64encode(data).decode()}"}}']
    # Only the rare bytes are searched, since a regular expression is slow on text that is mostly ASCII.
    hidden = _HIDDEN.search(rare.decode("utf-8", "ignore")) is not None
    parts = []
    for index, run in enumerate(runs or _ILL_FORMED.split(text)):
        if run and index % 2:
            parts.append(f'{{"hex": "{run.encode("utf-8", "surrogateescape").hex()}"}}')
        elif run:
            encoded = encode_basestring(run)
            parts.append(_HIDDEN.sub(_escape, encoded) if hidden else encoded)
    return parts


def _cut_text(data: bytes) -> list[str] | None:
    """Text whole, or with a character cut off at an end or at both; None if there are ill-formed bytes elsewhere.

    The result is the text, or "", the first ill-formed bytes, the text, and the last ill-formed bytes. The runs of
    `_ILL_FORMED.split` have the same order, and lone surrogates for ill-formed bytes too, but take longer.
    """
    try:
        return [data.decode()]
    except UnicodeDecodeError:
        pass
    whole = data.lstrip(_CONTINUING)
    begun = data[: len(data) - len(whole)].decode("utf-8", "surrogateescape")
    try:
        return ["", begun, whole.decode(), ""]
    except UnicodeDecodeError as error:
        if error.start == 0 or error.end < len(whole):
            return None
        return ["", begun, whole[: error.start].decode(), whole[error.start :].decode("utf-8", "surrogateescape")]


def decode_parts(parts: Sequence[Any]) -> bytes:
    """The bytes of the parts of a chunk or body."""
    return b"".join(map(decode_part, parts))


def decode_part(part: Any) -> bytes:
    """The bytes of one part."""
    if isinstance(part, str):
        try:
            return part.encode()
        except UnicodeEncodeError as error:
            lone = part[error.start]
            raise LineError(
                f"a text contains the lone surrogate \\u{ord(lone):04x}, which UTF-8 does not allow; "
                'write such bytes as {"hex": …}'
            ) from None
    if isinstance(part, dict) and len(part) == 1:
        ((kind, value),) = part.items()
        if kind == "hex" and isinstance(value, str) and len(value) % 2 == 0 and _HEX.fullmatch(value):
            return bytes.fromhex(value)
        if kind == "b64" and isinstance(value, str):
            try:
                return base64.b64decode(value, validate=True)
            except ValueError:
                pass
    raise LineError(f'a part must be a text, {{"hex": "…"}} or {{"b64": "…"}}, not {_clip(part)}')


def encode_coded(data: bytes) -> str:
    """The part, as JSON text, for bytes in a content coding that could not be decoded."""
    return f'{{"coded": "{base64.b64encode(data).decode()}"}}'


def decode_coded(part: dict[str, Any]) -> bytes:
    """The bytes of a part that `encode_coded` has made."""
    try:
        data = base64.b64decode(part["coded"], validate=True)
    except (TypeError, ValueError):
        data = b""
    if not data:
        raise LineError(f'coded bytes must be {{"coded": "base64"}}, not {_clip(part)}')
    return data


def _clip(value: Any) -> str:
    return clipped(json.dumps(value, default=repr))


# --- JSON bodies ------------------------------------------------------------------------------------------------


class _LossyError(ValueError):
    """Decoding this JSON and encoding it again would lose something."""


def _refuse_constant(name: str) -> Any:
    raise _LossyError(name)


def _exact_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _LossyError("duplicate key")
    return members


def _exact_int(text: str) -> int:
    if len(text) > 17 or text == "-0" or abs(value := int(text)) > _MAX_INTEGER:
        raise _LossyError(text)
    return value


def _exact_float(text: str) -> float:
    value = float(text)
    if repr(value) != text:
        if not math.isfinite(value) or len(text) > 400:
            raise _LossyError(text)
        from decimal import Decimal  # rarely needed and slow to import

        if Decimal(text) != Decimal(repr(value)):
            raise _LossyError(text)
    return value


_EXACT = json.JSONDecoder(
    object_pairs_hook=_exact_pairs, parse_int=_exact_int, parse_float=_exact_float, parse_constant=_refuse_constant
)


def exact_json(body: bytes) -> tuple[bool, Any]:
    """Whether ``body`` is JSON that can be encoded again without losing anything that matters, and its value.

    Every key (including duplicates) and the value of every number matter. White space and the notation of escapes and
    numbers (``1.50``) do not.
    """
    try:
        value = _EXACT.decode(body.decode())
    except (ValueError, RecursionError):
        return False, None
    shallow = body.count(b"[") + body.count(b"{") <= _MAX_DEPTH
    return shallow or _depth_within(value, _MAX_DEPTH), value


def _depth_within(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return True
    return False


def json_body(value: Any) -> bytes:
    """The bytes of a body that was stored as JSON: compact UTF-8, with only lone surrogates escaped."""
    text = _ENCODE_COMPACT(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(_escape, text).encode()
