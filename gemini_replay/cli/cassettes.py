"""Commands that change cassettes or search them for errors: check, retime."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import CassetteError, MissingExtraError, UsageError
from ..plain_text import plain, plain_lines
from .paths import cassettes_in


def check(chosen: argparse.Namespace) -> int:
    """Find broken cassettes and secrets; ``--fix`` and ``--salvage`` mend what they can."""
    from ..rhythm.cassette import Cassette

    wrong = checked = 0
    search = _secrets_search()
    for path in cassettes_in(chosen.paths):
        checked += 1
        try:
            if chosen.fix:
                _fix(path)
            Cassette.load(path)
            if found := search(path):
                wrong += 1
                print("\n".join(map(plain, found)))
                print("Record it again or remove the secrets by hand, and revoke the keys that it contained.\n")
            if path.suffix != ".part":
                continue
        except CassetteError as error:
            if not chosen.salvage:
                wrong += 1
                print(f"{error}\n")
                continue
        if chosen.salvage:
            _salvage(path)
    print(f"{checked} checked, {wrong} with errors")
    return 1 if wrong else 0


def _secrets_search() -> Callable[[Path], list[str]]:
    """Searches a cassette for secrets, with detect-secrets too if that is installed."""
    from ..cassette.redaction import Redactor
    from ..cassette.redaction.scanning import detect_secrets, scan

    redactor = Redactor()
    try:
        detect = detect_secrets()
    except MissingExtraError as missing:
        print(f"Searching for secrets without detect-secrets. {missing.hint}", file=sys.stderr)
        detect = None
    return lambda path: [str(finding) for finding in scan(path, redactor=redactor, detect=detect)]


def _fix(path: Path) -> None:
    """Put each value of a cassette on one line again, where a formatter has spread it over several."""
    from ..cassette.atomic_write import keep_backup
    from ..cassette.files import mended

    cassette = mended(path) if path.suffix != ".part" else None
    if cassette is not None:
        backup = keep_backup(path)
        cassette.save(path)
        print(plain(f"{path}: mended, with one value a line again; the original is kept as {backup}"))


def _salvage(path: Path) -> None:
    from ..cassette.atomic_write import keep_backup
    from ..cassette.files import salvage

    found, target = salvage(path), _salvaged(path)
    if target == path:
        print(plain(f"{path}: the original is kept as {keep_backup(path)}"))
    found.cassette.save(target)
    total = len(found.cassette.interactions)
    print(plain(f"{target}: {total} interactions salvaged, {found.whole} of them complete"))
    for problem in found.problems:
        print(plain_lines(f"left out: {problem.message}"))


def retime(chosen: argparse.Namespace) -> int:
    """Give a cassette the rhythm of a model."""
    from ..cassette.atomic_write import keep_backup
    from ..report import rhythms
    from ..rhythm.cassette import Cassette

    if chosen.list:
        print(rhythms.rhythm_table())
        return 0
    if chosen.cassette is None:
        raise UsageError("The cassette to retime is missing.", hint="Give one, or --list to see the rhythms.")
    timed = Cassette.load(chosen.cassette).retime(
        chosen.rhythm, seed=chosen.seed, rechunk=chosen.rechunk, only=chosen.only
    )
    target = chosen.output or chosen.cassette
    replaced = target.is_file() and target.read_bytes() != timed.dumps()
    kept = keep_backup(target) if replaced else None  # recorded times are nowhere else
    timed.save(target)
    if kept is not None:
        print(plain(f"{target}: the original is kept as {kept}"))
    return 0


def _salvaged(path: Path) -> Path:
    """Where to save what was salvaged: a cassette is repaired in place, a journal becomes a cassette."""
    if path.suffix != ".part":
        return path
    cassette = path.with_name(path.name.partition(".jsonl")[0] + ".jsonl")
    return path.with_name(cassette.stem + ".salvaged.jsonl") if cassette.exists() else cassette
