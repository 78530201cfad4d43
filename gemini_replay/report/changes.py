"""How two cassettes differ, by interaction and section; changed lines by words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..cassette.describing import describe
from ..cassette.drift import Drift, fields
from ..cassette.files import CassetteFile
from ..cassette.model import Interaction
from . import outline
from .edits import edits

_WORD = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]|[^\W\u2e80-\u9fff\uf900-\ufaff]+|\s+|[^\w\s]")
_CONTEXT = 12
"""Words of a long line that are shown before and after a change."""

Kind = Literal["same", "old", "new"]


class Piece(NamedTuple):
    """A piece of a line: in both cassettes, in the old one or in the new one; clipped where it is long."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Change:
    """One line that differs: only in one cassette, or in both with other words."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Difference:
    """What differs in one section of one interaction, or in the heads of the cassettes.

    Attributes:
        where: the interaction, in a line.
        title: the section.
        changes: the lines.
    """

    where: str
    title: str
    changes: tuple[Change, ...]


def differences(old: CassetteFile, new: CassetteFile, *, all: bool = False) -> Iterator[Difference]:
    """How two cassettes differ; nothing where only that differs which changes with every recording.

    Args:
        old: the first cassette.
        new: the second.
        all: compare everything.
    """
    if all:
        yield from _sections("cassette", list(outline.about(old)), list(outline.about(new)))
    for before, after in _pairs(old.interactions, new.interactions):
        if before is None or after is None:
            kind: Kind = "new" if before is None else "old"
            (number, interaction) = after or before or (0, None)
            assert interaction is not None
            line = f"{number}  {describe(interaction.request)}"
            told = next(iter(interaction.text.split("\n")), "")
            yield Difference(line, "", tuple(Change((Piece(kind, text),)) for text in (line, told) if text))
            continue
        number, first = before
        _, second = after
        where = f"{number}  {describe(first.request)}"
        was, now = describe(first.request), describe(second.request)
        if was != now:
            yield Difference(where, "asks", tuple(changes([was], [now])))
        if all:
            yield from _sections(where, outline.sections(first, all=True), outline.sections(second, all=True))
        else:
            yield from _compared(where, first, second)
        rhythms = outline.rhythm(first), outline.rhythm(second)
        if not all and outline.differs(*rhythms):
            lines = Change((Piece("old", str(rhythms[0])),)), Change((Piece("new", str(rhythms[1])),))
            yield Difference(where, "rhythm", lines)


def _compared(where: str, old: Interaction, new: Interaction) -> Iterator[Difference]:
    """The sections that differ, without what follows from other words: they cost other tokens."""
    was, now = dict(outline.sections(old)), dict(outline.sections(new))
    if any(was.get(title) != now.get(title) for title in outline.WORDS):
        for sections in (was, now):
            sections["usage"] = tuple(line for line in sections.get("usage", ()) if outline.is_of_the_request(line))
    for sections in (was, now):
        sections.pop("fields", None)  # compared as the mode "verify" does
    yield from _sections(where, list(was.items()), list(now.items()))
    if found := tuple(_change(one) for one in fields(old, new)):
        yield Difference(where, "fields", found)


def _change(found: Drift) -> Change:
    return Change((Piece("new" if found.new else "old", str(found)),))


def changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """The lines that differ; a line that was changed is shown once, with the words that differ."""
    for same, a, b, c, d in edits(old, new):
        if same:
            continue
        was, now = old[a:b], new[c:d]
        paired = min(len(was), len(now))
        for first, second in zip(was, now, strict=False):
            yield from _words(first, second)
        for kind, rest in (("old", was[paired:]), ("new", now[paired:])):
            yield from (Change((Piece("old" if kind == "old" else "new", line),)) for line in rest)


def _sections(
    where: str, old: Sequence[tuple[str, Sequence[str]]], new: Sequence[tuple[str, Sequence[str]]]
) -> Iterator[Difference]:
    was, now = dict(old), dict(new)
    for title in dict.fromkeys([*was, *now]):
        if found := tuple(changes(was.get(title, ()), now.get(title, ()))):
            yield Difference(where, title, found)


def _words(old: str, new: str) -> Iterator[Change]:
    """One line with the words that differ; two lines where they have little in common."""
    was, now = _WORD.findall(old), _WORD.findall(new)
    found = list(edits(was, now))
    common = sum(len("".join(was[edit.a : edit.b])) for edit in found if edit.same)
    if common * 3 < max(len(old), len(new)):
        yield Change((Piece("old", old),))
        yield Change((Piece("new", new),))
        return
    pieces = []
    for nth, (same, a, b, c, d) in enumerate(found):
        if same:
            pieces.append(Piece("same", _clipped(was[a:b], first=nth == 0, last=nth == len(found) - 1)))
        else:
            pieces += [Piece("old", "".join(was[a:b]))] if b > a else []
            pieces += [Piece("new", "".join(now[c:d]))] if d > c else []
    yield Change(tuple(pieces))


def _clipped(words: Sequence[str], *, first: bool, last: bool) -> str:
    """What is the same, without what is far from a change."""
    before = 0 if first else _CONTEXT
    after = 0 if last else _CONTEXT
    if len(words) <= before + after + 2:
        return "".join(words)
    return f"{''.join(words[:before])}…{''.join(words[len(words) - after :])}"


Numbered = tuple[int, Interaction]


def _pairs(
    old: Sequence[Interaction], new: Sequence[Interaction]
) -> Iterator[tuple[Numbered | None, Numbered | None]]:
    """The interactions that belong together, by their requests, in order; one alone where the other has none."""
    for _, a, b, c, d in edits([_asked(one) for one in old], [_asked(one) for one in new]):
        for nth in range(max(b - a, d - c)):
            yield (
                (a + nth + 1, old[a + nth]) if a + nth < b else None,
                (c + nth + 1, new[c + nth]) if c + nth < d else None,
            )


def _asked(interaction: Interaction) -> tuple[str, ...]:
    return (describe(interaction.request), *outline.asked(interaction))
