"""Checks one cassette file. What is wrong in one place hides nothing in another."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .. import clocks
from ..cassette.files import open_whole, raw_lines, salvage
from ..cassette.format_v1 import decode_line
from ..cassette.model import Interaction
from ..cassette.quoting import quoted
from ..cassette.reader import BOM
from ..cassette.redaction import Redactor
from ..cassette.redaction.scanning import Detect, scan
from ..errors import CassetteError, CassetteFormatError
from .answers import answer_faults
from .findings import Finding
from .retired import RetiredModels

_CLOCKS_DIFFER = timedelta(days=1)


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
        """What is wrong with a cassette file, in the order of its lines, without secrets. It may be unreadable."""
        try:
            lines = raw_lines(path)
        except CassetteError:
            lines = []
        found = list(self._found(path, lines))
        found += self._secrets(path, lines, {one.line for one in found if one.slug == "secret"})
        hide = self.redactor.text
        safe = [replace(one, message=hide(one.message), hint=hide(one.hint)) for one in found]
        return sorted(safe, key=lambda one: one.line or 0)

    def _found(self, path: Path, lines: Sequence[bytes]) -> Iterator[Finding]:
        try:
            opened = open_whole(path)
        except CassetteError as error:
            yield Finding.of_error(error, path)
            yield from self._readable(path, lines, error.line)
            return
        yield from self._age(opened.header.recorded, path, opened.line)
        if not opened.interactions:
            yield Finding.of("no-interactions", "the cassette holds no interaction", path, opened.line)
        for number, stored in enumerate(opened.interactions, 1):
            try:
                interaction = stored.interaction
            except CassetteFormatError as error:
                yield Finding.of_error(error, path, number)
                last = opened.interactions[number].line if number < len(opened.interactions) else len(lines) + 1
                yield from _unreadable(path, lines, range(stored.line, last), error.line, number)
            else:
                yield from self._interaction(interaction, path, _numbers(lines, stored.line), number)
                if interaction.end.extra.get("salvaged"):
                    message = (
                        "the answer was salvaged from a damaged file, and stops where the rest could not be read"
                    )
                    yield Finding.of("salvaged-answer", message, path, stored.line, number)

    def _readable(self, path: Path, lines: Sequence[bytes], told: int | None) -> Iterator[Finding]:
        """What else is wrong with a damaged file: in its lines, and in the interactions that can be read."""
        try:
            found = salvage(path)
        except CassetteError:
            return
        if found.lines:
            yield from _unreadable(path, lines, range(1, len(lines) + 1), told)
        for number, (line, interaction) in enumerate(zip(found.lines, found.cassette.interactions, strict=True), 1):
            yield from self._interaction(interaction, path, _numbers(lines, line), number)

    def _secrets(self, path: Path, lines: Sequence[bytes], told: Container[int | None]) -> Iterator[Finding]:
        """Secrets in lines as they are written, where no other search has found one, and in the file's name."""
        for kind in self.redactor.kinds(path.name):
            yield Finding.of("secret", f"{kind} in the name of the file", path, None)
        for number, raw in enumerate(lines, 1):
            if number not in told:
                place = "a comment" if raw.startswith(b"#") else "this line"
                for kind in dict.fromkeys(self.redactor.kinds(raw.decode("utf-8", "replace"))):
                    yield Finding.of("secret", f"{kind} in {place}", path, number)

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
            message = f"the cassette has {quoted(recorded)} in place of the date when it was recorded"
            yield Finding.of("no-date", message, path, line)
            return
        if age < -_CLOCKS_DIFFER:
            message = f"the date of the recording is in the future: {moment:%Y-%m-%d}"
            yield Finding.of("future-date", message, path, line)
        if age > self.max_age:
            message = f"recorded {_told(age)} ago, on {moment:%Y-%m-%d}; allowed are at most {_told(self.max_age)}"
            yield Finding.of("too-old", message, path, line)

    def _interaction(
        self, interaction: Interaction, path: Path, lines: Sequence[int], number: int
    ) -> Iterator[Finding]:
        line = lines[0]
        for secret in scan(interaction, path, lines, redactor=self.redactor, detect=self.detect):
            yield Finding.of("secret", f"{secret.kind} in {secret.place}", path, secret.line, number)
        if retired := self.retired.told(interaction.request, self.now):
            yield Finding.of("retired-model", retired, path, line, number)
        if not interaction.end.extra.get("salvaged"):
            for slug, message in answer_faults(interaction):
                yield Finding.of(slug, message, path, line, number)


def _told(age: timedelta) -> str:
    """An age in days, or in hours if it is less than two days."""
    count, what = (age.days, "day") if age.days > 1 else (int(age / timedelta(hours=1)), "hour")
    return f"{count} {what}{'' if count == 1 else 's'}"


def _numbers(lines: Sequence[bytes], first: int) -> list[int]:
    """The numbers of the lines from one on, without those of comments."""
    return [number for number, raw in enumerate(lines[first - 1 :], first) if not _is_comment(raw)] or [first]


def _is_comment(raw: bytes) -> bool:
    return raw.startswith(b"#") or not raw.strip()


def _unreadable(
    path: Path, lines: Sequence[bytes], within: Iterable[int], told: int | None, interaction: int | None = None
) -> Iterator[Finding]:
    """The lines that cannot be read, except one that was told. A last line without its end was cut off."""
    for number in within:
        raw = lines[number - 1]
        if number == told or not raw.endswith(b"\n"):
            continue
        try:
            decode_line(raw.removeprefix(BOM) if number == 1 else raw, path=path, number=number)
        except CassetteFormatError as error:
            yield Finding.of_error(error, path, interaction)
