"""The command check: search cassettes for what is wrong in them, and mend what can be mended."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from ..checks.cassettes import CassetteCheck
from ..checks.findings import Finding
from ..checks.retired import RetiredModel, RetiredModels
from ..counting import counted
from ..errors import CassetteError, MissingExtraError, UsageError
from ..plain_text import plain, plain_lines
from .ini import ini_settings, listed
from .paths import cassettes_in

_AGE = re.compile(r"(\d{1,6})\s*(h|d|w)", re.IGNORECASE)
_HOURS = {"h": 1, "d": 24, "w": 168}
_NAMED = 3
"""How many files that are left out are named; further ones are only counted."""
_DAMAGED = {"cassette-format", "cassette-truncated"}


class _Checked(NamedTuple):
    """The result for one file: lines about what was done to it, and the problems that are left."""

    done: list[str]
    findings: list[Finding]

    def has(self, severity: str) -> bool:
        """Whether a finding is of this severity."""
        return any(one.severity == severity for one in self.findings)


def check(chosen: argparse.Namespace) -> int:
    """Print what is wrong with cassettes; ``--fix`` and ``--salvage`` mend what they can.

    Returns:
        1 if there is an error, or with ``--strict`` a warning; else 0.
    """
    from ..report.progress import progress

    cassette_check = _check(chosen)
    paths, others = _cassettes(chosen.paths, chosen.cassettes_only)
    checked = [
        _checked(path, cassette_check, fix=chosen.fix, salvage=chosen.salvage)
        for path in progress(paths, "Checking cassettes")
    ]
    beside = sys.stderr if chosen.json else sys.stdout  # for what is no finding
    said: set[str] = set()
    for one in checked:
        for line in one.done:
            print(cassette_check.redactor.text(line), file=beside)
        for finding in one.findings:
            path = cassette_check.redactor.text(str(finding.path))
            print(_json(finding, path) if chosen.json else "\n".join(_lines(finding, path, said)))
    errors, warnings = (sum(one.has(severity) for one in checked) for severity in ("error", "warning"))
    counts = f"{len(paths)} checked, {errors} with errors"
    counts += f", {warnings} with warnings" if warnings else ""
    if others:
        names = ", ".join(map(str, others[:_NAMED])) + (", …" if len(others) > _NAMED else "")
        counts += f"; other files, left out: {len(others)} ({plain(names)})"
    print(cassette_check.redactor.text(counts), file=beside)
    return 1 if errors or (chosen.strict and warnings) else 0


def _check(chosen: argparse.Namespace) -> CassetteCheck:
    """What to look for, by the command line and the ini file."""
    from ..cassette.redaction.scanning import detect_secrets

    ini = ini_settings(Path.cwd())
    age = ini.get("gemini_max_age") if chosen.max_age is None else chosen.max_age
    retired = [*chosen.retired_model, *listed(ini.get("gemini_retired_models", []))]
    try:
        detect = detect_secrets()
    except MissingExtraError as missing:
        print(f"Searching for secrets without detect-secrets. {missing.hint}", file=sys.stderr)
        detect = None
    return CassetteCheck(
        max_age=_age(age) if age is not None else None,
        retired=RetiredModels(map(RetiredModel.parse, retired)),
        detect=detect,
    )


def _age(text: object) -> timedelta:
    found = _AGE.fullmatch(str(text).strip())
    if found is None:
        hint = "Give a number of hours, days or weeks: 36h, 90d, 12w."
        raise UsageError(f"The greatest age is {text!r}.", hint=hint)
    return timedelta(hours=int(found[1]) * _HOURS[found[2].lower()])


def _cassettes(paths: Sequence[Path], cassettes_only: bool) -> tuple[list[Path], list[Path]]:
    """The files to check, each once; and those that are left out, since they are JSON Lines of another kind.

    A file that is named is checked whatever it is, unless only cassettes are asked for.
    """
    named = set() if cassettes_only else set(paths)
    found = list(dict.fromkeys(cassettes_in(paths)))
    left_out = [path for path in found if path not in named and _is_other(path)]
    return [path for path in found if path not in left_out], left_out


def _is_other(path: Path) -> bool:
    """Whether a file is to be left out; one that cannot be read is not, and so is told."""
    from ..cassette.files import refuse_irregular
    from ..cassette.foreign import is_other_json_lines

    try:
        refuse_irregular(path)
        return is_other_json_lines(path.read_bytes())
    except (CassetteError, OSError):
        return False


def _checked(path: Path, cassette_check: CassetteCheck, *, fix: bool, salvage: bool) -> _Checked:
    done: list[str] = []
    refused: list[Finding] = []
    if fix:
        with _mending(path, refused):
            done += _fix(path)
    found = cassette_check.findings(path)
    if salvage and (path.suffix == ".part" or any(one.slug in _DAMAGED for one in found)):
        with _mending(path, refused):
            target, lines = _salvage(path)
            done += lines
            found = cassette_check.findings(target)
    told = {(one.line, one.message) for one in found}
    return _Checked(done, [*(one for one in refused if (one.line, one.message) not in told), *found])


@contextmanager
def _mending(path: Path, refused: list[Finding]) -> Iterator[None]:
    """Add the reason why a cassette could not be mended to `refused`."""
    try:
        yield
    except CassetteError as error:
        refused.append(Finding.of_error(error, path))
    except OSError as error:
        hint = "The cassette has not changed. Change the permissions of its folder, or free some disk space."
        failed = CassetteError(f"it cannot be mended: {error.strerror}", path=path, hint=hint)
        refused.append(Finding.of_error(failed, path))


def _fix(path: Path) -> Iterator[str]:
    """Put each value of a cassette on one line again, where a formatter has spread it over several."""
    from ..cassette.atomic_write import keep_backup
    from ..cassette.files import mended

    cassette = mended(path) if path.suffix != ".part" else None
    if cassette is not None:
        backup = keep_backup(path)
        cassette.save(path)
        yield plain(f"{path}: mended, with one value a line again; the original is kept as {backup}")


def _salvage(path: Path) -> tuple[Path, list[str]]:
    """Save what can be read of a damaged cassette: where it is then, and what was done."""
    from ..cassette.atomic_write import keep_backup
    from ..cassette.files import salvage

    found, target = salvage(path), _salvaged(path)
    if not found.cassette.interactions:
        raise CassetteError(
            "nothing can be salvaged: no request line can be read; the file stays as it is",
            path=path,
            hint="Record it again with: pytest --gemini-record rewrite",
        )
    done = []
    if target == path:
        done.append(plain(f"{path}: the original is kept as {keep_backup(path)}"))
    found.cassette.save(target)
    total = len(found.cassette.interactions)
    cut = f", {total - found.whole} incomplete: cut where the rest cannot be read" if found.whole < total else ""
    done.append(plain(f"{target}: {counted(total, 'interaction')} salvaged{cut}"))
    done += (plain_lines(f"left out: {problem.message}") for problem in found.problems)
    return target, done


def _salvaged(path: Path) -> Path:
    """Where to save what was salvaged: a cassette is repaired in place, a journal becomes a cassette."""
    if path.suffix != ".part":
        return path
    cassette = path.with_name(path.name.partition(".jsonl")[0] + ".jsonl")
    return path.with_name(cassette.stem + ".salvaged.jsonl") if cassette.exists() else cassette


def _lines(finding: Finding, path: str, said: set[str]) -> Iterator[str]:
    """A finding for a person; what to do is said once where it is the same."""
    place = f"{path}:" if finding.line is None else f"{path}:{finding.line}:"
    severity = "warning: " if finding.severity == "warning" else ""
    which = f" (interaction {finding.interaction})" if finding.interaction is not None else ""
    yield plain(f"{place} {severity}{finding.message}{which} [{finding.slug}]")
    if finding.hint not in said:
        said.add(finding.hint)
        yield from (f"  {line}" for line in plain_lines(finding.hint).splitlines())


def _json(finding: Finding, path: str) -> str:
    """A finding for programs."""
    return json.dumps({**asdict(finding), "path": path})
