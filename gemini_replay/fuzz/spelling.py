"""JSON values together with one of the ways to write them: the expectation and the wire from one description.

A tree is a JSON value whose leaves and keys may be ``Spelled``: ``spell`` writes it, ``plain`` gives the value that
every correct decoder must find in what was written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .source import Source


@dataclass(frozen=True)
class Spelled:
    """A JSON scalar and the text that stands for it on the wire."""

    value: Any
    json: str


@dataclass(frozen=True)
class Style:
    """White space around the tokens of JSON; ``indent`` None keeps it on one line."""

    comma: str = ","
    colon: str = ": "
    padding: str = ""
    indent: int | None = None


GOOGLE = Style()
"""As Gemini writes an SSE event: ``"k": v,"k2": v``."""
PRETTY = Style(indent=2)
"""As Gemini writes the elements of an array, and its errors."""
COMPACT = Style(colon=":")
STYLES = (GOOGLE, COMPACT, Style(", ", ": "), Style(" , ", " : ", " "), Style(",\t", "\t:", "\t"))


def spell(tree: Any, style: Style = GOOGLE, depth: int = 1) -> str:
    """The JSON text of a tree."""
    if isinstance(tree, Spelled):
        return tree.json
    if not isinstance(tree, dict | list) or not tree:
        return json.dumps(tree, ensure_ascii=False)
    if isinstance(tree, dict):
        marks = "{}"
        parts = [f"{spell(key)}{style.colon}{spell(value, style, depth + 1)}" for key, value in tree.items()]
    else:
        marks = "[]"
        parts = [spell(value, style, depth + 1) for value in tree]
    if style.indent is None:
        return f"{marks[0]}{style.padding}{style.comma.join(parts)}{style.padding}{marks[1]}"
    inner, outer = "\n" + " " * style.indent * depth, "\n" + " " * style.indent * (depth - 1)
    return f"{marks[0]}{inner}{(',' + inner).join(parts)}{outer}{marks[1]}"


def plain(tree: Any) -> Any:
    """The JSON value of a tree."""
    if isinstance(tree, Spelled):
        return tree.value
    if isinstance(tree, dict):
        return {plain(key): plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [plain(value) for value in tree]
    return tree


Pieces = tuple[tuple[str, str], ...]
"""What text is put together of: meaning and spelling."""


def text(source: Source, pieces: Pieces, low: int = 0, high: int = 6) -> Spelled:
    """Text of some pieces; shrinks towards few of them, and the first."""
    chosen = source.many(lambda: source.choice(pieces), low, high)
    return Spelled("".join(meaning for meaning, _ in chosen), f'"{"".join(spelling for _, spelling in chosen)}"')


def _raw(*texts: str) -> Pieces:
    return tuple((one, one) for one in texts)


def _escaped(characters: str) -> Pieces:
    return tuple((one, json.dumps(one)[1:-1]) for one in characters)


def _as_unicode(characters: str) -> Pieces:
    """Every character as one escape of four digits, or as two."""
    return tuple((one, "".join(f"\\u{unit:04x}" for unit in _units(one))) for one in characters)


def _units(character: str) -> list[int]:
    raw = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


ASCII = _raw("a", " ", "b c", "0", ".", "'", "-", "Hello, world", "data", "d", "t", "~", "  ")
WIDE = _raw(
    "é",
    "e\u0301",
    "\u212b",
    "你",
    "😀",
    "°",
    "ß",
    "好",
    "—",
    "\ufb01",
    "🐈",
    "\u0301",
    "\U0010fffd",
    "\u07ff",
    "\u0800",
    "\uffff",
)
ESCAPES = (
    *_escaped('"\\\n\r\t\b\f'),
    ("/", "\\/"),
    ("A", "\\u0041"),
    ("\u00e9", "\\u00E9"),
    ("\u4f60", "\\u4f60"),
    ("<", "\\u003c"),
    *_as_unicode('😀\U0010ffff"\\\n'),
    ("\\n", "\\\\n"),
    ("\\u0041", "\\\\u0041"),
    ('\\"', '\\\\\\"'),
)
SEPARATORS = _raw("\u2028", "\u2029", "\x85")
ESCAPED_SEPARATORS = _as_unicode("\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\0\x01\x1f\x7f\r\n")
INVISIBLE = _raw("\ufeff", "\x7f", "\x80", "\x9f", "\u200b", "\u202e", "\xa0", "\u3000", "\ufffd", "\u2060", "\xad")
SYNTAX = (
    *_raw("data: ", "data:", "[DONE]", "data: [DONE]", "event: ", "id: ", "retry: 1", ": ", ":", "error", "STOP"),
    ("\n\n", "\\n\\n"),
    ("\r\n\r\n", "\\r\\n\\r\\n"),
    ("\ndata: {}\n\n", "\\ndata: {}\\n\\n"),
    *_raw("null", "NaN", "true", "usageMetadata", "candidates", "finishReason", "data: {}", "<html>", "undefined"),
    ('"error": ', '\\"error\\": '),
    ("\n", "\\n"),
    ("\\n", "\\\\n"),
    *_raw("&lt;", "%41", "+"),
)
BRACKETS = (
    *_raw("{", "}", "[", "]", ",", "}{", "},{", "}, {", "]}", "[{", "}]", "]["),
    ('"', '\\"'),
    ("\\", "\\\\"),
    ('\\"', '\\\\\\"'),
    ("}\n,\r\n{", "}\\n,\\r\\n{"),
    ('"}', '\\"}'),
    ('{"', '{\\"'),
    ("}\n", "}\\n"),
    ("\n}\n", "\\n}\\n"),
)
EDGES = _raw(" ", "  ", ".", "a ", " a")
ANYTHING = (*ASCII, *WIDE, *ESCAPES, *SEPARATORS, *ESCAPED_SEPARATORS, *SYNTAX, *BRACKETS)
NUMBERS = (
    *(Spelled(value, str(value)) for value in (0, 1, -1, 7, 100, 2147483647, -2147483648, 4294967296)),
    *(Spelled(value, str(value)) for value in (0.5, -0.25, 0.1, 3.141592653589793, 9007199254740991)),
    *(Spelled(25e-1, one) for one in ("25e-1", "0.25E1", "2.50", "0.25e+1")),
    Spelled(-1.5e-7, "-1.5e-07"),
)
LARGE = tuple(Spelled(value, str(value)) for value in (2**53 + 1, -(2**53) - 1, 10**17 + 1, 2**63 - 1, -(2**63)))
HUGE = tuple(Spelled(value, str(value)) for value in (2**63, 2**64 - 1, 2**64, 10**20 + 1, -(2**63) - 1, 10**40 + 7))
