"""Classes about what the events hold, framed as Google does: as SSE, and as the JSON array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import answers
from .. import messages as m
from .. import texts as t
from ..documents import Document, Source, Spelled, blocks, document, google_array
from .case_class import ARRAY, IN_ARRAY, SSE, CaseClass, ProfileName

Write = Callable[[list[Any]], str]

_TOGETHER = 4  # peculiarities in each fixed document of a class


@dataclass(frozen=True)
class Content:
    """What events hold: a way to draw some, and a list that has each peculiarity once."""

    name: str
    description: str
    draw: Callable[[Source], list[Any]]
    each: Sequence[Any] = ()
    together: Sequence[list[Any]] = ()  # further documents
    mixed: bool = False  # see `CaseClass`

    def case(self, name: str, description: str, profiles: tuple[ProfileName, ...], write: Write) -> CaseClass:
        """The class in one framing. Its fixed documents have each peculiarity, a few together."""

        def of(trees: list[Any]) -> Document:
            return document(write(trees), trees)

        groups = [
            *self.together,
            *(list(self.each[at : at + _TOGETHER]) for at in range(0, len(self.each), _TOGETHER)),
        ]
        return CaseClass(
            name,
            description,
            profiles,
            lambda source: of(self.draw(source)),
            lambda: [of(trees) for trees in groups],
            of,
            mixed=self.mixed,
        )


def _text(name: str, description: str, fragments: t.Fragments, more: t.Fragments = (), **options: int) -> Content:
    each = [{"responseId": Spelled(meaning, f'"{spelling}"')} for meaning, spelling in fragments]
    return Content(name, description, lambda source: m.messages(source, (*fragments, *more), **options), each)


def _numbers(name: str, description: str, options: Sequence[Spelled]) -> Content:
    return Content(name, description, lambda source: m.numbers(source, options), [{"n": one} for one in options])


CONTENT = (
    _text("plain-text", "events with ASCII text", t.ASCII),
    _text("wide-characters", "raw characters of 2, 3 and 4 bytes", t.WIDE),
    _text("escapes", "quotes, backslashes, \\uXXXX and surrogate pairs", t.ESCAPES),
    _text("separators", "U+2028, U+2029 and U+0085, raw in text: no line ends of SSE", t.SEPARATORS, t.ASCII),
    _text("escaped-controls", "control characters and line separators as \\uXXXX", t.ESCAPED_SEPARATORS, t.ASCII),
    _text("invisible-characters", "BOM, C1 controls, zero-width and no-break characters in text", t.INVISIBLE),
    _text("syntax-in-text", "text that says data:, [DONE], error, or escaped blank lines", t.SYNTAX, t.ASCII),
    _text("brackets-in-text", "brackets, commas and quotes in text", t.BRACKETS),
    _text("white-space-in-text", "text that starts or ends with white space, or is nothing else", t.EDGES, longest=2),
    Content(
        "equal-and-empty-events",
        "empty objects, texts and parts; events equal to the one before",
        m.equal_and_empty,
        [tree for tree in m.EMPTY for _ in range(2)],
    ),
    _numbers("numbers", "integers and fractions in every notation", t.NUMBERS),
    _numbers("large-integers", "integers that a double cannot hold, up to 64 bits with a sign", t.LARGE),
    Content(
        "unknown-fields",
        "fields, values and nesting that no documentation has",
        m.unknown,
        [*({"x": value} for value in m.UNKNOWN_VALUES), *({name: 1} for name in m.UNKNOWN_NAMES)],
    ),
    Content(
        "whole-answers",
        "parts of every kind, several candidates, calls in pieces, grounding, and events after the end",
        answers.answer,
        answers.each(),
        answers.rich(),
        mixed=True,
    ),
    Content(
        "anything-in-text",
        "text of everything above",
        lambda source: m.messages(source, t.ANYTHING, 1, 5, 12),
        mixed=True,
    ),
)

CLASSES = (
    *(one.case(one.name, one.description, SSE, blocks) for one in CONTENT),
    *(one.case(one.name + IN_ARRAY, f"in a JSON array: {one.description}", ARRAY, google_array) for one in CONTENT),
)
