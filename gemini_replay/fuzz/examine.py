"""Runs a parser over the chunkings of a document, and reduces what it finds to the fewest cuts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .cuts import Cuts, chunkings, hot_offsets, split
from .documents import Document
from .oracles import Complaint, Documented, difference, judge, kind_of
from .target import Outcome, Target


@dataclass(frozen=True)
class Found:
    """A document with cuts at which the parser is wrong.

    Attributes:
        document: the stream.
        kind: the kind of the cuts.
        cuts: where it is cut.
        complaint: what is wrong.
        steady: whether it is wrong each time; a parser that keeps state between streams is not.
    """

    document: Document
    kind: str
    cuts: Cuts
    complaint: Complaint
    steady: bool = True

    @property
    def chunks(self) -> tuple[bytes, ...]:
        """The body, cut."""
        return split(self.document.body, self.cuts)


class Examiner:
    """Judges one parser.

    Args:
        target: the parser.
        documented: the types of its documented errors.

    Attributes:
        did: what it did where there is a choice, and how often.
    """

    def __init__(self, target: Target, documented: Documented = ()) -> None:
        self.target = target
        self.documented = documented
        self.did: Counter[str] = Counter()

    def examine(self, document: Document, kind: str | None = None) -> Found | None:
        """The first chunking (of one kind, if it is given) at which the parser is wrong; None if there is none."""
        whole = self.run(document, ())
        label = judge(document, whole, self.documented)
        if isinstance(label, Complaint):
            return Found(document, "whole", (), label)
        self.did[label] += 1
        if kind == "whole":
            return None
        for name, cuts in chunkings(document.body, kind):
            if cuts and (complaint := self._compared(document, cuts, whole, label)):
                return Found(document, name, cuts, complaint)
        return None

    def fault(self, document: Document, cuts: Cuts) -> Complaint | None:
        """What is wrong at these cuts."""
        whole = self.run(document, ())
        label = judge(document, whole, self.documented)
        if isinstance(label, Complaint):
            return None if cuts else label
        return self._compared(document, cuts, whole, label) if cuts else None

    def alone(self, document: Document, cuts: Cuts) -> Complaint | None:
        """What is wrong at these cuts, not compared with the whole: one run, for long documents."""
        label = judge(document, self.run(document, cuts), self.documented)
        if isinstance(label, Complaint):
            return label
        self.did[label] += 1
        return None

    def run(self, document: Document, cuts: Cuts) -> Outcome:
        """One run."""
        return self.target.run(split(document.body, cuts))

    def _compared(self, document: Document, cuts: Cuts, whole: Outcome, whole_label: str) -> Complaint | None:
        """Judge a chunking for itself and against the whole body, which was accepted."""
        cut = self.run(document, cuts)
        label = judge(document, cut, self.documented)
        if isinstance(label, Complaint):
            # Of several right results, the parser's own choice is what it changes.
            return replace(label, expected=tuple(whole.values)) if whole.error is None else label
        if kind_of(label) == kind_of(whole_label):
            return None
        error = label if label.startswith("raises ") else None
        verdict = "raises" if error else difference(cut.values, whole.values)
        return Complaint(
            verdict,
            tuple(whole.values),
            tuple(cut.values),
            error or f"in one chunk it {whole_label}",
            whole_raises=whole.error is not None,
        )


def reduce_cuts(examiner: Examiner, found: Found) -> Found:
    """The same document with as few cuts as will do: none, one, or what delta debugging leaves."""
    document, complaint = found.document, found.complaint

    def fails(cuts: Cuts) -> bool:
        nonlocal complaint
        seen = examiner.fault(document, cuts)
        complaint = seen or complaint
        return seen is not None

    cuts = next(filter(fails, _fewer(document, found.cuts)), None)
    if cuts is None:
        cuts = _minimal(found.cuts, fails)
    return replace(found, cuts=cuts, complaint=complaint, steady=fails(cuts))


def _fewer(document: Document, cuts: Cuts) -> Iterator[Cuts]:
    body = document.body
    yield ()
    singles = range(1, len(body)) if len(body) <= 1000 else sorted({*hot_offsets(body, 200), *cuts[:100]})
    for at in singles:
        yield (at,)
    for at in (0, len(body)):
        yield (at,)


def _minimal(cuts: Cuts, fails: Callable[[Cuts], bool]) -> Cuts:
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
