"""The summary of a run: what its tests replayed and recorded, and what needs saying."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..errors import GeminiReplayError
    from ..session import Session
    from .configuration import Configuration

_TELLING = 5.0
"""Seconds of waiting in a run from which on the summary says how to avoid it."""
_SHOWN = 5
"""The most tests that one line names."""


def share_of(
    session: Session,
    configuration: Configuration,
    *,
    wall: float,
    passed: bool,
    kept: bool,
    problems: Sequence[GeminiReplayError],
    served: bool,
    wide: bool = False,
) -> dict[str, Any]:
    """What one session adds to the summary, of types that JSON has, so that workers can send it.

    Args:
        session: the session, closed.
        configuration: what held for it.
        wall: the seconds that it was open for.
        passed: whether the test passed that had it.
        kept: whether its recording was kept.
        problems: what it has to report.
        served: whether a server answered from it, whose clients' time cannot be virtual.
        wide: whether it is of wider scope than a test, so that it may be for tests that another worker runs.
    """
    report = None
    if configuration.reported:
        from .reporting import part_of

        report = part_of(session, passed=passed, kept=kept, problems=problems)
    live = session.mode == "live"
    answered = session.played or session.applied  # a fault may leave no connection to play on
    asked = answered or session.recorded_count or session.left_out or session.passed_through or live
    model_time = session.model_time
    waited = 0.0 if session.virtual else min(wall, model_time / session.speed)
    return {
        "path": str(session.path),
        "test": str(session.test),
        "silent": passed and not asked and not wide,
        "passed": passed,
        "replayed": len(session.played),
        "recorded": session.recorded_count if kept and session.keeps else 0,
        "verified": 0 if session.keeps else session.recorded_count,
        "drifted": bool(session.drift),
        "left_out": session.left_out if kept and session.keeps else 0,
        "live": live and not wide,
        "model": model_time,
        "waited": waited,
        "real_time": served,
        "unused": {str(path): list(lines.items()) for path, lines in session.unused_descriptions().items()},
        "problems": [f"{session.test}: {what}" for what in dict.fromkeys(map(_in_a_line, problems))],
        "discarded": None,
        "passed_through": dict(Counter(session.passed_through)) if session.passed_through else {},
        "removals": [[one.place, one.kind, one.count, one.in_answer] for one in session.removals if session.keeps],
        "configuration": configuration.lines(),
        "ci_mode": configuration.ci_mode,
        "report": report,
    }


class Summary:
    """Adds up what the sessions of a run did.

    Attributes:
        report: what each adds to the page of the run, see `reporting.part_of`; empty where no page is wanted.
    """

    def __init__(self) -> None:
        self._replayed = self._recorded = self._left_out = self._live = 0
        self._verified = self._drifted = 0
        self._model = 0.0
        self._nothing_stored: list[str] = []  # tests of which before_record left everything out
        self._unused: dict[str, dict[int, str]] = {}  # of each cassette, what none of its tests asked for
        self._problems: list[str] = []
        self._discarded: list[tuple[Path, str, str, bool, str]] = []
        self._silent: list[str] = []
        self._passed_through: Counter[str] = Counter()
        self._removed: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()  # what was redacted in the answers' own texts
        self._waited = 0.0
        self._waited_in_real_time = 0.0  # by tests that cannot have virtual time
        self._in_real_time: list[str] = []
        self._configurations: dict[str, list[str]] = {}
        self._ci_modes: Counter[str] = Counter()  # record modes that were not followed
        self.report: list[str] = []

    def add(self, share: dict[str, Any]) -> None:
        """Add the share of one test, see `Attempt.share`."""
        self._replayed += share["replayed"]
        self._recorded += share["recorded"]
        self._model += share["model"]
        self._verified += share["verified"]
        self._drifted += share["drifted"]
        self._left_out += share["left_out"]
        if share["left_out"] and not share["recorded"]:
            self._nothing_stored.append(share["test"])
        self._live += share["live"]
        self._problems += share["problems"]
        if share["passed_through"]:
            self._passed_through.update(share["passed_through"])
        for place, kind, count, in_answer in share["removals"]:
            where = "answers" if in_answer else place
            (self._changed if in_answer else self._removed)[f"{kind} in {where}"] += count
        self._waited += share["waited"]
        if share["waited"] and share["real_time"]:
            self._waited_in_real_time += share["waited"]
            self._in_real_time.append(share["test"])
        self._configurations[share["test"]] = share["configuration"]
        if share["ci_mode"]:
            self._ci_modes[share["ci_mode"]] += 1
        if share["report"] is not None:
            self.report.append(share["report"])
        if share["silent"]:
            self._silent.append(share["test"])
        path = share["path"]
        # A test that did not pass may have stopped before its requests.
        for cassette, described in share["unused"].items():
            unused = dict(described) if share["passed"] else {}
            others = self._unused.get(cassette, unused)
            self._unused[cassette] = {number: line for number, line in unused.items() if number in others}
        if share["recorded"] or share["discarded"] is not None:  # the test may have been run again
            self._discarded = [one for one in self._discarded if one[:2] != (Path(path), share["test"])]
        if share["discarded"] is not None:
            self._discarded.append((Path(path), *share["discarded"]))

    def add_unfinished(self, test: str, path: Path) -> None:
        """Add a test that has recorded and did not end: its process crashed, or the run was interrupted."""
        if _journals(path, test):
            self._discarded.append((path, test, "did not end", path.exists(), ""))

    @property
    def unused(self) -> dict[str, dict[int, str]]:
        """Of each cassette in use, the recordings that no test asked for, by their numbers from 1."""
        return self._unused

    @property
    def doubts(self) -> list[str]:
        """Why the sessions of the run do not show which recordings are used."""
        return [
            *(["recordings were made"] if self._recorded or self._discarded else []),
            *(["tests ran live"] if self._live else []),
        ]

    def lines(self, *, list_silent: bool, list_problems: bool, show_config: bool) -> list[str]:
        """A line of counts, and lines for what needs saying; no line if no session did anything."""
        unused = sum(map(len, self._unused.values()))
        problems = self._problems if list_problems else []
        configured = self._configured() if show_config else []
        if not (
            self._replayed
            or self._recorded
            or self._left_out
            or self._live
            or self._verified
            or self._discarded
            or self._silent
            or self._ci_modes
            or unused
            or problems
            or configured
        ):
            return []
        line = f"{self._replayed} replayed, {self._recorded} recorded, {unused} unused"
        if self._replayed:
            line += f"; {self._model:.1f} s of model time"
        return [
            line,
            *([f"live, without cassettes: {self._live} tests (record mode 'live')"] if self._live else []),
            *([self._verification()] if self._verified else []),
            *([f"left out by before_record: {self._left_out} recordings"] if self._left_out else []),
            *_naming("before_record left everything out, so the cassette stays as it is", self._nothing_stored),
            *self._cost(),
            *(
                f"not followed: the record mode {mode!r} (tests: {count}), since the environment variable CI is set; "
                f"to follow it, say --gemini-record {mode}"
                for mode, count in self._ci_modes.items()
            ),
            *problems,
            *(f"called in this process: {where} ({count} times)" for where, count in self._passed_through.items()),
            *_removals("redacted", self._removed),
            *_removals("CHANGED IN THE ANSWERS THEMSELVES, so that replay differs: redacted", self._changed),
            # Their clients may bypass every transport.
            *_naming(
                "asked for a cassette and made no request that gemini-replay saw", self._silent, whole=list_silent
            ),
            *(f"not recorded: {_not_recorded(*discarded)}" for discarded in self._discarded),
            *configured,
        ]

    def _verification(self) -> str:
        compared = f"compared with live answers: {self._verified} (record mode 'verify')"
        return f"{compared}; tests with drift: {self._drifted}" if self._drifted else f"{compared}; no drift"

    def _cost(self) -> list[str]:
        """What the recorded rhythm cost, where that is much, and how to avoid it."""
        if self._waited < _TELLING:
            return []
        setting = "virtual or instant" if self._waited > self._waited_in_real_time else "instant"
        lines = [
            f"{self._waited:.1f} s of waiting in the recorded rhythm; with gemini_speed = {setting}, there is none"
        ]
        if self._in_real_time:
            shown = ", ".join(self._in_real_time[:_SHOWN])
            more = f" and {len(self._in_real_time) - _SHOWN} more" if len(self._in_real_time) > _SHOWN else ""
            lines.append(
                f"{self._waited_in_real_time:.1f} s of that by tests with gemini_server, whose clients cannot have "
                f'virtual time; they can have speed="instant": {shown}{more}'
            )
        return lines

    def _configured(self) -> list[str]:
        found = []
        for test, lines in self._configurations.items():
            found += [f"settings of {test}:", *(f"  {line}" for line in lines or ["only defaults"])]
        return found


def _in_a_line(problem: GeminiReplayError) -> str:
    """What happened; of a miss also where it differs first, which tells it from others."""
    differences = getattr(problem, "differences", ())
    return problem.message + (f" It differs in {differences[0].strip()}" if differences else "")


def _removals(what: str, removals: Counter[str]) -> list[str]:
    """What was redacted in the recordings of the run, by kind and place."""
    if not removals:
        return []
    return [f"{what}: " + ", ".join(f"{text} ({count})" for text, count in sorted(removals.items()))]


def _naming(what: str, tests: list[str], *, whole: bool = False) -> list[str]:
    """A line that names tests, the first ones or the `whole` list; none if there are no tests."""
    if not tests:
        return []
    shown = tests if whole else tests[:_SHOWN]
    more = f" and {len(tests) - len(shown)} more" if len(tests) > len(shown) else ""
    return [f"{what}: {', '.join(shown)}{more}"]


def _not_recorded(path: Path, test: str, why: str, exists: bool, hint: str) -> str:
    state = "has not changed" if exists else "was not made"
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
