"""The command retime."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from ..plain_text import plain


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
