"""Named cases that are the same on every machine, as parameters of a test; Hypothesis has no part in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..loops import run_without_loop
from .classes import CaseClass, Profile, classes_of, known_profile
from .cuts import Cuts, every, hot_offsets, split
from .documents import Document
from .examine import Examiner
from .report import Result, parser_bug
from .target import Parse, Target, name_of

if TYPE_CHECKING:
    import pytest

_DOCUMENTS = 6  # of each class


@dataclass(frozen=True)
class Case:
    """One stream, cut in one way.

    Attributes:
        name: the class, and how it is cut.
        profile: the profile that it was asked for by.
        case: the case class.
        document: the stream and what must come out of it.
        cuts: the offsets before which it is cut.
    """

    name: str
    profile: Profile
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

        An exception that quotes an error object of the stream is as good as the object.

        Raises:
            ParserBug: it is wrong.
        """

        def run() -> Result | None:
            with Target(parse) as target:
                complaint = Examiner(target).alone(self.document, self.cuts)
            if complaint is None:
                return None
            return Result(
                self.case.name,
                self.case.description,
                self.case.profiles,
                "bug",
                complaint.verdict,
                bool(self.cuts),
                tuple(self.chunks),
                complaint.expected,
                complaint.got,
                complaint.error,
                stopped=complaint.stopped,
            )

        if bug := run_without_loop(run):
            raise parser_bug(bug, parse, name_of(parse), self.profile)


def cases(profile: str = "gemini") -> pytest.MarkDecorator:
    """A decorator that runs a test once for each case, as its argument ``case``.

        @fuzz.cases("gemini")
        def test_my_parser(case):
            assert list(my_parse(case.chunks)) == case.expected

    Args:
        profile: "gemini", "gateway", "sse" or "json-array"; "hostile" has no streams with one right result.

    Raises:
        UsageError: there is no such profile.
    """
    import pytest

    return pytest.mark.parametrize("case", [pytest.param(one, id=one.name) for one in all_cases(profile)])


def all_cases(profile: str = "gemini") -> Iterator[Case]:
    """The cases of a profile, in order."""
    known = known_profile(profile)
    for case in classes_of([known]):
        if case.policy or case.sized is not None:
            continue
        for nth, document in enumerate(case.documents(2)[:_DOCUMENTS], start=1):
            for how, cuts in _chunkings(document.body):
                yield Case(f"{case.name}-{nth}-{how}", known, case, document, cuts)


def _chunkings(body: bytes) -> Iterator[tuple[str, Cuts]]:
    yield "whole", ()
    yield "byte-by-byte", every(1, len(body))
    yield "in-sevens", every(7, len(body))
    hot = hot_offsets(body)
    for at in hot[len(hot) // 3 : len(hot) // 3 + 1]:
        yield "cut-in-two", (at,)
