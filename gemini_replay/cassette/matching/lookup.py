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
        rank: the smallest plays first: the least played, then the test's own, then the earlier recording.
        lists: those of the index that its rank is in.
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
    rank: Rank = (0, False, 0)
    lists: tuple[list[Rank], ...] = ()

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
        self._filed: dict[Values | None, list[Rank]] = {None: []}  # each list is in order

    def best(self, asked: Compared) -> Recording | None:
        """The recording that answers a request.

        Of several, it is the least played one, then one with exactly the same values, then the one with the smallest
        rank.
        """
        found: Recording | None = None
        for ranks in (self._filed.get(asked.values, ()), self._filed[None]):
            for *_, number in ranks:
                recording = self.recordings[number]
                if self._answers(recording, asked):
                    found = recording if found is None else self._better(found, recording, asked)
                    break
        while self._count < len(self.recordings) and (
            found is None or found.plays or found.foreign or not _same(found, asked)
        ):
            recording = self._file_next()
            if self._answers(recording, asked):
                found = recording if found is None else self._better(found, recording, asked)
        return found

    def count(self, asked: Compared) -> int:
        """How many recordings answer a request."""
        while self._count < len(self.recordings):
            self._file_next()
        numbers = {number for key in (asked.values, None) for *_, number in self._filed.get(key, ())}
        return sum(self._answers(self.recordings[number], asked) for number in numbers)

    def set_plays(self, recording: Recording, plays: int) -> None:
        """Set how often an indexed recording was played."""
        recording.plays = plays
        before, recording.rank = recording.rank, (plays, recording.foreign, recording.number)
        for ranks in recording.lists:
            del ranks[bisect_left(ranks, before)]
            insort(ranks, recording.rank)

    def _better(self, one: Recording, other: Recording, asked: Compared) -> Recording:
        """The one of two recordings that answers a request."""
        return min(one, other, key=lambda each: (each.plays, not _same(each, asked), each.rank))

    def _answers(self, recording: Recording, asked: Compared) -> bool:
        compared = recording.compared
        if compared is None or not (recording.open or compared.values == asked.values):
            return False
        return self._matcher.agree(compared, asked)

    def _file_next(self) -> Recording:
        """Index the next recording, and return it."""
        recording = self.recordings[self._count]
        request = recording.request
        recording.compared = self._matcher.compared(request)
        recording.open = self._matcher.is_open(recording.compared)
        recording.foreign = self._test is not None and request.test != self._test
        recording.rank = recording.plays, recording.foreign, recording.number
        equal = self._filed.setdefault(recording.compared.values, [])
        recording.lists = (equal, self._filed[None]) if recording.open else (equal,)
        for ranks in recording.lists:
            insort(ranks, recording.rank)
        self._count += 1
        return recording


def _same(recording: Recording, asked: Compared) -> bool:
    return recording.compared is not None and recording.compared.values == asked.values
