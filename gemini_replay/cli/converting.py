"""Commands for recordings of other tools: convert, migrate."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..plain_text import plain, plain_lines

if TYPE_CHECKING:
    from ..cassette.redaction import Removal


def convert(chosen: argparse.Namespace) -> int:
    """Make a cassette of another tool's file, or such a file of a cassette."""
    from ..cassette.atomic_write import keep_backup
    from ..interop import conversion

    target = chosen.output
    conversion.check_ending(target)
    if _safe(target.name) != target.name:
        raise UsageError("The name of the new file holds a secret.", hint="Choose another name.")
    found = conversion.read(chosen.input)
    cassette = found.cassette
    if chosen.rhythm is not None:
        cassette = cassette.retime(chosen.rhythm, seed=chosen.seed)
    elif found.source == conversion.CASSETTE_SOURCE and target.suffix in conversion.CASSETTE:
        raise UsageError(
            "Both files are cassettes, so there is nothing to convert.",
            hint=f"Give the second a name that ends with {' or '.join((*conversion.YAML, *conversion.HAR))}.",
        )
    encoded = conversion.encode(cassette, target)
    if target.is_file() and target.read_bytes() != encoded.content:
        print(plain(f"{target}: the original is kept as {keep_backup(target)}"))
    conversion.save(target, encoded.content)
    print(plain(f"{_safe(target)}: {_count(encoded.interactions, 'interaction')} from {found.source}"))
    _tell(chosen.input, (*found.notes, *encoded.notes), found.removals)
    if chosen.rhythm is None and target.suffix in conversion.CASSETTE and conversion.has_unknown_times(cassette):
        print(plain(f"Its times are not known. Give it those of a model with: gemini-replay retime {target}"))
    return 0


def migrate(chosen: argparse.Namespace) -> int:
    """Convert the recordings of a folder, and print what to change in its code."""
    from ..interop import migration

    if not chosen.folder.is_dir():
        raise UsageError(
            f"{_safe(chosen.folder)} is not a folder.",
            hint="Convert a single file with: gemini-replay convert IN OUT",
        )
    found = migration.migrate(chosen.folder)
    for path, target, conversion in found.converted:
        count = _count(len(conversion.cassette.interactions), "interaction")
        print(plain(f"{_safe(path)} → {_safe(target.name)}: {count}"))
        _tell(path, conversion.notes, conversion.removals)
    for error in found.failed:
        print(f"\n{_safe(error)}\n")
    for path in found.kept:
        print(plain(f"{_safe(path)}: left as it is, since it holds something else"))
    for path in found.without_gemini:
        print(
            plain(f"{_safe(path)}: no request to the Gemini API; leave its test to vcrpy, or add the host: hosts=…")
        )
    for wrong in found.unreadable:
        print(plain(f"{_safe(wrong.message)}; passed over"))
    counts = (len(found.converted), len(found.kept), len(found.failed), found.passed_over + len(found.unreadable))
    print("{} converted, {} left as they are, {} with errors, {} that are no recordings".format(*counts))
    if found.beside_tests:
        print("\nIn the ini file, so that tests find the cassettes:\n\n    gemini_cassette_dir = {folder}/cassettes")
    if found.changes:
        print("\nIn the code of the tests that stream from Gemini:\n")
        for change in found.changes:
            print(plain(f"{_safe(change.path)}:{change.line}: {change.found.strip()} → {change.instead}"))
    if found.converted:
        print("\nTimes are not known. Record again when you can, or: gemini-replay retime CASSETTE")
        print("More: gemini-replay explain migrating")
    if not (found.converted or found.kept or found.failed):
        print(f"gemini-replay: there is no recording of another tool in {_safe(chosen.folder)}", file=sys.stderr)
        return 1
    return 1 if found.failed else 0


def _safe(name: object) -> str:
    """A path, or a message with paths, without secrets."""
    from ..cassette.redaction import Redactor
    from ..naming import name_without_secrets

    return name_without_secrets(str(name), Redactor())


def _tell(path: object, notes: Iterable[str], removals: Iterable[Removal]) -> None:
    for note in notes:
        print(plain_lines(f"{_safe(path)}: {note}"))
    removed = Counter[str]()
    for one in removals:
        removed[f"{one.kind}, {one.place}"] += one.count
    for what, times in removed.items():
        print(plain(f"{_safe(path)}: removed: {what}{f' ({times} times)' if times > 1 else ''}"))


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
