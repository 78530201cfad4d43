"""Drives the search: fixed documents first, then Hypothesis draws documents; the cuts are enumerated inside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given
from hypothesis.errors import Flaky

from .classes import CaseClass
from .cuts import every, split
from .documents import Document
from .examine import Examiner, Found, reduce_cuts
from .source import Least
from .strategies import documents_of

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

MAX_EXAMPLES = 40
"""Documents drawn for each class: as many found everything that ten times as many with drawn cuts did."""

_SUSPECT_EXAMPLES = 200  # for a class in which a fixed document has found something: it is only to be shrunk
_SHRINK_RUNS = 20_000
_ONE_CUT = "one cut"


class _BrokenParserError(Exception):
    """Raised inside the test that Hypothesis runs."""


class _Stop(BaseException):
    """Ends the search at once."""


@dataclass(frozen=True)
class Suspicion:
    """A class in which fixed documents have found something.

    Attributes:
        case: the class.
        found: the smallest of what was found.
        share: the share of its fixed documents that found something; the bug is most at home where it is largest.
    """

    case: CaseClass
    found: Found
    share: float


def scan(examiner: Examiner, case: CaseClass, *, kind: str | None = None) -> Suspicion | None:
    """Try the fixed documents.

    Args:
        examiner: judges the parser.
        case: the class.
        kind: the kind of cuts to try, where one is known to find something.
    """
    if case.sized is not None:
        large = _scan_sized(examiner, case)
        return Suspicion(case, large, 1.0) if large else None
    best: Found | None = None
    documents = case.documents()
    failing = 0
    for document in documents:
        found = examiner.examine(document, best.kind if best else kind)
        if found is None:
            continue
        failing += 1
        if best is None or len(document.body) < len(best.document.body):
            best = found
        if found.complaint.verdict == "stalls":
            break
    return Suspicion(case, best, failing / len(documents)) if best else None


def minimise(
    examiner: Examiner,
    case: CaseClass,
    found: Found,
    *,
    seed: int | None,
    database: ExampleDatabase | None,
    drawn: bool = False,
) -> Found:
    """The smallest case like the one that a scan has found, or, if it is ``drawn``, that the search has shrunk."""
    if case.sized is not None:
        return _bisect(examiner, case, found)
    if found.complaint.verdict == "stalls":
        return _least_stall(examiner, case, found)
    smallest = found
    if not drawn and found.document != case.build(Least()):
        other = search(examiner, case, max_examples=_SUSPECT_EXAMPLES, seed=seed, database=database, kind=found.kind)
        smallest = _smaller(other, found)
    if smallest.complaint.verdict == "stalls":
        return _least_stall(examiner, case, smallest)
    reduced = reduce_cuts(examiner, smallest)
    if reduced.kind not in ("whole", _ONE_CUT) and len(reduced.cuts) == 1:
        # One cut will do, and at that kind of cut a smaller document may do as well.
        other = search(examiner, case, max_examples=_SUSPECT_EXAMPLES, seed=seed, database=database, kind=_ONE_CUT)
        if other is not None and len(other.document.body) < len(reduced.document.body):
            reduced = reduce_cuts(examiner, other)
    return reduced


def _smaller(one: Found | None, other: Found) -> Found:
    return one if one is not None and len(one.document.body) <= len(other.document.body) else other


def _least_stall(examiner: Examiner, case: CaseClass, found: Found) -> Found:
    """A smaller case at which it does not end: each one that is found takes seconds, so the first will do."""
    smallest = case.build(Least())
    if found.document == smallest and found.kind == "whole":
        return found
    for document in (smallest, found.document):
        for kind in ("whole", _ONE_CUT):
            other = examiner.examine(document, kind)
            if other and other.complaint.verdict == "stalls":
                return other
    return found


def search(
    examiner: Examiner,
    case: CaseClass,
    *,
    max_examples: int,
    seed: int | None,
    database: ExampleDatabase | None,
    kind: str | None = None,
) -> Found | None:
    """Let Hypothesis look for a document and shrink it; the cuts are not reduced.

    Args:
        examiner: judges the parser.
        case: the class to draw from.
        max_examples: how many documents.
        seed: for the same documents each time; None leaves it to Hypothesis, and to ``--hypothesis-seed``.
        database: where found examples are kept.
        kind: the kind of cuts to try, where one is known to find something.
    """
    best: Found | None = None
    runs_left = 0
    right: set[bytes] = set()  # while nothing is found, all kinds of cuts are tried; afterwards, the same one kind

    def parser_is_right(document: Document) -> None:
        nonlocal best, runs_left
        if document.body in right:
            return
        if best and examiner.target.runs > runs_left:
            raise _Stop
        # Once something is found, the same kind of cuts finds it again: shrinking need not try all the others.
        found = examiner.examine(document, best.kind if best else kind)
        if found is None:
            right.add(document.body)
            return
        runs_left = runs_left or examiner.target.runs + _SHRINK_RUNS
        if best is None or len(document.body) <= len(best.document.body):
            best = found
        if found.complaint.verdict == "stalls":
            raise _Stop
        raise _BrokenParserError

    # Hypothesis derives the database's key from the test's signature too; so each parser and class has its own.
    parser_is_right.__annotations__["return"] = f"{examiner.target.name}: {case.name}"
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
    )(given(documents_of(case))(parser_is_right))
    if seed is not None:
        test = hypothesis.seed(seed)(test)
    with contextlib.suppress(_BrokenParserError, Flaky, _Stop):
        test()
    return best


def _sized_cuts(length: int) -> Iterator[tuple[int, ...]]:
    if length < 10_000_000:
        yield ()
    yield every(1 << 16, length)
    if length < 100_000:
        yield every(1000, length)


def _scan_sized(examiner: Examiner, case: CaseClass) -> Found | None:
    assert case.sized is not None
    document = case.sized(case.size)
    for cuts in _sized_cuts(len(document.body)):
        if complaint := examiner.alone(document, cuts):
            return Found(document, "sizes", cuts, complaint)
    return None


def _bisect(examiner: Examiner, case: CaseClass, found: Found) -> Found:
    """The least size at which it fails."""
    if found.complaint.verdict == "stalls":
        return found
    step = found.cuts[0] if found.cuts else 0

    def fails(size: int) -> bool:
        nonlocal found
        assert case.sized is not None
        document = case.sized(size)
        cuts = every(step, len(document.body)) if step else ()
        complaint = examiner.alone(document, cuts)
        if complaint:
            found = Found(document, found.kind, cuts, complaint)
        return complaint is not None

    least(fails, case.size)
    all_cuts = found.cuts
    for cuts in ((), all_cuts[:1], all_cuts[-1:]):
        if complaint := examiner.alone(found.document, cuts):
            return Found(found.document, found.kind, cuts, complaint)
    return found


def limit_of(examiner: Examiner, case: CaseClass) -> int | None:
    """From which size on an error is raised, of a class where that is no bug; None where none is."""

    def raises(size: int) -> bool:
        assert case.sized is not None
        body = case.sized(size).body
        return examiner.target.run(split(body, every(1 << 16, len(body)))).error is not None

    return least(raises, case.size) if raises(case.size) else None


def least(fails: Callable[[int], bool], high: int) -> int:
    """The least number above 0 for which ``fails`` holds, as it does for ``high`` and all behind the least."""
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fails(middle) else (middle, high)
    return high
