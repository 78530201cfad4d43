"""Searches one case class for a counterexample: fixed documents first, then documents that Hypothesis draws.

The cuts of a document are not drawn but enumerated, in `Examiner.examine`.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given
from hypothesis.errors import Flaky

from .budget import NO_TIME, STUCK, Budget, Share, Tally
from .classes import CaseClass
from .cuts import BYTES, REST, Cuts, every, repeated, split
from .documents import Document, Least
from .pace import NONE, Pace
from .strategies import documents_of
from .trees import reduced
from .verdicts import Counterexample, Examiner, minimal, reduce_cuts

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

MAX_EXAMPLES = 40
"""Documents drawn for each class: as many found everything that ten times as many with drawn cuts did."""

_SUSPECT_EXAMPLES = 200  # for a class in which a fixed document has found something, which is only to be shrunk
_SHRINK_RUNS = 20_000
_ONE_CUT = "one cut"
_MOST_CUTS = 500  # of a large document; to leave out some of more would take long


class _BrokenParserError(Exception):
    """Raised inside the test that Hypothesis runs."""


class _Stop(BaseException):
    """Ends the search at once."""


@dataclass(frozen=True)
class Suspicion:
    """A class in which fixed documents have found something; `found` is the smallest counterexample."""

    case: CaseClass
    found: Counterexample
    share: float  # of its fixed documents that found one; the class with the largest describes the bug best

    @property
    def stalls(self) -> bool:
        """Whether the parser had to be stopped; each such run takes seconds."""
        return self.found.complaint.kind == "stalls"


@dataclass(frozen=True)
class Search:
    """Searches case classes with one examiner and one set of settings."""

    examiner: Examiner
    max_examples: int = MAX_EXAMPLES  # for each class; 0 draws none
    seed: int | None = None  # None leaves it to Hypothesis, and to ``--hypothesis-seed``
    database: ExampleDatabase | None = None
    quick: bool = False  # cut into single bytes only, as far as nothing is found
    pace: Pace = NONE  # of the parser
    tallies: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))  # by the names of classes

    def is_no_use(self, budget: Budget) -> str:
        """Why nothing more can be tried: no time is left, or a bug made all streams stall; else empty."""
        if budget.is_over():
            return NO_TIME
        return STUCK if self.examiner.stalled and self.examiner.target.is_stuck() else ""

    @property
    def passes(self) -> tuple[str, ...]:
        """The kinds of cuts that fixed documents are tried with, one after another."""
        return (BYTES,) if self.quick else (BYTES, REST)

    @property
    def kind(self) -> str | None:
        """The kind of cuts that documents are tried with, if there is but one pass."""
        return BYTES if self.quick else None

    def scan(self, case: CaseClass, chunking: str | None = None, until: Share | None = None) -> Suspicion | None:
        """Try the fixed documents, whole and cut; only one kind of cuts, if it is given.

        When the time ``until`` is over, no further document is tried, and the first only whole.
        """
        tally = self.examiner.tally = self.tallies[case.name]
        if case.sized is not None:
            large = self._scan_sized(case, until)
            return Suspicion(case, large, 1.0) if large else None
        best: Counterexample | None = None
        self.examiner.places.begin()
        documents = case.documents()
        failing = 0
        for nth, document in enumerate(documents):
            if nth and until is not None and until.is_over():
                tally.count(_documents(chunking), len(documents) - nth, left_out=True)
                break
            tally.count(_documents(chunking))
            found = self.examiner.examine(document, best.chunking if best else chunking, until)
            if found is None:
                continue
            failing += 1
            if best is None or len(document.body) < len(best.document.body):
                best = found.like(best)
            if found.complaint.kind == "stalls":
                break
        return Suspicion(case, best, failing / len(documents)) if best else None

    def draw(self, case: CaseClass, until: Share | None = None) -> Counterexample | None:
        """Let Hypothesis draw documents, until this time is over if it is given, and reduce what it finds."""
        if not self.max_examples:
            return None
        self.examiner.tally = self.tallies[case.name]
        self.examiner.places.begin()
        self.examiner.limit = None
        found = self._drawn(case, self.max_examples, self.kind, until)
        return found and self._reduced(case, found)

    def smallest(self, suspicion: Suspicion) -> Counterexample:
        """The smallest counterexample like the one that a scan has found; as small as 10 s of work make it."""
        case, found = suspicion.case, suspicion.found
        self.examiner.tally = Tally()  # whatever is left out now does not matter
        self.examiner.limit = Budget()
        if case.sized is not None:
            return self._bisected(case, found)
        if not suspicion.stalls and found.document != case.build(Least()):
            other = self._drawn(case, _SUSPECT_EXAMPLES, found.chunking)
            if other is not None and len(other.document.body) <= len(found.document.body):
                found = other.like(found)
        return self._reduced(case, found)

    def _with_less(self, of: Callable[[list[Any]], Document], found: Counterexample) -> Counterexample:
        """The document without what its messages need not hold."""
        best = found

        def fails(trees: list[Any]) -> bool:
            nonlocal best
            if self.examiner.is_late():
                return False
            other = self.examiner.examine(of(trees), found.chunking)
            if other is not None:
                best = other.like(found)
            return other is not None

        if fails(found.document.expected):
            reduced(found.document.expected, fails)
        return best

    def limit_of(self, case: CaseClass) -> int | None:
        """The size from which on an error is raised, of a class in which that is not a bug; None if none is."""

        def raises(size: int) -> bool:
            assert case.sized is not None
            body = case.sized(size).body
            return self.examiner.target.run(split(body, every(1 << 16, len(body)))).error is not None

        return least(raises, case.size) if raises(case.size) else None

    def _reduced(self, case: CaseClass, found: Counterexample) -> Counterexample:
        if found.complaint.kind == "stalls":
            return self._smaller_stall(case, found)
        if case.of is not None and len(found.document.body) > len(case.build(Least()).body):
            found = self._with_less(case.of, found)
        reduced = reduce_cuts(self.examiner, found)
        if reduced.chunking not in ("whole", _ONE_CUT) and len(reduced.cuts) == 1:
            # One cut is enough, and with one cut a smaller document may be enough as well.
            other = self._drawn(case, _SUSPECT_EXAMPLES, _ONE_CUT)
            if other is not None and len(other.document.body) < len(reduced.document.body):
                reduced = reduce_cuts(self.examiner, other)
        return reduced

    def _smaller_stall(self, case: CaseClass, found: Counterexample) -> Counterexample:
        """The first smaller case at which the parser does not end: each takes seconds."""
        smallest = case.build(Least())
        if found.document == smallest and found.chunking == "whole":
            return found
        for document in (smallest, found.document):
            for chunking in ("whole", _ONE_CUT):
                other = self.examiner.examine(document, chunking)
                if other and other.complaint.kind == "stalls":
                    return other.like(found)
        return found

    def _drawn(
        self, case: CaseClass, max_examples: int, chunking: str | None = None, until: Share | None = None
    ) -> Counterexample | None:
        """What Hypothesis finds and shrinks; only with one kind of cuts if it is known to find something."""
        examiner = self.examiner
        best: Counterexample | None = None
        runs_left = drawn = 0
        correct: set[bytes] = set()  # until something is found all kinds of cuts are tried, afterwards only its kind

        def parser_is_correct(document: Document) -> None:
            nonlocal best, runs_left, drawn
            if best is None and until is not None and until.is_over():
                examiner.tally.count("documents to draw", max_examples - drawn, left_out=True)
                raise _Stop
            if examiner.is_late() or (best and examiner.target.runs > runs_left):
                raise _Stop
            drawn += 1
            if document.body in correct:
                return
            found = examiner.examine(document, best.chunking if best else chunking, None if best else until)
            if found is None:
                correct.add(document.body)
                return
            examiner.limit = examiner.limit or Budget()
            runs_left = runs_left or examiner.target.runs + _SHRINK_RUNS
            if best is None or len(document.body) <= len(best.document.body):
                best = found.like(best)
            if found.complaint.kind == "stalls":
                raise _Stop
            raise _BrokenParserError

        # Hypothesis derives the database's key from the test's signature too, so each parser and class has its own.
        parser_is_correct.__annotations__["return"] = f"{examiner.target.name}: {case.name}"
        database = self.database
        base = hypothesis.settings.default if database is None else hypothesis.settings(derandomize=False)
        test = hypothesis.settings(
            base,
            max_examples=max_examples,
            database=database,
            deadline=None,
            print_blob=False,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            phases=(Phase.reuse, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )(given(documents_of(case))(parser_is_correct))
        if self.seed is not None:
            test = hypothesis.seed(self.seed)(test)
        with contextlib.suppress(_BrokenParserError, Flaky, _Stop):
            test()
        examiner.tally.count("documents to draw", drawn)
        return best

    def _scan_sized(self, case: CaseClass, until: Share | None) -> Counterexample | None:
        assert case.sized is not None
        document = case.sized(case.size)
        for step in case.steps:
            cuts = repeated(step, len(document.body))
            no_time = until is not None and self.pace.of_document(document, len(cuts) + 1) > until.left()
            self.examiner.tally.count("sizes of chunks", left_out=no_time)
            if no_time:
                continue
            if complaint := self.examiner.alone(document, cuts):
                return self.examiner.found(document, "sizes", cuts, complaint)
        return None

    def _bisected(self, case: CaseClass, found: Counterexample) -> Counterexample:
        """The least size at which it fails, with as few cuts as possible.

        A recursion fails from a size on that depends on the stack that is left: twice that size fails elsewhere, too.
        """
        if found.complaint.kind == "stalls":
            return found
        step = next(one for one in case.steps if repeated(one, len(found.document.body)) == found.cuts)

        def fails(size: int) -> bool:
            nonlocal found
            assert case.sized is not None
            if self.examiner.is_late():
                return False
            document = case.sized(size)
            cuts = repeated(step, len(document.body))
            complaint = self.examiner.alone(document, cuts)
            if complaint:
                found = replace(found, document=document, cuts=cuts, complaint=complaint)
            return complaint is not None

        size = least(fails, case.size)
        if found.complaint.is_recursion:
            fails(min(2 * size, case.size))

        def fails_at(cuts: Cuts) -> bool:
            nonlocal found
            if self.examiner.is_late():
                return False
            complaint = self.examiner.alone(found.document, cuts)
            if complaint:
                found = replace(found, cuts=cuts, complaint=complaint)
            return complaint is not None

        all_cuts = found.cuts
        if not any(map(fails_at, ((), all_cuts[:1], all_cuts[-1:]))) and len(all_cuts) <= _MOST_CUTS:
            minimal(all_cuts, fails_at)
        return found


def _documents(chunking: str | None) -> str:
    """What a tally calls the fixed documents of one pass."""
    return "documents byte by byte" if chunking == BYTES else "documents"


def least(fails: Callable[[int], bool], high: int) -> int:
    """The least number above 0 for which ``fails`` holds, given that it holds for ``high`` and all between."""
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fails(middle) else (middle, high)
    return high
