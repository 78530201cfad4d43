"""Creates journal files, one for each recording session.

The first session that records to a cassette writes ``NAME.jsonl.part``. Another one at the same time, in this process
or another, writes ``NAME.jsonl.2.part``, and so on. A session locks its file.

When a recording begins, it handles the journals that earlier sessions left. One whose last line is ``#| discarded``
was given up on purpose: the next recording of the same test removes it, other tests leave it. Any other was left by a
crash or a failed recording: it is renamed to ``NAME.jsonl.crashed-N.part`` with the first free N.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from itertools import count
from pathlib import Path

from ...errors import CassetteError
from .. import fake_files

try:
    import fcntl
except ImportError:  # Windows has no such locks; there, an open file can be neither renamed nor removed
    fcntl = None  # type: ignore[assignment]

DISCARDED = "#| discarded"
"""The last line of a journal that was given up on purpose."""
OPEN_FILES_STAY = fcntl is None
"""Whether open files cannot be renamed or removed. This protects a journal on systems without locks."""

_BINARY = getattr(os, "O_BINARY", 0)
_SUFFIX = re.compile(r"\.(?:(?:crashed-)?\d+\.)?part")


def is_left_of(name: str, cassette: str) -> bool:
    """Whether a file name is that of a journal of the cassette, from any session."""
    return name.startswith(f"{cassette}.") and _SUFFIX.fullmatch(name[len(cassette) :]) is not None


def open_journal(path: Path, test: str | None = None) -> tuple[int, Path]:
    """Create and lock a journal of the cassette `path`, for a test. Returns its file descriptor and its path."""
    if fake_files.are_fake():
        raise CassetteError(
            "nothing can be recorded while pyfakefs hides the real files", path=path, hint=fake_files.RECORDING
        )
    part = path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in sorted(entry for entry in path.parent.iterdir() if _is_plain_journal(entry.name, path.name)):
            _is_free(path, left, test)
        for number in count(1):
            part = path.with_name(f"{path.name}.{f'{number}.' if number > 1 else ''}part")
            while _is_free(path, part, test):
                try:
                    file = os.open(part, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
                except FileExistsError:
                    continue  # another session was faster
                # Before this lock, another session may have renamed the file, as if a crash had left it.
                if _lock(file) and _is_at(file, part):
                    return file, part
                os.close(file)
    except OSError as error:
        raise CassetteError(
            f"the journal cannot be created: {error.strerror}",
            path=part,
            hint="Check the folder's permissions, or set another folder with the ini option gemini_cassette_dir.",
        ) from error
    raise AssertionError("unreachable: there are always more numbers")


def keep_beside(path: Path, part: Path, *, discarded: bool) -> None:
    """Move a closed journal that was written elsewhere to the folder of the cassette `path`, for salvage.

    The next recording can remove one that was `discarded` on purpose.
    """
    if discarded:
        with part.open("ab") as file:
            file.write(f"{DISCARDED}\n".encode())
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(part, _free(path, "", 2) if discarded else _free(path, "crashed-", 1))


def _lock(file: int) -> bool:
    if OPEN_FILES_STAY:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some file systems have no locks. Recording works there without this protection.
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def _is_at(file: int, part: Path) -> bool:
    try:
        return OPEN_FILES_STAY or os.path.samestat(os.fstat(file), part.stat())
    except FileNotFoundError:
        return False


def _is_plain_journal(name: str, cassette: str) -> bool:
    return is_left_of(name, cassette) and ".crashed-" not in name[len(cassette) :]


def _is_of(file: int, test: str | None) -> bool:
    """Whether a journal belongs to a test, by its header. Without a test in its header, it belongs to every test."""
    os.lseek(file, 0, os.SEEK_SET)
    try:
        header = json.loads(os.read(file, 64 * 1024).partition(b"\n")[0])
        return header.get("test") in (None, test)
    except (ValueError, AttributeError):
        return True


def _is_free(path: Path, part: Path, test: str | None) -> bool:
    """Whether the name `part` is free, after renaming or removing an old journal there."""
    try:
        file = os.open(part, os.O_RDONLY | _BINARY)
    except FileNotFoundError:
        return True
    try:
        if not _lock(file):
            return False
        if not _is_at(file, part):
            return True  # another session has just removed it
        size = os.fstat(file).st_size
        os.lseek(file, max(0, size - len(DISCARDED) - 2), os.SEEK_SET)
        given_up = size == 0 or os.read(file, 64).endswith(f"\n{DISCARDED}\n".encode())
        if given_up and not _is_of(file, test):
            return False
        if OPEN_FILES_STAY:
            os.close(file)
            file = -1
        try:
            if given_up:
                part.unlink()
            else:
                part.rename(_free(path, "crashed-", 1))
        except PermissionError:
            if OPEN_FILES_STAY:
                return False
            raise
        return True
    finally:
        if file >= 0:
            os.close(file)


def _free(path: Path, kind: str, first: int) -> Path:
    """The first free name of a journal, counted from `first`."""
    names = (path.with_name(f"{path.name}.{kind}{number}.part") for number in count(first))
    return next(name for name in names if not name.exists())
