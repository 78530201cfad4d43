"""The cassettes that a command is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import UsageError


def cassettes_in(paths: Sequence[Path]) -> Iterator[Path]:
    """The files, and those in the folders.

    Raises:
        UsageError: a folder has none.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(path.rglob("*.jsonl"))
        if not found:
            raise UsageError(
                f"There is no cassette in {path}.", hint="Give a folder with .jsonl files, or the files."
            )
        yield from found
