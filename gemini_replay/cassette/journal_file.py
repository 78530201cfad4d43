"""Creates a journal's file, for one session at a time.

What becomes of an old journal when the next recording begins: one whose last line is ``#| discarded`` was let go in
good order, and is replaced. Any other was left by a crash, and moves to ``NAME.jsonl.crashed-N.part`` with the first
N that is free. So nothing is lost that nobody gave up.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ..errors import CassetteBusyError, CassetteError

try:
    import fcntl
except ImportError:  # Windows has none; there, a file that is open can be neither renamed nor removed
    fcntl = None  # type: ignore[assignment]

DISCARDED = "#| discarded"
"""The last line of a journal that was let go in good order."""
OPEN_FILES_STAY = fcntl is None
"""Whether an open file's name cannot be taken away, which is what guards a journal where there are no locks."""

_BINARY = getattr(os, "O_BINARY", 0)


def open_journal(path: Path, part: Path) -> int:
    """Create the journal `part` of the cassette `path`, locked, and return its file descriptor.

    Raises:
        CassetteBusyError: another session holds it.
        CassetteError: it cannot be created.
    """
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                file = os.open(part, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
            except FileExistsError:
                _move_aside(path, part)
                continue
            # Between creating and locking, another session may have taken the file for a crash's.
            if _lock(file) and _is_at(file, part):
                return file
            os.close(file)
    except OSError as error:
        raise CassetteError(
            f"the journal cannot be created: {error.strerror}",
            path=part,
            todo="Check the folder's permissions, or set another with the ini option gemini_cassette_dir.",
        ) from error


def _lock(file: int) -> bool:
    if OPEN_FILES_STAY:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some file systems have no locks: recording works there, unguarded.
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def _is_at(file: int, part: Path) -> bool:
    try:
        return OPEN_FILES_STAY or os.path.samestat(os.fstat(file), part.stat())
    except FileNotFoundError:
        return False


def _move_aside(path: Path, part: Path) -> None:
    """Get an old journal out of the way, unless its session is alive."""
    try:
        file = os.open(part, os.O_RDONLY | _BINARY)
    except FileNotFoundError:
        return
    try:
        if not _lock(file):
            raise _busy(path) from None
        if not _is_at(file, part):
            return
        size = os.fstat(file).st_size
        os.lseek(file, max(0, size - len(DISCARDED) - 2), os.SEEK_SET)
        given_up = size == 0 or os.read(file, 64).endswith(f"\n{DISCARDED}\n".encode())
        if OPEN_FILES_STAY:
            os.close(file)
            file = -1
        try:
            if given_up:
                part.unlink()
            else:
                part.rename(_free_name(path))
        except PermissionError:
            if OPEN_FILES_STAY:
                raise _busy(path) from None
            raise
    finally:
        if file >= 0:
            os.close(file)


def _free_name(path: Path) -> Path:
    number = 1
    while (name := path.with_name(f"{path.name}.crashed-{number}.part")).exists():
        number += 1
    return name


def _busy(path: Path) -> CassetteBusyError:
    return CassetteBusyError(
        "another session is recording to this cassette",
        path=path,
        todo="Let it finish first, or give each test a cassette of its own.",
    )
