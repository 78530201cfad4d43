"""One stream, cut in one way, with what must come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..loops import run_without_loop
from .classes import CaseClass, ProfileName
from .cuts import Cuts, split
from .documents import Document
from .report import parser_bug
from .results import Result, bug_result
from .target import FuzzTarget, Parse, check_parse, name_of
from .verdicts import Examiner


@dataclass(frozen=True)
class Case:
    """One stream, cut in one way.

    Attributes:
        name: a slug: the class, the number of the document, and how it is cut.
        profile: the profile that it was chosen by.
        case: the case class.
        document: the stream and what must come out of it.
        cuts: the offsets before which it is cut.
    """

    name: str
    profile: ProfileName
    case: CaseClass
    document: Document
    cuts: Cuts

    @property
    def chunks(self) -> list[bytes]:
        """What to feed."""
        return list(split(self.document.body, self.cuts))

    @property
    def expected(self) -> list[Any]:
        """The JSON values that must come out."""
        return self.document.expected

    def check(self, parse: Parse) -> None:
        """Run a parser, sync or async, over the chunks.

        An exception that quotes an error object of the stream counts as that object.

        Raises:
            ParserBug: it is wrong.
        """
        __tracebackhide__ = True
        check_parse(parse)

        def run() -> Result | None:
            with FuzzTarget(parse) as target:
                complaint = Examiner(target).alone(self.document, self.cuts)
            return bug_result(self.case, self.document, tuple(self.chunks), complaint) if complaint else None

        if bug := run_without_loop(run):
            raise parser_bug(bug, parse, name_of(parse), self.profile)
