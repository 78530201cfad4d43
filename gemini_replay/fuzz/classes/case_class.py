"""What a case class is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ..documents import Dice, Document, Least, Source

ProfileName = Literal["gemini", "gateway", "sse", "json-array", "hostile", "smoke"]
PROFILES: tuple[ProfileName, ...] = get_args(ProfileName)
SMOKE: ProfileName = "smoke"
"""The classes of "gemini" without the large ones, tried quickly: fixed documents only, whole and byte by byte."""
SSE: tuple[ProfileName, ...] = ("gemini", "gateway", "sse", SMOKE)
GOOGLE: tuple[ProfileName, ...] = ("gemini", SMOKE)
ARRAY: tuple[ProfileName, ...] = ("json-array",)
IN_ARRAY = "-in-array"
"""Ends the names of classes and checks that exist in both framings, for the JSON array."""


@dataclass(frozen=True)
class CaseClass:
    """One kind of stream that parsers get wrong.

    Attributes:
        name: a slug, such as "wide-characters"; it names tests and rows of reports.
        description: what is in the stream, in one line.
        profiles: the profiles in which getting it wrong is a bug.
        build: makes a document from choices.
        fixed: documents that are tried each time, besides those that are drawn.
        of: makes a document of given messages, for classes about what messages hold.
        sized: for classes about one large thing, makes the document of a size in bytes; ``build`` is not used then.
        size: the size that is tried.
        steps: how large the chunks are in which such a document is tried, see `cuts.repeated`.
        mixed: many peculiarities at once; a class with only one of them describes a bug better.
        policy: standard and practice leave a choice; what the parser does is reported.
    """

    name: str
    description: str
    profiles: tuple[ProfileName, ...]
    build: Callable[[Source], Document]
    fixed: Callable[[], list[Document]] = field(default=list)
    of: Callable[[list[Any]], Document] | None = None
    sized: Callable[[int], Document] | None = None
    size: int = 0
    steps: tuple[tuple[int, ...], ...] = ((), (1 << 16,))
    policy: bool = False
    mixed: bool = False

    def documents(self, number: int = 4) -> list[Document]:
        """The same documents every time: the smallest of the class first, then ``number`` others, then the fixed."""
        if self.sized is not None:
            return [self.sized(self.size)]
        drawn = (self.build(Dice(f"{self.name} {nth}")) for nth in range(number))
        return [self.build(Least()), *drawn, *self.fixed()]
