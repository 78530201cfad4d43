"""Finds the recording that answers a request without comparing the request with each.

A recording is indexed by the values that the matcher compares. That happens when a search reaches it, in the order of
the cassettes. So an answer at the beginning of a cassette is found without reading the rest.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from pathlib import Path

from ...errors import CassetteError
from ..model import Interaction, Request
from ..reader import Stored
from .matcher import Compared, Matcher, Values

Rank = tuple[int, bool, int]


@dataclass(frozen=True)
class InMemory:
    """An interaction in memory, used like a `Stored` one."""

    request: Request
    interaction: Interaction


@dataclass(eq=False, slots=True)
class Recording:
    """One recording of a session's cassettes.

    Attributes:
        number: its number in the session, from 0.
        path: its cassette.
        place: its number in the cassette, from 1.
        position: the same in words ("interaction 2 of 3").
        plays: how often it was played and not given back.
        used: whether it was ever played.
        compared: its compared values, once it is indexed.
        open: whether it is indexed and may answer other values than its own.
        foreign: whether it is indexed and was recorded by another test than the session's.
    """

    number: int
    path: Path
    place: int
    position: str
    _stored: Stored | InMemory
    _problems: list[CassetteError]
    plays: int = 0
    used: bool = False
    compared: Compared | None = None
    open: bool = False
    foreign: bool = False

    @property
    def rank(self) -> Rank:
        """The smallest plays first: the least played, then the test's own, then the earlier recording."""
        return self.plays, self.foreign, self.number

    @property
    def request(self) -> Request:
        """Its request; a `CassetteFormatError` if the line is wrong, which the session also reports as a problem."""
        try:
            return self._stored.request
        except CassetteError as problem:
            self._note(problem)
            raise

    @property
    def interaction(self) -> Interaction:
        """The recording itself, the same object each time. A `CassetteFormatError` as with `request`."""
        try:
            return self._stored.interaction
        except CassetteError as problem:
            self._note(problem)
            raise

    def _note(self, problem: CassetteError) -> None:
        if str(problem) not in map(str, self._problems):
            self._problems.append(problem)


class Lookup:
    """An index of a session's recordings by their compared values. `test` is the id of the session's test.

    Recordings with equal values share a list. A recording from which a secret was removed may answer other values
    than its own (see `keys.answered`), so it is also listed under None. The matcher decides about each one found.
    """

    def __init__(self, matcher: Matcher, test: str | None) -> None:
        self.recordings: list[Recording] = []
        self._matcher = matcher
        self._test = test
        self._count = 0  # of indexed recordings
        self._filed: dict[Values | None, list[Rank]] = {}  # each list is in order

    def best(self, asked: Compared) -> Recording | None:
        """The recording that answers a request.

        Of several, it is the least played one, then one with exactly the same values, then the one with the smallest
        rank.
        """
        found = min(self._answering(asked), key=lambda recording: self._order(recording, asked), default=None)
        while found is None or found.plays or found.foreign or not _same(found, asked):
            recording = self._file_next()
            if recording is None:
                break
            if self._answers(recording, asked) and (
                found is None or self._order(recording, asked) < self._order(found, asked)
            ):
                found = recording
        return found

    def count(self, asked: Compared) -> int:
        """How many recordings answer a request."""
        while self._file_next() is not None:
            pass
        numbers = {number for key in (asked.values, None) for *_, number in self._filed.get(key, ())}
        return sum(self._answers(self.recordings[number], asked) for number in numbers)

    def set_plays(self, recording: Recording, plays: int) -> None:
        """Set how often an indexed recording was played."""
        before, recording.plays = recording.rank, plays
        for key in self._keys(recording):
            ranks = self._filed[key]
            del ranks[bisect_left(ranks, before)]
            insort(ranks, recording.rank)

    def _order(self, recording: Recording, asked: Compared) -> tuple[int, bool, Rank]:
        return recording.plays, not _same(recording, asked), recording.rank

    def _answering(self, asked: Compared) -> list[Recording]:
        """The first recording that answers, from each list that may have one."""
        found = []
        for key in (asked.values, None):
            for *_, number in self._filed.get(key, ()):
                if self._answers(self.recordings[number], asked):
                    found.append(self.recordings[number])
                    break
        return found

    def _answers(self, recording: Recording, asked: Compared) -> bool:
        if recording.compared is None or not (recording.open or _same(recording, asked)):
            return False
        return self._matcher.agree(recording.compared, asked)

    def _file_next(self) -> Recording | None:
        """Index the next recording. Returns it, or None if all are indexed."""
        if self._count == len(self.recordings):
            return None
        recording = self.recordings[self._count]
        request = recording.request
        recording.compared = self._matcher.compared(request)
        recording.open = self._matcher.is_open(recording.compared)
        recording.foreign = self._test is not None and request.test != self._test
        for key in self._keys(recording):
            insort(self._filed.setdefault(key, []), recording.rank)
        self._count += 1
        return recording

    def _keys(self, recording: Recording) -> tuple[Values | None, ...]:
        assert recording.compared is not None  # it is indexed
        values = recording.compared.values
        return (values, None) if recording.open else (values,)


def _same(recording: Recording, asked: Compared) -> bool:
    return recording.compared is not None and recording.compared.values == asked.values
