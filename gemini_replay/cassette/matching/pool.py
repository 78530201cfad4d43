"""The recordings that a session plays from: one cassette's, or several, and which of them were played."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...provider import Provider
from ..files import CassetteFile
from ..model import Interaction, Request
from .matcher import Matcher, nearest


@dataclass(eq=False)
class _Entry:
    interaction: Interaction
    path: Path
    place: str
    plays: int = 0
    asked: bool = False


@dataclass(frozen=True)
class Nearest:
    """The recording that is nearest to a request, how it differs, and whether the asking test recorded it."""

    words: str
    differences: tuple[str, ...] = ()
    own: bool = False


class Pool:
    """Recordings in order. Each is played once; with `repeat`, they start again when all equal ones were played.

    Of equal ones, those that `test` itself has recorded come first. All are read as `provider` reads them.
    """

    def __init__(
        self, matcher: Matcher, *, repeat: bool = False, test: str | None = None, provider: Provider | None = None
    ) -> None:
        self._matcher = matcher
        self._provider = provider
        self._test = test
        self._repeat = repeat
        self._entries: list[_Entry] = []
        self._paths: list[Path] = []

    @property
    def loaded(self) -> bool:
        """Whether there is any cassette, even an empty one."""
        return bool(self._paths)

    def load(self, path: Path) -> None:
        """Add a cassette's recordings."""
        found = CassetteFile.load(path, provider=self._provider).interactions
        self._paths.append(path)
        self._entries += [
            _Entry(interaction, path, f"interaction {number} of {len(found)}")
            for number, interaction in enumerate(found, 1)
        ]

    @property
    def requests(self) -> list[Request]:
        """The requests of all recordings."""
        return [entry.interaction.request for entry in self._entries]

    def answers(self, asked: Request) -> bool:
        """Whether any recording answers a request, played already or not."""
        return any(self._matcher.matches(entry.interaction.request, asked) for entry in self._entries)

    def take(self, asked: Request) -> tuple[int, Interaction] | None:
        """The recording that answers a request next, with its number in the pool; or None."""
        best: _Entry | None = None
        for entry in self._entries:
            if (entry.plays and not self._repeat) or not self._matcher.matches(entry.interaction.request, asked):
                continue
            if best is None or self._rank(entry) < self._rank(best):
                best = entry
                if not self._repeat and not self._rank(entry)[1]:
                    break
        if best is None:
            return None
        best.plays += 1
        best.asked = True
        return self._entries.index(best), best.interaction

    def _rank(self, entry: _Entry) -> tuple[int, bool]:
        return entry.plays, self._test is not None and entry.interaction.request.test != self._test

    def played_elsewhere(self, number: int) -> Interaction:
        """A forked child has played the recording of this number."""
        entry = self._entries[number]
        entry.asked = True
        return entry.interaction

    def give_back(self, interaction: Interaction) -> None:
        """Let a recording that `take` returned answer the next equal request as well."""
        for entry in self._entries:
            if entry.interaction is interaction:
                entry.plays -= 1

    @property
    def unused(self) -> list[tuple[str, Interaction]]:
        """Recordings that nothing asked for, each with its place ("interaction 2 of 3")."""
        return [(entry.place, entry.interaction) for entry in self._entries if not entry.asked]

    def nearest(self, asked: Request) -> Nearest:
        """The recording that is nearest to a request that nothing answers."""
        where = ", ".join(map(str, self._paths))
        if not self._entries:
            return Nearest(f"{where} holds no interaction.")
        same = sum(self._matcher.matches(entry.interaction.request, asked) for entry in self._entries)
        if same:
            times = f"{same} recording{'s' if same > 1 else ''}"
            return Nearest(f"{where} has {times} of it, already played.")
        own = [
            entry
            for entry in self._entries
            if self._test is not None and not entry.plays and entry.interaction.request.test == self._test
        ]
        entries = own or self._entries
        found = nearest(self._matcher, asked, [entry.interaction.request for entry in entries])
        assert found is not None  # there are recordings
        index, differences = found
        entry = entries[index]
        played = " (played already)" if entry.plays and not self._repeat else ""
        lines = [
            f"Nearest in {entry.path}: {entry.place}{played}; it differs in:",
            *(f"  - {line}" for line in differences),
        ]
        return Nearest("\n".join(lines), tuple(differences), own=bool(own))
