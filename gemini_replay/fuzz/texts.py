"""The texts and numbers that events are made of: each has a meaning and a spelling."""

from __future__ import annotations

import json

from .documents import Source, Spelled

Fragments = tuple[tuple[str, str], ...]
"""What a text is put together of: pairs of meaning and spelling."""


def text(source: Source, fragments: Fragments, low: int = 0, high: int = 6) -> Spelled:
    """A text of some fragments; shrinks towards few of them, and the first."""
    chosen = source.many(lambda: source.choice(fragments), low, high)
    return Spelled("".join(meaning for meaning, _ in chosen), f'"{"".join(spelling for _, spelling in chosen)}"')


def _raw(*texts: str) -> Fragments:
    return tuple((one, one) for one in texts)


def _escaped(*texts: str) -> Fragments:
    return tuple((one, json.dumps(one)[1:-1]) for one in texts)


def _as_unicode(characters: str) -> Fragments:
    """Every character as one escape of four digits, or as two."""
    return tuple(
        (one, "".join(f"\\u{unit}" for unit in one.encode("utf-16-be").hex(" ", 2).split())) for one in characters
    )


ASCII = _raw("a", " ", "b c", "0", ".", "'", "-", "Hello, world", "data", "d", "t", "~", "  ")
WIDE = _raw("é", "e\u0301", *"\u212b你😀°ß好—\ufb01🐈\u0301\U0010fffd\u07ff\u0800\uffff")
ESCAPES = (
    *_escaped(*'"\\\n\r\t\b\f'),
    ("/", "\\/"),
    ("A", "\\u0041"),
    ("\u00e9", "\\u00E9"),
    ("\u4f60", "\\u4f60"),
    ("<", "\\u003c"),
    *_as_unicode('😀\U0010ffff"\\\n'),
    *_escaped("\\n", "\\u0041", '\\"'),
)
SEPARATORS = _raw("\u2028", "\u2029", "\x85")
ESCAPED_SEPARATORS = _as_unicode("\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\0\x01\x1f\x7f\r\n")
INVISIBLE = (
    *_raw("\ufeff", "\x7f", "\x80", "\x9f", "\u200b", "\u202e", "\xa0", "\u3000", "\ufffd", "\u2060", "\xad"),
    *_raw("\u200c", "\u200d", "\u200e", "\u200f", "\u202a", "\u2067", "\u2069"),  # joiners, directions
    *_raw("\ufe0e", "\ufe0f", "\U0001f3fb", "\U000e0067"),  # what changes the emoji before it
)
SYNTAX = (
    *_raw("data: ", "data:", "[DONE]", "data: [DONE]", "event: ", "id: ", "retry: 1", ": ", ":", "error", "STOP"),
    *_escaped("\n\n", "\r\n\r\n", "\ndata: {}\n\n"),
    *_raw("null", "NaN", "true", "usageMetadata", "candidates", "finishReason", "data: {}", "<html>", "undefined"),
    *_escaped('"error": ', "\n", "\\n"),
    *_raw("&lt;", "%41", "+"),
)
BRACKETS = (
    *_raw("{", "}", "[", "]", ",", "}{", "},{", "}, {", "]}", "[{", "}]", "]["),
    *_escaped('"', "\\", '\\"', "}\n,\r\n{", '"}', '{"', "}\n", "\n}\n"),
)
EDGES = _raw(" ", "  ", ".", "a ", " a", "a" + " " * 40 + "a")
ANYTHING = (*ASCII, *WIDE, *ESCAPES, *SEPARATORS, *ESCAPED_SEPARATORS, *SYNTAX, *BRACKETS)
NUMBERS = (
    *(Spelled(value, str(value)) for value in (0, 1, -1, 7, 100, 2147483647, -2147483648, 4294967296)),
    *(Spelled(value, str(value)) for value in (0.5, -0.25, 0.1, 3.141592653589793, 9007199254740991)),
    *(Spelled(25e-1, one) for one in ("25e-1", "0.25E1", "2.50", "0.25e+1")),
    Spelled(-1.5e-7, "-1.5e-07"),
)
LARGE = tuple(Spelled(value, str(value)) for value in (2**53 + 1, -(2**53) - 1, 10**17 + 1, 2**63 - 1, -(2**63)))
HUGE = tuple(Spelled(value, str(value)) for value in (2**63, 2**64 - 1, 2**64, 10**20 + 1, -(2**63) - 1, 10**40 + 7))
