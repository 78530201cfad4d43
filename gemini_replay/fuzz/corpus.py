"""Streams as files: the seeds from which a coverage-guided engine, such as Atheris, starts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import UsageError
from .classes import classes_of

_LARGEST = 4096  # bytes; such engines work best with small files


def write_corpus(profiles: Iterable[str], names: Iterable[str] | None, folder: Path) -> int:
    """Write the small documents of all classes, or of those that are named, to a file each; returns the exit status.

    Raises:
        UsageError: an unknown class, or a folder that cannot be written.
    """
    count = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for case in classes_of(profiles, names):
            bodies = dict.fromkeys(one.body for one in case.documents())
            for nth, body in enumerate((one for one in bodies if len(one) <= _LARGEST), start=1):
                (folder / f"{case.name}-{nth}").write_bytes(body)
                count += 1
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}", hint="Name another folder.") from None
    print(f"{folder}: {count} streams")
    return 0
