"""The cassettes that a command is given."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import UsageError


def cassettes_in(paths: Sequence[Path]) -> Iterator[Path]:
    """The files, and those in the folders, see `cassettes_of`.

    Raises:
        UsageError: a folder has none.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = cassettes_of(path)
        if not found:
            raise UsageError(
                f"There is no cassette in {path}.", hint="Give a folder with .jsonl files, or the files."
            )
        yield from found


def cassettes_of(folder: Path) -> list[Path]:
    """The cassettes in a folder, sorted. A folder that cannot be read is among them: who opens it is told why."""
    unreadable: list[OSError] = []
    walk = os.walk(folder, onerror=unreadable.append)
    files = [Path(place, name) for place, _, names in walk for name in names if name.endswith(".jsonl")]
    return sorted([*files, *(Path(error.filename) for error in unreadable)])
