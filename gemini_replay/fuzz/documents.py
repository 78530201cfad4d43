"""A document: the bytes of one stream, and what every correct parser makes of them, known from how it was built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .spelling import GOOGLE, PRETTY, Style, plain, spell

CRLF, LF, CR = "\r\n", "\n", "\r"


@dataclass(frozen=True)
class Choice:
    """One of the results that are right.

    Attributes:
        label: what a parser that gives it does ("yields", "discards").
        values: the JSON values, in order.
    """

    label: str
    values: tuple[Any, ...]

    @cached_property
    def text(self) -> str:
        """The values as Python writes a list of them: equal text means equal values, and is quick to compare."""
        return repr(list(self.values))


@dataclass(frozen=True)
class Document:
    """One stream.

    Attributes:
        body: its bytes.
        choices: the results that are right; the first is that of this project's own parser. More than one where
            standard and practice leave a choice.
        malformed: whether an error is right as well.
        says: messages of the error objects within; an exception that quotes one of them reports it.
        free: any result is right, as long as it does not depend on how the stream is cut.
    """

    body: bytes
    choices: tuple[Choice, ...]
    malformed: bool = False
    says: tuple[str, ...] = ()
    free: bool = False

    @property
    def expected(self) -> list[Any]:
        """What must come out; of several right results, the first."""
        return list(self.choices[0].values)


def document(body: str | bytes, trees: Iterable[Any], *, says: tuple[str, ...] = ()) -> Document:
    """A document with one right result."""
    return Document(_bytes(body), (Choice("yields", _values(trees)),), says=says)


def policy(body: str | bytes, **choices: Iterable[Any]) -> Document:
    """A document with several right results, by label, besides an error; of equal ones the first label counts."""
    distinct: dict[str, Choice] = {}
    for label, trees in choices.items():
        values = _values(trees)
        distinct.setdefault(repr(values), Choice(label, values))
    return Document(_bytes(body), tuple(distinct.values()), malformed=True)


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _values(trees: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(plain(tree) for tree in trees)


def block(tree: Any, *, newline: str = CRLF, space: bool = True, style: Style = GOOGLE) -> str:
    """One SSE event, its blank line included."""
    return f"data:{' ' if space else ''}{spell(tree, style)}{newline}{newline}"


def blocks(trees: Iterable[Any], *, newline: str = CRLF, space: bool = True, style: Style = GOOGLE) -> str:
    """SSE events one after another."""
    return "".join(block(tree, newline=newline, space=space, style=style) for tree in trees)


def google_array(trees: Iterable[Any]) -> str:
    r"""A JSON array as Gemini writes it: ``[{…}\n``, ``,\r\n{…}\n``, ``]``."""
    return "".join([*google_elements(trees), "]"]) if (trees := list(trees)) else "[]"


def google_elements(trees: Iterable[Any]) -> list[str]:
    """The same in Gemini's pieces, without the closing bracket."""
    return [f"{',' + CRLF if at else '['}{spell(tree, PRETTY)}{LF}" for at, tree in enumerate(trees)]
