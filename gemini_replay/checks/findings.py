"""What a check can find, each kind with a slug that does not change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import CassetteError

Severity = Literal["error", "warning"]


class Kind(NamedTuple):
    """A kind of finding.

    Attributes:
        severity: "error" for what must be put right, "warning" for what may be meant so.
        hint: what to do about it.
    """

    severity: Severity
    hint: str


KINDS = {
    "secret": Kind("error", "Record it again or remove the secrets by hand, and revoke the keys that it contained."),
    "unreadable-body": Kind(
        "error", "See the body with: gemini-replay show --chunks. If it is not meant so, record it again."
    ),
    "too-old": Kind("error", "Record it again with: pytest --gemini-record rewrite"),
    "skipped-frames": Kind(
        "warning", "See which with: gemini-replay show --events. If they are not meant so, record it again."
    ),
    "no-finish-reason": Kind("warning", "If the test is not about an answer that is cut off, record it again."),
    "salvaged-answer": Kind("warning", "If the test is not about an answer that is cut off, record it again."),
    "no-interactions": Kind("warning", "It answers no request. Record it again, or delete it."),
    "recorded-error": Kind("warning", "If the test is not about this error, record it again."),
    "retired-model": Kind("warning", "Change the model in the code, and record it again."),
    "future-date": Kind("warning", "Its age is unknown. Correct the clock, and record it again."),
    "no-date": Kind("warning", "Its age is unknown. A cassette that is recorded again has a date."),
}
"""By slug. What keeps a file from being read has the slug and the hint of its error."""


@dataclass(frozen=True)
class Finding:
    """Something that a check has found.

    Attributes:
        path: the cassette.
        line: the line of the file, from 1; None for the file as a whole.
        interaction: the number of the interaction, from 1; None for the file as a whole.
        slug: the kind; ``gemini-replay explain SLUG`` says more.
        severity: "error" or "warning".
        message: what is wrong.
        hint: what to do about it.
    """

    path: Path
    line: int | None
    interaction: int | None
    slug: str
    severity: Severity
    message: str
    hint: str

    @classmethod
    def of(cls, slug: str, message: str, path: Path, line: int | None, interaction: int | None = None) -> Finding:
        """One of a kind."""
        severity, hint = KINDS[slug]
        return cls(path, line, interaction, slug, severity, message, hint)

    @classmethod
    def of_error(cls, error: CassetteError, path: Path, interaction: int | None = None) -> Finding:
        """A file that cannot be read, or a line of it."""
        place = f"{error.path}: " if error.line is None else f"{error.path}:{error.line}: "
        hint = "\n".join(filter(None, (error.suggestion, error.hint)))
        return cls(path, error.line, interaction, error.slug, "error", error.message.removeprefix(place), hint)
