"""The summary of a run: what its tests replayed and recorded, and what needs saying."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any


class Summary:
    """What the sessions of a run came to."""

    def __init__(self) -> None:
        self._replayed = self._recorded = 0
        self._model = self._wall = 0.0
        self._unused: dict[str, list[str]] = {}  # of each cassette, what none of its tests asked for
        self._problems: list[str] = []
        self._discarded: list[tuple[Path, str, str, bool, str]] = []
        self._silent: list[str] = []
        self._passed_through: Counter[str] = Counter()
        self._removed: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()  # of what was removed, that from answers' own texts

    def add(self, share: dict[str, Any]) -> None:
        """Add the share of one test, see `Attempt.share`."""
        self._replayed += share["replayed"]
        self._recorded += share["recorded"]
        self._model += share["model"]
        self._wall += share["wall"]
        self._problems += share["problems"]
        self._passed_through.update(share["passed_through"])
        for place, kind, count, in_answer in share["removals"]:
            where = "answers" if in_answer else place
            (self._changed if in_answer else self._removed)[f"{kind} in {where}"] += count
        if share["silent"]:
            self._silent.append(share["test"])
        path = share["path"]
        # A test that did not pass may not have come to its requests.
        unused = share["unused"] if share["passed"] else []
        others = self._unused.get(path, unused)
        self._unused[path] = [described for described in unused if described in others]
        if share["discarded"] is not None:
            self._discarded.append((Path(path), *share["discarded"]))

    def add_unfinished(self, test: str, path: Path) -> None:
        """Add a test that has recorded and did not end: its process crashed, or the run was interrupted."""
        if _journals(path, test):
            self._discarded.append((path, test, "did not end", path.exists(), ""))

    def lines(self, *, list_unused: bool, list_problems: bool) -> list[str]:
        """One line, and more only where something needs saying; none where no session did anything."""
        unused = [f"{path}: {described}" for path, left in self._unused.items() for described in left]
        problems = self._problems if list_problems else []
        if not (self._replayed or self._recorded or unused or self._discarded or problems or self._silent):
            return []
        line = f"{self._replayed} replayed, {self._recorded} recorded, {len(unused)} unused"
        if self._replayed:
            line += f"; {self._model:.1f} s of model time in {self._wall:.1f} s"
        return [
            line,
            *problems,
            *(f"called in this process: {where} ({count} times)" for where, count in self._passed_through.items()),
            *_taken_out("redacted", self._removed),
            *_taken_out("CHANGED IN THE ANSWERS THEMSELVES, so that replay differs: redacted", self._changed),
            *_without_requests(self._silent, whole=list_unused),
            *(f"not recorded: {_not_recorded(*discarded)}" for discarded in self._discarded),
            *(f"unused: {text}" for text in unused if list_unused),
        ]


def _taken_out(what: str, removals: Counter[str]) -> list[str]:
    """What was taken out of the recordings of the run, by kind and place."""
    if not removals:
        return []
    return [f"{what}: " + ", ".join(f"{text} ({count})" for text, count in sorted(removals.items()))]


def _without_requests(tests: list[str], *, whole: bool) -> list[str]:
    """Tests that opened a session and made no request that was seen: their clients may bypass every transport."""
    if not tests:
        return []
    shown = tests if whole else tests[:5]
    more = f" and {len(tests) - len(shown)} more" if len(tests) > len(shown) else ""
    return [f"asked for a cassette and made no request that gemini-replay saw: {', '.join(shown)}{more}"]


def _not_recorded(path: Path, test: str, why: str, exists: bool, hint: str) -> str:
    state = "is as it was" if exists else "was not made"
    journals = ", ".join(_journals(path, test))
    left = f"what was recorded is in {journals}" if journals else "nothing was kept"
    return f"{test} {why}, so {path} {state}; {left}" + (f"\n  {hint}" if hint else "")


def _journals(path: Path, test: str) -> list[str]:
    """The names of the journals that a test has left beside a cassette."""
    from ..cassette.format_v1 import Header, decode_line
    from ..cassette.journal.file import is_left_of
    from ..errors import CassetteFormatError

    found = []
    with suppress(OSError):
        for entry in sorted(path.parent.iterdir()):
            if is_left_of(entry.name, path.name):
                with suppress(OSError, CassetteFormatError), entry.open("rb") as file:
                    header = decode_line(file.readline(65536))
                    if isinstance(header, Header) and header.test == test:
                        found.append(entry.name)
    return found
