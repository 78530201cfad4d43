"""Whether a bug shows each time, only after earlier streams, or by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .cuts import split
from .documents import Document
from .plain_stream import is_plain
from .verdicts import Complaint, Counterexample, Examiner, judge

Stream = tuple[bytes, ...]

RUNS = 100
"""How often a bug that does not show each time is tried, to tell how often it shows."""

_STEADY = 20  # runs that all fail show a steady bug
_LARGE = 10_000  # bytes; of such streams a few runs must do
_FEW = 3
_SAME = 5  # that many runs with the same outcome are not chance


@dataclass(frozen=True)
class Steadiness:
    """When a bug shows."""

    after: tuple[Stream, ...] = ()  # the streams that the parser must have read before, as often as they stand here
    failed: int = RUNS  # of as many runs


def steadiness(examiner: Examiner, found: Counterexample) -> Steadiness:
    """Run a counterexample again, each time after a plain stream, which clears what a parser may have kept."""
    target = examiner.target
    if target.first is None:
        return Steadiness()
    plain, output = target.first
    stalls = found.complaint.stopped  # each such run takes seconds
    if is_plain(output) and not any(is_plain(target.run(plain)) for _ in range(1 if stalls else _SAME)):
        return Steadiness(after=_used_up(found, plain))

    def label_of_whole() -> Complaint | str:
        return _label(examiner, found.document, [plain], ())

    whole = label_of_whole()
    if found.cuts and not stalls and isinstance(whole, Complaint):  # the whole was right before it was cut
        if all(isinstance(label_of_whole(), Complaint) for _ in range(_STEADY)):
            return Steadiness(after=_used_up(found, plain))
        return Steadiness(failed=sum(isinstance(label_of_whole(), Complaint) for _ in range(RUNS)))

    def fails(*before: Sequence[bytes]) -> bool:
        label = _label(examiner, found.document, [plain, *before], found.cuts)
        return isinstance(label, Complaint) or (isinstance(whole, str) and label != whole)

    runs = [fails() for _ in range(1 if stalls else _FEW if len(found.document.body) > _LARGE else _STEADY)]
    if all(runs):
        return Steadiness()
    if stalls:
        first = next((nth for nth in range(1, RUNS + 1) if fails()), None)
        return Steadiness(failed=RUNS // first if first else 0)
    for earlier in () if any(runs) else ((found.document.body,), *reversed(found.before)):
        if all(fails(earlier) and not fails() for _ in range(_SAME)):
            return Steadiness(after=(tuple(earlier),))
    return Steadiness(failed=sum(fails() for _ in range(RUNS)))


def _used_up(found: Counterexample, plain: Stream) -> tuple[Stream, ...]:
    """The streams before a bug that stays: the one just before it, as often as the parser had run.

    Either that stream spoiled the parser, or it took the last of something that streams use up, such as connections.
    It need not be tried how many of them it takes, which would need a fresh process for each number.
    """
    last = tuple(found.before[-1]) if found.before else plain
    return (last,) * found.runs


def _label(
    examiner: Examiner, document: Document, before: Sequence[Sequence[bytes]], cuts: tuple[int, ...]
) -> Complaint | str:
    for one in before:
        examiner.target.run(one)
    return judge(document, examiner.target.run(split(document.body, cuts)), examiner.documented)
