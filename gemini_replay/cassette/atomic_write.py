"""Replaces files atomically, keeps backups, and lets one process at a time replace files in a folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_BUFFER = 256 * 1024
"""Bytes that are written to a file at once. An interaction has about 7 KB; a system call for each takes longer."""


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A temporary file that replaces `path` when the with-block succeeds. If it fails, nothing changes.

    Folders are created, an old file's permissions are kept, and a symbolic link stays a link. When this returns, both
    the content and the name are on disk.
    """
    import tempfile  # reading cassettes needs none of it

    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    file, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(file, "wb", buffering=_BUFFER) as temporary:
            yield temporary
            temporary.flush()
            os.fsync(temporary.fileno())
        os.chmod(name, _mode(path))
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    if os.name == "posix":  # the new name must survive a power cut too
        with contextlib.suppress(OSError):
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one session of this machine at a time replace files in the folder of `path`, as far as it has locks."""
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        with _locked_on_windows(path):
            yield
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextlib.contextmanager
def _locked_on_windows(path: Path) -> Iterator[None]:
    import msvcrt

    beside = path.with_name(f".{path.name}.lock")
    file = os.open(beside, os.O_RDWR | os.O_CREAT)
    try:
        msvcrt.locking(file, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]
        yield
    finally:
        os.close(file)
        with contextlib.suppress(OSError):
            beside.unlink()


def remove_leftovers(path: Path) -> None:
    """Remove temporary files of `path` that killed processes left. Call this while `path` is `locked`."""
    path = Path(os.path.realpath(path))
    with contextlib.suppress(OSError):
        for entry in path.parent.iterdir():
            if entry.name.startswith(f".{path.name}.") and entry.name.endswith(".tmp"):
                entry.unlink()


def keep_backup(path: Path) -> Path:
    """Copy a file to the first free name of ``NAME.bak``, ``NAME.bak.1`` and so on; returns the copy's path.

    The copy is beside the file, also if `path` is a symbolic link to it.
    """
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    number = 0
    while True:
        backup = path.with_name(f"{path.name}.bak{f'.{number}' if number else ''}")
        try:
            copy = backup.open("xb")
        except FileExistsError:
            number += 1
            continue
        try:
            with copy, path.open("rb") as original:
                shutil.copyfileobj(original, copy)
            shutil.copymode(path, backup)
        except BaseException:
            backup.unlink(missing_ok=True)
            raise
        return backup


def _mode(path: Path) -> int:
    """The permissions of the existing file, or those of a new file in this folder."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        # The umask can only be read by setting it. A journal beside the cassette was created with it.
        with contextlib.suppress(OSError):
            return stat.S_IMODE(path.with_name(f"{path.name}.part").stat().st_mode)
        umask = os.umask(0o077)
        os.umask(umask)
        return 0o666 & ~umask
