"""Runs a parser over the chunkings of a document and judges what comes out.

A run is correct, or an accepted error, or a bug of one of a few kinds. A bug is a `Counterexample`; `reduce_cuts`
leaves it the fewest cuts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from ..arguments import items, require
from .budget import Budget, Share, Tally
from .cuts import REST, Cuts, Places, chunkings, hot_offsets, split
from .documents import Document
from .target import FuzzTarget, Output

BugKind = Literal["raises", "loses", "changes", "invents", "stalls", "grows", "leaks", "hides"]
Documented = tuple[type[BaseException], ...]

ACCIDENTS: Documented = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NameError,
    SystemError,
    TypeError,
)
"""Errors of code that met something unforeseen. Malformed input excuses other errors, such as a ValueError."""


@dataclass(frozen=True)
class Complaint:
    """What is wrong with the output of one run."""

    kind: BugKind
    expected: tuple[Any, ...]
    got: tuple[Any, ...]
    error: str | None = None  # after what it got
    whole_raises: bool = False  # the same bytes in one chunk raised an error, correctly, after what is expected
    stopped: bool = False  # the parser did not end

    @property
    def is_recursion(self) -> bool:
        """Whether the input is too deep; what is just too deep here need not be so elsewhere."""
        return (self.error or "").startswith("RecursionError")


@dataclass(frozen=True)
class Counterexample:
    """A document, and cuts at which the parser is wrong."""

    document: Document
    chunking: str  # the kind of the cuts, see `cuts.chunkings`
    cuts: Cuts
    complaint: Complaint
    before: tuple[Sequence[bytes], ...] = ()  # the streams that the parser had read just before
    runs: int = 1  # how many streams it had read by then, this one too

    @property
    def chunks(self) -> tuple[bytes, ...]:
        """The body, cut."""
        return split(self.document.body, self.cuts)

    def like(self, first: Counterexample | None) -> Counterexample:
        """The same, found after another: what was read before that one counts, for it may have spoiled the parser."""
        return self if first is None else replace(self, before=first.before, runs=first.runs)


class Examiner:
    """Judges one parser.

    Attributes:
        did: counts what the parser did.
        tally: counts the cuts that are tried, and those that are left out.
        limit: the time in which a bug is to be shrunk; None if there is none to shrink.
        stalled: whether a bug was found that may keep the parser from ending.
    """

    def __init__(self, target: FuzzTarget, documented: Documented = ()) -> None:
        self.target = target
        self.documented = documented
        self.did: Counter[str] = Counter()
        self.tally = Tally()
        self.limit: Budget | None = None
        self.stalled = False
        self.places = Places()

    def is_late(self) -> bool:
        """Whether the bug that is being shrunk is small enough for the time that it took."""
        return self.limit is not None and self.limit.is_over()

    def examine(
        self, document: Document, chunking: str | None = None, until: Share | None = None
    ) -> Counterexample | None:
        """The first cuts at which the parser is wrong; None if there are none.

        All cuts of one kind, if it is given; else those that may still tell something. Cuts are left out if the time
        ``until`` is over.
        """
        whole = self._run(document, ())
        label = judge(document, whole, self.documented)
        if isinstance(label, Complaint):
            return self.found(document, "whole", (), label)
        self.did[label] += 1
        if chunking == "whole":
            return None
        for name, cuts in chunkings(document.body, chunking):
            if not cuts or (chunking in (None, REST) and not self.places.is_new(document.body, name, cuts)):
                continue
            no_time = until is not None and until.is_over(len(cuts))
            self.tally.count("cuts", left_out=no_time)
            if no_time:
                continue
            if complaint := self._compared(document, cuts, whole, label):
                return self.found(document, name, cuts, complaint)
        return None

    def found(self, document: Document, chunking: str, cuts: Cuts, complaint: Complaint) -> Counterexample:
        """A counterexample that has just shown."""
        return Counterexample(document, chunking, cuts, complaint, tuple(self.target.recent), self.target.runs)

    def at(self, document: Document, cuts: Cuts) -> Complaint | None:
        """What is wrong at these cuts and not without them."""
        whole = self._run(document, ())
        label = judge(document, whole, self.documented)
        if isinstance(label, Complaint):
            return None if cuts else label
        return self._compared(document, cuts, whole, label) if cuts else None

    def after(self, document: Document, cuts: Cuts, earlier: Sequence[Sequence[bytes]]) -> Complaint | None:
        """What is wrong with the whole; or at these cuts, compared with the whole, once other streams were read."""
        whole = self._run(document, ())
        label = judge(document, whole, self.documented)
        if isinstance(label, Complaint):
            return label
        self.target.run_all(earlier)
        return self._compared(document, cuts, whole, label) if cuts or earlier else None

    def alone(self, document: Document, cuts: Cuts) -> Complaint | None:
        """What is wrong at these cuts, not compared with the whole: one run only, for long documents."""
        label = judge(document, self._run(document, cuts), self.documented)
        if isinstance(label, Complaint):
            return label
        self.did[label] += 1
        return None

    def _run(self, document: Document, cuts: Cuts) -> Output:
        return self.target.run(split(document.body, cuts))

    def _compared(self, document: Document, cuts: Cuts, whole: Output, whole_label: str) -> Complaint | None:
        """Judge a chunking by itself, and against the whole body, which was accepted."""
        cut = self._run(document, cuts)
        label = judge(document, cut, self.documented)
        if isinstance(label, Complaint):
            # Of several correct results, the cut must not change the one that the parser has chosen.
            return replace(label, expected=tuple(whole.values)) if whole.error is None else label
        error = label if label.startswith("raises ") else None
        if label == whole_label or (error and whole_label.startswith("raises ")):
            return None
        return Complaint(
            "raises" if error else difference(cut.values, whole.values),
            tuple(whole.values),
            tuple(cut.values),
            error or f"in one chunk it {whole_label}",
            whole_raises=whole.error is not None,
        )


def reduce_cuts(examiner: Examiner, found: Counterexample) -> Counterexample:
    """The same document with as few cuts as possible: none, one, or what delta debugging leaves.

    A recursion over chunks fails from a number of them on that depends on the stack that is left. A
    stream has enough of them to fail elsewhere, too, if half of its cuts fail as well; else it is cut twice at each
    place.
    """
    document, complaint = found.document, found.complaint

    def fails(cuts: Cuts) -> bool:
        nonlocal complaint
        if examiner.is_late():
            return False
        seen = examiner.at(document, cuts)
        complaint = seen or complaint
        return seen is not None

    cuts = next(filter(fails, _fewer(document, found.cuts)), None)
    if cuts is None and complaint.is_recursion:
        twice = tuple(at for at in found.cuts for _ in range(2))
        cuts = found.cuts if fails(found.cuts[::2]) or not fails(twice) else twice
    elif cuts is None:
        cuts = minimal(found.cuts, fails)
    return replace(found, cuts=cuts, complaint=complaint)


def _fewer(document: Document, cuts: Cuts) -> Iterator[Cuts]:
    body = document.body
    yield ()
    singles = range(1, len(body)) if len(body) <= 1000 else sorted({*hot_offsets(body, 200), *cuts[:100]})
    for at in (*singles, 0, len(body)):
        yield (at,)


def minimal(cuts: Cuts, fails: Callable[[Cuts], bool]) -> Cuts:
    """Delta debugging: leave out ever smaller shares of the cuts for as long as it fails without them."""
    share = max(1, len(cuts) // 2)
    while True:
        at = 0
        while at < len(cuts) and len(cuts) > 1:
            fewer = cuts[:at] + cuts[at + share :]
            if fewer and fails(fewer):
                cuts = fewer
            else:
                at += share
        if share == 1:
            return cuts
        share //= 2


def judge(document: Document, output: Output, documented: Documented = ()) -> Complaint | str:
    """What is wrong, or a label of what the parser did.

    If a document has several correct results, the label must be the same for all its chunkings.
    """
    values = output.values
    if output.hung:
        return Complaint("stalls", document.readings[0].values, tuple(values), "it had to be stopped", stopped=True)
    if output.error is not None:
        return _judge_error(document, values, output.error, documented)
    if document.must_raise:
        return Complaint("loses", document.readings[0].values, tuple(values), "no error is raised")
    try:
        text = repr(values)
    except RecursionError:
        text = "values that are nested too deeply"
    except Exception as error:  # of a class of the parser's own
        text = f"values that Python cannot show: {describe(error)}"
    for reading in document.readings:
        if text == reading.text or same(values, reading.values):
            return reading.label
    if document.free:
        return f"returns {text}"
    return _complaint(document, values)


def _judge_error(
    document: Document, values: Sequence[Any], error: BaseException, documented: Documented
) -> Complaint | str:
    quoted = any(said in text for said in document.says for text in _texts(error))
    excused = isinstance(error, documented) or (document.malformed and not _is_accident(error))
    if not (quoted or (excused and (document.malformed or document.says))):
        return Complaint("raises", document.readings[0].values, tuple(values), describe(error))
    # The values before the error must be correct; how many there are may depend on what came in one chunk with it.
    if document.free or any(same(values, reading.values[: len(values)]) for reading in document.readings):
        return f"raises {type(error).__name__}"
    return _complaint(document, values, describe(error))


def _texts(error: BaseException) -> tuple[str, ...]:
    """What an error says and carries. Decoding errors carry whatever could not be decoded, which does not count."""
    if isinstance(error, json.JSONDecodeError | UnicodeError):
        return (str(error),)
    return (str(error), repr(error.args), repr(getattr(error, "__dict__", "")))


def _is_accident(error: BaseException) -> bool:
    return isinstance(error, ACCIDENTS) or isinstance(error.__cause__, StopIteration | StopAsyncIteration)


def _complaint(document: Document, values: Sequence[Any], error: str | None = None) -> Complaint:
    nearest = max(document.readings, key=lambda one: (sum(map(same, values, one.values)), -len(one.values)))
    return Complaint(difference(values, nearest.values), nearest.values, tuple(values), error)


def difference(got: Sequence[Any], expected: Sequence[Any]) -> BugKind:
    """Whether fewer values came out ("loses"), more ("invents"), or others ("changes")."""
    if len(got) < len(expected):
        return "loses"
    return "invents" if len(got) > len(expected) else "changes"


def same(got: Any, expected: Any) -> bool:
    """Equal as JSON: an integer is not a fraction or a boolean; the order of keys does not matter.

    A fraction may be a float, or a Decimal of the same value.
    """
    if isinstance(expected, Mapping):
        return (
            isinstance(got, Mapping)
            and got.keys() == expected.keys()
            and all(same(got[key], value) for key, value in expected.items())
        )
    if isinstance(expected, list | tuple):
        return isinstance(got, list | tuple) and len(got) == len(expected) and all(map(same, got, expected))
    if isinstance(expected, bool) or expected is None:
        return got is expected
    if isinstance(expected, float) and isinstance(got, Decimal):
        return float(got) == expected
    kind = str if isinstance(expected, str) else float if isinstance(expected, float) else int
    return isinstance(got, kind) and not isinstance(got, bool) and bool(got == expected)


def describe(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def error_types(documented: type[BaseException] | Sequence[type[BaseException]]) -> tuple[type[BaseException], ...]:
    """The types of errors that a user excuses, checked.

    Raises:
        UsageError: one is no type of an exception.
    """
    takes = "exception types, such as (ValueError,)"
    types = (documented,) if isinstance(documented, type) else items("documented", documented, takes)
    for one in types:
        require(isinstance(one, type) and issubclass(one, BaseException), "documented", documented, takes)
    return types  # type: ignore[return-value]  # each is one
