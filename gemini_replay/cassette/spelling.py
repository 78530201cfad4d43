"""How bytes, JSON and times are spelled in a cassette line. Pure; format_v1 puts the lines together from these.

One byte sequence has one spelling, decided by `encode_parts`:

1. A chunk is *binary* if at least 16 of its bytes, and at least a quarter of them, are no part of well-formed UTF-8
   or are control characters other than tab, LF and CR. It is one ``{"b64": …}``.
2. Any other chunk is cut into the longest runs of well-formed UTF-8, each a string, and the runs of bytes between
   them, each a ``{"hex": …}`` in lower case.
3. An empty chunk has no parts.

`decode_parts` accepts any mixture of parts; saving writes the one spelling.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import math
import re
from collections.abc import Sequence
from typing import Any

# Characters that a reader cannot see, that reorder what is seen, or that some editors and tools take for a line
# end: C1 and DEL (JSON itself escapes C0), Unicode's default-ignorable code points, the line and paragraph
# separators, the interlinear controls, non-characters, and lone surrogates, which UTF-8 cannot hold.
_HIDDEN = re.compile(
    "[\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROLS = bytes({*range(0x20), 0x7F} - {*b"\t\n\r"})
_ILL_FORMED = re.compile("([\udc80-\udcff]+)")
_HEX = re.compile("[0-9a-fA-F]+")

_BINARY_BYTES = 16
_BINARY_SHARE = 4  # one byte in so many
_MAX_DEPTH = 200  # of a JSON body that is stored as JSON: readers recurse
_MAX_INTEGER = 2**53 - 1  # what every JSON reader keeps exactly (RFC 8259, section 6)
_MAX_AFTER = 1e9

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_ENCODE_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class SpellingError(ValueError):
    """A value that no cassette line can hold; format_v1 adds the path and the line."""


class Rounding:
    """Rounds the times of one interaction to milliseconds, so that their sum stays within half a millisecond.

    The times are given in order, in seconds since the moment before; each call returns what to write. Times that
    are whole milliseconds come back as they are, so loading and saving again changes nothing.
    """

    def __init__(self) -> None:
        self._total = 0.0
        self._written_ms = 0

    def __call__(self, after: float) -> float:
        """The time to write for ``after`` seconds; a negative time counts as zero."""
        self._total += min(after, _MAX_AFTER) if after > 0 else 0.0
        total_ms = round(self._total * 1000)
        after_ms = total_ms - self._written_ms
        self._written_ms = total_ms
        return after_ms / 1000


def decode_after(value: Any) -> float:
    """Seconds from a line's JSON value.

    Raises:
        SpellingError: it is no number from 0 to 1e9.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpellingError(f"a time is a number of seconds, and this is {_clip(value)}")
    if not 0 <= value <= _MAX_AFTER:
        raise SpellingError(f"a time lies between 0 and 1e9 seconds, and this is {_clip(value)}")
    return float(value)


def encode_json(value: Any) -> str:
    """JSON on one line: readable CJK and emoji, every hidden character as an escape."""
    return _show_hidden(_ENCODE(value))


def _show_hidden(text: str) -> str:
    if text.isascii() and "\x7f" not in text:
        return text
    return _HIDDEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def encode_parts(data: bytes) -> list[str]:
    """The parts of a chunk or body, each as JSON text, in the one spelling of `data`."""
    if not data:
        return []
    binary = len(data) - len(data.translate(None, _CONTROLS))
    try:
        runs = [data.decode()]
    except UnicodeDecodeError:
        binary += _ill_formed(data)
        runs = []
    if binary >= _BINARY_BYTES and binary * _BINARY_SHARE >= len(data):
        return [f'{{"b64": "{base64.b64encode(data).decode()}"}}']
    if not runs:  # strings at even places, ill-formed runs at odd ones
        runs = _ILL_FORMED.split(data.decode("utf-8", "surrogateescape"))
    parts = []
    for place, run in enumerate(runs):
        if place % 2:
            parts.append(f'{{"hex": "{run.encode("utf-8", "surrogateescape").hex()}"}}')
        elif run:
            parts.append(encode_json(run))
    return parts


def _ill_formed(data: bytes) -> int:
    """How many bytes are no part of well-formed UTF-8. It takes little memory, however long `data` is."""
    decode = codecs.getincrementaldecoder("utf-8")("ignore").decode
    return len(data) - sum(len(decode(data[at : at + 65536]).encode()) for at in range(0, len(data), 65536))


def decode_parts(parts: Sequence[Any]) -> bytes:
    """The bytes of a chunk's or body's parts.

    Raises:
        SpellingError: something among them is no part.
    """
    if len(parts) == 1 and type(parts[0]) is str:
        return _decode_part(parts[0])
    return b"".join(map(_decode_part, parts))


def _decode_part(part: Any) -> bytes:
    if isinstance(part, str):
        try:
            return part.encode()
        except UnicodeEncodeError as error:
            lone = part[error.start]
            raise SpellingError(
                f"a text holds the lone surrogate \\u{ord(lone):04x}, which stands for no bytes; "
                'write such bytes as {"hex": …}'
            ) from None
    if isinstance(part, dict) and len(part) == 1:
        ((kind, value),) = part.items()
        if kind == "hex" and isinstance(value, str) and len(value) % 2 == 0 and _HEX.fullmatch(value):
            return bytes.fromhex(value)
        if kind == "b64" and isinstance(value, str):
            try:
                return base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                pass
    raise SpellingError(f'a part is a text, {{"hex": "…"}} or {{"b64": "…"}}, and this is {_clip(part)}')


def encode_coded(data: bytes) -> str:
    """The part, as JSON text, that holds bytes which are still in their content coding."""
    return f'{{"coded": "{base64.b64encode(data).decode()}"}}'


def decode_coded(part: dict[str, Any]) -> bytes:
    """The bytes of such a part.

    Raises:
        SpellingError: it is not base64, or holds no bytes.
    """
    try:
        data = base64.b64decode(part["coded"], validate=True)
    except (TypeError, ValueError):
        data = b""
    if not data:
        raise SpellingError(f'coded bytes are {{"coded": "base64"}}, and this is {_clip(part)}')
    return data


def _clip(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}…"


# --- JSON bodies ------------------------------------------------------------------------------------------------


class _LossyError(ValueError):
    """Reading this JSON and writing it again would lose something."""


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
        from decimal import Decimal  # rarely needed, and not a cheap import

        if Decimal(text) != Decimal(repr(value)):
            raise _LossyError(text)
    return value


_EXACT = json.JSONDecoder(
    object_pairs_hook=_exact_pairs,
    parse_int=_exact_int,
    parse_float=_exact_float,
    parse_constant=_refuse_constant,
)


def exact_json(body: bytes) -> tuple[bool, Any]:
    """Whether ``body`` is JSON that can be written again without losing anything that matters, and its value.

    What matters: every key (also one that occurs twice), and every number's value. White space, the spelling of
    escapes and of numbers (``1.50``) do not.
    """
    try:
        value = _EXACT.decode(body.decode())
    except (ValueError, RecursionError):
        return False, None
    return _depth_within(value, _MAX_DEPTH), value


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
    """The bytes that stand for a body which was stored as JSON: compact, UTF-8; only lone surrogates are escaped."""
    return _SURROGATE.sub(_escape, _ENCODE_COMPACT(value)).encode()
