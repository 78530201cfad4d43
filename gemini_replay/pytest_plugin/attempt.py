"""One run of one test with a session: what counts as passed, and what its reports say of the session's problems."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..clocks import now
from ..errors import FaultUnusedError, GeminiReplayError, RecordingError, UnusedRecordingsError
from ..transports.session_end import close
from .other_tools import advice
from .summary import share_of

if TYPE_CHECKING:
    from ..session import Session
    from .configuration import Configuration

_numbers = count()
_COUNT = "This happened "


class Attempt:
    """One run of one test with a session, from the moment at which the session opens to the end of the teardown.

    A test has passed, so that its cassette is made from what it recorded, if all of this holds:

    - Its setup, its call and its whole teardown passed, those of all its other fixtures included.
    - Its session has no problem: no request was refused, every fault was applied, the recording did not fail, and
      every recording was used if it must be.
    - The call passed, or failed as `xfail` expects. An expected failure is about what the model answered, and the
      recording holds just that; but not if the upstream refused the key, which no test expects.

    A test that is skipped after its session opened, an unexpected pass under a strict `xfail`, and a test that the
    run's end interrupts have not passed. Their cassettes stay as they are.

    A problem is reported once: by the phase in which it came up or, if that phase passed, by the next one that fails.
    It fails the test: a refused request never counts as the failure that `xfail` expects or as a reason to skip.

    Args:
        session: the test's session.
        notes: a folder with a file for each attempt that has not ended; None: nothing is recorded.
        configuration: what holds for the test.
        served: whether a server answers from the session.

    Attributes:
        wall: the seconds that the test had its session for.
        share: what the attempt adds to the run's summary, of types that JSON has; None until it ends.
    """

    def __init__(
        self, session: Session, notes: Path | None, configuration: Configuration, *, served: bool = False
    ) -> None:
        self.session = session
        self._served = served
        self._configuration = configuration
        self.wall = 0.0
        self._opened = now()
        self.share: dict[str, Any] | None = None
        self._failed = False
        self._call = "not run"
        self._reported: set[str] = set()
        self._note = None if notes is None else notes / f"open-{os.getpid()}-{next(_numbers)}.json"
        if self._note is not None:
            with suppress(OSError):
                self._note.write_text(json.dumps({"test": session.test, "path": str(session.path)}), encoding="utf-8")

    def let_go(self) -> None:
        """The fixture that opened the session ends: the test has it no longer."""
        self.wall = now() - self._opened

    def end(self, *, torn_down: bool, interrupted: bool = False) -> list[str]:
        """Close the session, with its recording kept if the test has passed; returns what is to fail the teardown.

        If the run's end interrupts the test, its note stays.
        """
        session = self.session
        passed = torn_down and not self._failed and self._call in {"passed", "failed as expected"}
        denied = self._call == "failed as expected" and bool(session.hint)
        close(session, keep=passed and not denied and not session.problems)
        faults, unused = self._call != "skipped", passed and self._call == "passed"
        problems = self._problems(faults=faults, unused=unused)
        failed = any(isinstance(problem, RecordingError) for problem in problems)
        kept = passed and not denied and not problems
        self.share = share_of(
            session,
            self._configuration,
            wall=self.wall,
            passed=passed and not problems,
            kept=kept,
            problems=problems,
            served=self._served,
        )
        if interrupted:
            return []
        if (session.keeps and session.recorded_count and not kept) or failed:
            self.share["discarded"] = [str(session.test), self._why(failed), session.path.exists(), session.hint]
        if self._note is not None:
            with suppress(OSError):
                self._note.unlink()
        return self.unreported(faults=faults, unused=unused)

    def _why(self, failed: bool) -> str:
        if failed:
            return "could not be recorded"
        return "was skipped" if self._call == "skipped" and not self._failed else "did not pass"

    # -- reports ---------------------------------------------------------------------------------------------------

    def unreported(self, *, faults: bool, unused: bool = False) -> list[str]:
        """The session's problems that no report has yet, each once.

        Unapplied faults and unused recordings count if the arguments say so.
        """
        problems = self._problems(faults=faults, unused=unused)
        if not problems:
            return []
        counts = Counter(map(str, problems))
        return [
            text if times == 1 else f"{text}\n{_COUNT}{times} times."
            for text, times in counts.items()
            if text not in self._reported
        ]

    def _problems(self, *, faults: bool, unused: bool) -> list[GeminiReplayError]:
        left = (*(() if faults else (FaultUnusedError,)), *(() if unused else (UnusedRecordingsError,)))
        return [problem for problem in self.session.problems if not isinstance(problem, left)]

    def read(self, report: pytest.TestReport, raised: BaseException | None) -> None:
        """Learn from a phase's report how it went, and add what is new to it; `raised` ended the phase."""
        if report.skipped and self.unreported(faults=False):
            _fail_instead(report)
        if report.failed:
            told = advice(raised, self.session)
            _add(report, [*self.unreported(faults=True), *([told] if told else [])])
            self._reported.update(map(str, self.session.problems))
            self._failed = True
        if report.when == "call":
            expected = report.skipped and hasattr(report, "wasxfail")
            self._call = "failed as expected" if expected else report.outcome
        elif report.when == "setup" and report.skipped:
            self._call = "skipped"


def _fail_instead(report: pytest.TestReport) -> None:
    """Make a failure of a skip or of a failure that was expected."""
    report.outcome = "failed"
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    if isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        report.longrepr = f"{path}:{line}: {reason}"


def _add(report: pytest.TestReport, problems: list[str]) -> None:
    """Add to a failed report what it does not say already; it stays there on the way to pytest-xdist's controller."""
    shown = report.longreprtext
    missing = "\n\n".join(
        text for text in problems if not all(line in shown or line.startswith(_COUNT) for line in text.splitlines())
    )
    if not missing:
        return
    longrepr: Any = report.longrepr
    if isinstance(longrepr, str):
        report.longrepr = f"{longrepr}\n\n{missing}"
    elif hasattr(longrepr, "addsection"):
        longrepr.addsection("gemini-replay", missing)
    else:
        report.sections.append(("gemini-replay", missing))
