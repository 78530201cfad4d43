"""The recordings of a session's cassettes, and which of them were played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import CassetteError
from ...provider import Provider
from ...shipped import shipped
from ..files import open_cassette
from ..model import Interaction, Request
from ..reader import Stored
from .differences import Difference
from .lookup import InMemory, Lookup, Recording
from .matcher import Matcher, lines, nearest


@dataclass(frozen=True)
class Nearest:
    """The recording nearest to a request.

    Attributes:
        words: a description of the recording and its differences.
        differences: its differences, one line each.
        replaced: whether the mode "rewrite" replaces it, if the request has changed since it was recorded.
    """

    words: str
    differences: tuple[Difference, ...] = ()
    replaced: bool = False


class Pool:
    """Recordings in order. Each is played once; with `repeat`, they start again when all equal ones were played.

    Of equal ones, those that `test` itself has recorded come first. `provider` reads all of them.

    Attributes:
        paths: the cassettes.
        problems: the recordings that could not be read when they were needed. Each of these errors was also raised.
    """

    def __init__(
        self, matcher: Matcher, *, repeat: bool = False, test: str | None = None, provider: Provider | None = None
    ) -> None:
        self.problems: list[CassetteError] = []
        self._matcher = matcher
        self._provider = provider or shipped()
        self._test = test
        self._repeat = repeat
        self._lookup = Lookup(matcher, test)
        self.paths: list[Path] = []

    @property
    def loaded(self) -> bool:
        """Whether there is any cassette, even an empty one."""
        return bool(self.paths)

    def load(self, path: Path, *, check: bool = False) -> None:
        """Add a cassette's recordings; see `open_cassette` for which errors are found now, and which later."""
        self._add(path, open_cassette(path, provider=self._provider, check=check))

    def load_interactions(self, path: Path, interactions: Sequence[Interaction]) -> None:
        """Add recordings in memory as if they were in a cassette."""
        self._add(path, [InMemory(one.request.of(self._provider), one) for one in interactions])

    def _add(self, path: Path, found: Sequence[Stored | InMemory]) -> None:
        self.paths.append(path)
        recordings = self._lookup.recordings
        recordings += [
            Recording(number, path, nth, f"interaction {nth} of {len(found)}", stored, self.problems)
            for nth, (number, stored) in enumerate(enumerate(found, len(recordings)), 1)
        ]

    @property
    def requests(self) -> list[Request]:
        """The requests of all recordings."""
        return [recording.request for recording in self._lookup.recordings]

    def answers(self, asked: Request) -> bool:
        """Whether any recording, played or not, answers a request."""
        return self._lookup.best(self._matcher.compared(asked.of(self._provider))) is not None

    def take(self, asked: Request) -> Recording | None:
        """Take the next recording that answers a request, if there is one.

        Raises:
            CassetteFormatError: a recording that might answer it cannot be read.
            HookError: a function of the matcher's failed.
        """
        best = self._lookup.best(self._matcher.compared(asked.of(self._provider)))
        if best is None or (best.plays and not self._repeat):
            return None
        if not best.used:
            _ = best.interaction  # a recording that cannot be read is not played
        self._lookup.set_plays(best, best.plays + 1)
        best.used = True
        return best

    def played_elsewhere(self, number: int) -> Interaction:
        """A forked child has answered with the recording of this number."""
        recording = self._lookup.recordings[number]
        recording.used = True
        return recording.interaction

    def give_back(self, recording: Recording) -> None:
        """Let a recording that `take` returned answer the next equal request as well."""
        self._lookup.set_plays(recording, recording.plays - 1)

    @property
    def unused(self) -> list[Recording]:
        """Recordings that nothing asked for."""
        return [recording for recording in self._lookup.recordings if not recording.used]

    def is_of_another_test(self, recording: Recording) -> bool:
        """Whether another test than the session's has recorded it."""
        try:
            made_by = recording.request.test
        except CassetteError:
            return False
        return made_by is not None and self._test is not None and made_by != self._test

    def nearest(self, asked: Request) -> Nearest:
        """The recording nearest to a request that nothing answers."""
        asked = asked.of(self._provider)
        where = ", ".join(map(str, self.paths))
        if not self._lookup.recordings:
            return Nearest(f"{where} holds no interaction.")
        compared = self._matcher.compared(asked)
        if same := self._lookup.count(compared):
            times = f"{same} recording{'s' if same > 1 else ''}"
            return Nearest(f"{where} has {times} of it, already played.")
        own = [
            recording
            for recording in self._lookup.recordings
            if self._test is not None and not recording.plays and not recording.foreign
        ]
        recordings = own or self._lookup.recordings
        found = nearest(self._matcher, compared, [one.compared for one in recordings if one.compared is not None])
        assert found is not None  # there are recordings, and counting has indexed them all
        index, differences = found
        near = recordings[index]
        played = " (played already)" if near.plays and not self._repeat else ""
        words = [
            f"Nearest in {near.path}: {near.position}{played}; it differs in:",
            *(f"  - {line}" for line in lines(differences)),
        ]
        changed = self._test is None and any(difference.words for difference in differences)
        return Nearest("\n".join(words), tuple(differences), replaced=bool(own) or changed)
