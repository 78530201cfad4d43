"""A document: the bytes of one stream, with the values that every correct parser reads from them.

Both come from one description, a tree: a JSON value in which leaves and keys may be `Spelled`, that is, have a
spelling of their own. Choices come from a `Source`: Hypothesis in the search, `Dice` for fixed documents. So one
description of a class of documents serves both.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

T = TypeVar("T")
CRLF, LF, CR = "\r\n", "\n", "\r"


class Source:
    """Makes the choices that decide what is in a document; all of them come from ``integer``."""

    def integer(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``, both included; shrinks towards ``low``."""
        raise NotImplementedError

    def boolean(self) -> bool:
        """Shrinks towards False."""
        return self.integer(0, 1) == 1

    def choice(self, options: Sequence[T]) -> T:
        """One of ``options``; shrinks towards the first."""
        return options[self.integer(0, len(options) - 1)]

    def many(self, make: Callable[[], T], low: int = 0, high: int = 4) -> list[T]:
        """From ``low`` to ``high`` things; shrinks towards few."""
        made: list[T] = []
        while len(made) < low or (len(made) < high and self.integer(0, 3)):
            made.append(make())
        return made


class Least(Source):
    """Always chooses the least: makes the smallest document of a class."""

    def integer(self, low: int, high: int) -> int:
        """See `Source`."""
        return low


class Dice(Source):
    """Choices that depend only on ``name``, on every machine and in every Python."""

    def __init__(self, name: str) -> None:
        self._random = random.Random(name)

    def integer(self, low: int, high: int) -> int:
        """See `Source`; ``random()`` is the one method whose sequence Python guarantees."""
        return low + int(self._random.random() * (high - low + 1))


@dataclass(frozen=True)
class Spelled:
    """A JSON scalar, and how it is spelled in the stream."""

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
"""How Gemini writes an SSE event: ``"k": v,"k2": v``."""
PRETTY = Style(indent=2)
"""How Gemini writes the elements of an array, and its errors."""
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


def block(tree: Any, *, newline: str = CRLF, space: bool = True, style: Style = GOOGLE) -> str:
    """One SSE event with its blank line."""
    return f"data:{' ' if space else ''}{spell(tree, style)}{newline}{newline}"


def blocks(trees: Iterable[Any], *, newline: str = CRLF, space: bool = True, style: Style = GOOGLE) -> str:
    """SSE events one after another."""
    return "".join(block(tree, newline=newline, space=space, style=style) for tree in trees)


def google_array(trees: Iterable[Any]) -> str:
    r"""A JSON array as Gemini writes it: ``[{…}\n``, ``,\r\n{…}\n``, ``]``."""
    return "".join([*google_elements(trees), "]"]) if (trees := list(trees)) else "[]"


def google_elements(trees: Iterable[Any]) -> list[str]:
    """The same array in Gemini's pieces, without the closing bracket."""
    return [f"{',' + CRLF if at else '['}{spell(tree, PRETTY)}{LF}" for at, tree in enumerate(trees)]


@dataclass(frozen=True)
class Reading:
    """One of the correct results of reading a document."""

    label: str  # what a parser with this result does ("yields", "discards")
    values: tuple[Any, ...]

    @cached_property
    def text(self) -> str:
        """The values as Python writes a list of them: equal texts are equal values, and quick to compare."""
        return repr(list(self.values))


@dataclass(frozen=True)
class Document:
    """One stream.

    Attributes:
        body: its bytes.
        readings: the correct results; the first is that of this project's own parser. There are several if standard
            and practice leave a choice.
        malformed: whether an error is correct as well.
        says: messages of the error objects in the stream; an exception that quotes one of them reports it.
        free: any result is correct, as long as it does not depend on how the stream is cut.
        must_raise: only an error is correct, by the project's policy.
    """

    body: bytes
    readings: tuple[Reading, ...]
    malformed: bool = False
    says: tuple[str, ...] = ()
    free: bool = False
    must_raise: bool = False

    @property
    def expected(self) -> list[Any]:
        """The values that must come out; of several correct results, the first."""
        return list(self.readings[0].values)


def document(body: str | bytes, trees: Iterable[Any], *, says: tuple[str, ...] = ()) -> Document:
    """A document with one correct result."""
    return Document(_bytes(body), (Reading("yields", _values(trees)),), says=says)


def policy(body: str | bytes, **readings: Iterable[Any]) -> Document:
    """A document with several correct results, by label, or an error; of equal results the first label counts."""
    distinct: dict[str, Reading] = {}
    for label, trees in readings.items():
        values = _values(trees)
        distinct.setdefault(repr(values), Reading(label, values))
    return Document(_bytes(body), tuple(distinct.values()), malformed=True)


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _values(trees: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(plain(tree) for tree in trees)
