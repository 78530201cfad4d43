"""Checks one cassette file. What is wrong in one place hides nothing in another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .. import clocks
from ..cassette.files import open_whole, salvage
from ..cassette.model import Interaction
from ..cassette.redaction import Redactor
from ..cassette.redaction.scanning import Detect, scan
from ..errors import CassetteError, CassetteFormatError
from .answers import answer_faults
from .findings import Finding
from .retired import RetiredModels


@dataclass
class CassetteCheck:
    """What to look for.

    Attributes:
        max_age: the greatest age of a cassette; None for any.
        retired: the models that are no longer served.
        redactor: what knows secrets.
        detect: a second search for secrets, such as `redaction.scanning.detect_secrets()`.
        now: the present moment.
    """

    max_age: timedelta | None = None
    retired: RetiredModels = field(default_factory=RetiredModels)
    redactor: Redactor = field(default_factory=Redactor)
    detect: Detect | None = None
    now: datetime = field(default_factory=lambda: datetime.fromisoformat(clocks.timestamp()))

    def findings(self, path: Path) -> list[Finding]:
        """What is wrong with a cassette file, in the order of its lines; also if it cannot be read."""
        return sorted(self._found(path), key=lambda one: one.line or 0)

    def _found(self, path: Path) -> Iterator[Finding]:
        try:
            opened = open_whole(path)
        except CassetteError as error:
            yield Finding.of_error(error, path)
            yield from self._readable(path)
            return
        yield from self._age(opened.header.recorded, path, opened.line)
        if not opened.interactions:
            yield Finding.of("no-interactions", "the cassette holds no interaction", path, opened.line)
        for number, stored in enumerate(opened.interactions, 1):
            try:
                interaction = stored.interaction
            except CassetteFormatError as error:
                yield Finding.of_error(error, path, number)
            else:
                yield from self._interaction(interaction, path, stored.line, number)
                if interaction.end.extra.get("salvaged"):
                    message = (
                        "the answer was salvaged from a damaged file, and stops where the rest could not be read"
                    )
                    yield Finding.of("salvaged-answer", message, path, stored.line, number)

    def _readable(self, path: Path) -> Iterator[Finding]:
        """What is wrong with the interactions of a damaged file that can be read."""
        try:
            found = salvage(path)
        except CassetteError:
            return
        for number, (line, interaction) in enumerate(zip(found.lines, found.cassette.interactions, strict=True), 1):
            yield from self._interaction(interaction, path, line, number)

    def _age(self, recorded: str | None, path: Path, line: int) -> Iterator[Finding]:
        if self.max_age is None:
            return
        if recorded is None:
            yield Finding.of("no-date", "the cassette does not say when it was recorded", path, line)
            return
        try:
            moment = datetime.fromisoformat(recorded)
            age = self.now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        except ValueError:
            yield Finding.of("no-date", f"the cassette says {recorded!r:.40} for its date, which is none", path, line)
            return
        if age > self.max_age:
            message = f"recorded {age.days} days ago, on {moment:%Y-%m-%d}; allowed are {self.max_age}"
            yield Finding.of("too-old", message.removesuffix(", 0:00:00"), path, line)

    def _interaction(self, interaction: Interaction, path: Path, line: int, number: int) -> Iterator[Finding]:
        for secret in scan(interaction, path, line, redactor=self.redactor, detect=self.detect):
            yield Finding.of("secret", f"{secret.kind} in {secret.place}", path, secret.line, number)
        if retired := self.retired.told(interaction.request, self.now):
            yield Finding.of("retired-model", retired, path, line, number)
        if not interaction.end.extra.get("salvaged"):
            for slug, message in answer_faults(interaction):
                yield Finding.of(slug, message, path, line, number)
