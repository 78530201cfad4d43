"""The page of ``--gemini-report``: what the tests of a run replayed, recorded and missed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import CassetteError, GeminiReplayError, MissError, RefusedError
from ..report.html import data
from ..report.html.page import page, write
from ..session import Session

_NOTHING = "The tests of this run replayed, recorded and missed nothing: no request met a cassette."


def part_of(session: Session, *, passed: bool, kept: bool, problems: Sequence[GeminiReplayError]) -> str:
    """What one session adds to the page, as JSON in ASCII, so that workers can send it.

    Args:
        session: the session, closed.
        passed: whether the test passed that had it.
        kept: whether its recording was kept.
        problems: what it has to report.
    """
    about = [
        ("cassette", str(session.path)),
        ("record mode", session.mode),
        ("outcome", "passed" if passed else "did not pass"),
        *(("fault", str(fault)) for fault in session.faults),
    ]
    return json.dumps(data.group(str(session.test), list(_entries(session, kept, problems)), about=about))


def write_page(path: Path, parts: Iterable[str]) -> None:
    """Write the page; tests with a problem stand first.

    Raises:
        UsageError: the file cannot be written.
    """
    groups: list[dict[str, Any]] = [json.loads(part) for part in parts]
    groups.sort(key=lambda group: not any("problem" in entry for entry in group["entries"]))
    write(path, page("Tests with Gemini cassettes", groups, nothing=_NOTHING))


def _entries(session: Session, kept: bool, problems: Sequence[GeminiReplayError]) -> Iterator[data.Json]:
    for problem in {str(problem): problem for problem in problems}.values():
        use = (
            "missed"
            if isinstance(problem, MissError)
            else "refused"
            if isinstance(problem, RefusedError)
            else "failed"
        )
        yield data.problem_entry(problem, use)
    for interaction in session.played:
        yield data.interaction_entry(interaction, "replayed")
    use = ("recorded" if kept else "not kept") if session.keeps else "compared"
    try:
        for interaction in session.recorded:
            yield data.interaction_entry(interaction, use)
    except CassetteError as error:  # another test has recorded to the same cassette meanwhile
        yield data.problem_entry(error, "cannot be read")
