"""Classes about what the events hold, framed as Google does: as SSE, and as the JSON array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import messages as m
from .. import spelling as s
from ..documents import CRLF, Document, blocks, document, google_array
from ..source import Source
from .case_class import SSE, CaseClass

Content = Callable[[Source], list[Any]]


def _words(*pieces: s.Pieces) -> Content:
    together = tuple(piece for some in pieces for piece in some)
    return lambda source: m.messages(source, together)


def _edges(source: Source) -> list[Any]:
    """Text that starts or ends with white space, or is nothing else."""
    return m.messages(source, s.EDGES, longest=2)


def _varied(source: Source) -> list[Any]:
    return m.messages(source, s.ANYTHING, high=5, longest=12)


CONTENT: tuple[tuple[str, str, Content], ...] = (
    ("plain text", "events with ASCII text", _words(s.ASCII)),
    ("wide characters", "raw characters of 2, 3 and 4 bytes", _words(s.WIDE)),
    ("escapes", "quotes, backslashes, \\uXXXX and surrogate pairs", _words(s.ESCAPES)),
    ("separators", "U+2028, U+2029 and U+0085, raw in text: no line ends of SSE", _words(s.SEPARATORS, s.ASCII)),
    ("escaped controls", "control characters and line separators as \\uXXXX", _words(s.ESCAPED_SEPARATORS, s.ASCII)),
    ("invisible characters", "BOM, C1 controls, zero-width and no-break characters in text", _words(s.INVISIBLE)),
    ("syntax in text", "text that says data:, [DONE], error, or escaped blank lines", _words(s.SYNTAX, s.ASCII)),
    ("brackets in text", "brackets, commas and quotes in text", _words(s.BRACKETS)),
    ("white space in text", "text that starts or ends with white space, or is nothing else", _edges),
    ("equal and empty events", "empty objects, texts and parts; events equal to the one before", m.equal_and_empty),
    ("numbers", "integers and fractions in every notation", m.numbers),
    (
        "large integers",
        "integers that a double cannot hold, up to 64 bits",
        lambda source: m.large_numbers(source, s.LARGE[:4]),
    ),
    ("unknown fields", "fields, values and nesting that no documentation has", m.unknown),
    ("whole answers", "thoughts, calls, finish reasons, and events behind a finish reason", m.answer),
    ("anything in text", "text of everything above", _varied),
)


def _sse(content: Content) -> Callable[[Source], Document]:
    def build(source: Source) -> Document:
        trees = content(source)
        return document(blocks(trees), trees)

    return build


def _array(content: Content) -> Callable[[Source], Document]:
    def build(source: Source) -> Document:
        trees = content(source)
        return document(google_array(trees), trees)

    return build


def _large(size: int) -> tuple[Any, ...]:
    return (
        {"responseId": "before"},
        {"responseId": s.Spelled("x" * size, '"' + "x" * size + '"')},
        {"responseId": "behind"},
    )


def _large_event(size: int) -> Document:
    return document(blocks(_large(size)), _large(size))


def _large_element(size: int) -> Document:
    return document(google_array(_large(size)), _large(size))


_SIZES = (("70 KB", 70_000), ("300 KB", 300_000), ("1.2 MB", 1_200_000))

CLASSES = (
    *(CaseClass(name, about, SSE, _sse(content)) for name, about, content in CONTENT),
    *(
        CaseClass(f"{name} in an array", f"in a JSON array: {about}", ("json-array",), _array(content))
        for name, about, content in CONTENT
    ),
    *(
        CaseClass(
            f"an event of {name}",
            f"one event of {name}, such as images make",
            ("gemini",),
            _sse(_words(s.ASCII)),
            sized=_large_event,
            size=size,
        )
        for name, size in _SIZES
    ),
    *(
        CaseClass(
            f"an element of {name}",
            f"one array element of {name}",
            ("json-array",),
            _array(_words(s.ASCII)),
            sized=_large_element,
            size=size,
        )
        for name, size in _SIZES
    ),
    CaseClass(
        "an event of 20 MB",
        "one event of 20 MB; a limit that is reported is no bug",
        ("hostile",),
        _sse(_words(s.ASCII)),
        sized=lambda size: _limited(_large_event(size)),
        size=20_000_000,
        policy=True,
    ),
    CaseClass(
        "a comment of 300 KB",
        "a comment line that does not end for 300 KB",
        ("hostile",),
        _sse(_words(s.ASCII)),
        sized=lambda size: _limited(document(": " + "x" * size + CRLF * 2 + blocks(_large(1)), _large(1))),
        size=300_000,
        policy=True,
    ),
)


def _limited(one: Document) -> Document:
    return Document(one.body, one.choices, malformed=True)
