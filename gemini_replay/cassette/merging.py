"""Makes a cassette by copying lines: all lines of journals, and those lines of the existing file that stay.

Chunks are neither decoded nor kept in memory. Sessions that record to the same cassette take turns, and each keeps
what the others have added.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass
from itertools import compress, zip_longest
from pathlib import Path
from typing import BinaryIO, overload

from ..errors import CassetteError
from ..provider import Provider
from .atomic_write import atomic_write, keep_backup, locked, remove_leftovers
from .files import not_found, refuse_irregular
from .format_v1 import Header, encode_comments, encode_header
from .index import FileIndex, IndexEntry, index_file
from .model import Interaction, Request

_BLOCK = 1024 * 1024  # bytes copied at once

Replaces = Callable[[IndexEntry, Header, BinaryIO, Sequence[Request]], bool]
"""Whether the new interactions replace an interaction of the existing file.

Called with the interaction's entry, the header of its file, the file, and the requests of the new interactions.
"""


class Recorded(Sequence[Interaction]):
    """Interactions in a file, each read when it is used.

    With `same`, reading raises a `CassetteError` once the file has changed.
    """

    def __init__(self, path: Path | None = None, entries: Sequence[IndexEntry] = (), *, same: bool = True) -> None:
        self._path = path
        self._entries = entries
        self._seen = _signature(path) if path is not None and same else None
        self._provider: Provider | None = None

    def of(self, provider: Provider) -> Recorded:
        """The same interactions, read by another provider."""
        found = copy(self)
        found._provider = provider
        return found

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Interaction: ...
    @overload
    def __getitem__(self, index: slice) -> list[Interaction]: ...
    def __getitem__(self, index: int | slice) -> Interaction | list[Interaction]:
        if isinstance(index, slice):
            return list(self._read(self._entries[index]))
        return next(self._read([self._entries[index]]))

    def __iter__(self) -> Iterator[Interaction]:
        return self._read(self._entries)

    def _read(self, entries: Sequence[IndexEntry]) -> Iterator[Interaction]:
        if not entries or self._path is None:
            return
        try:
            with self._path.open("rb") as file:
                if self._seen is not None and _signature(file.fileno()) != self._seen:
                    raise CassetteError(
                        "the file has changed since this session recorded to it",
                        path=self._path,
                        hint="Load it again with: Cassette.load(path)",
                    )
                for entry in entries:
                    found = entry.read(file, self._path)
                    yield found if self._provider is None else found.of(self._provider)
        except FileNotFoundError:
            raise not_found(self._path) from None


@dataclass
class Merged:
    """The new interactions in the cassette, and a copy of the existing file if parts of it could not be read."""

    recorded: Recorded
    backup: Path | None = None


@dataclass
class _Source:
    file: BinaryIO
    entries: list[IndexEntry]


def merge(
    path: Path, journals: Sequence[Path], header: Header, replaces: Replaces, *, ended: Sequence[int] = ()
) -> Merged:
    """Make the cassette `path` from the interactions of journals and those of the existing file that stay.

    The new interactions go where the first replaced one was, or to the end. The existing header stays if anything
    else of the file does; `header` is for a cassette in which everything is new. If parts of the existing file cannot
    be read, it is copied to ``NAME.jsonl.bak``, and its complete interactions are used. `ended` says how many
    interactions the first journals must contain.

    Raises:
        CassetteError: a journal is incomplete or has another number of interactions, or the cassette cannot be
            written. The cassette has not changed.
    """
    try:
        with ExitStack() as stack:
            stack.enter_context(locked(path))
            remove_leftovers(path)
            new = [_opened(stack, journal, count) for journal, count in zip_longest(journals, ended)]
            base, old, backup = _existing(stack, path)
            requests = [entry.request(source.file) for source in new for entry in source.entries]
            stays = [
                old is not None and not replaces(entry, base.header or header, old.file, requests)
                for entry in base.entries
            ]
            at = stays.index(False) if False in stays else len(stays)
            before, after = base.entries[:at], [*compress(base.entries[at:], stays[at:])]
            kept = base if before or after else FileIndex(header)
            with atomic_write(path) as out:
                writer = _Writer(out)
                writer.text([*encode_comments(kept.comments), encode_header(kept.header or header)])
                if old:
                    writer.copy(old.file, before)
                written = [entry for source in new for entry in writer.copy(source.file, source.entries)]
                if old:
                    writer.copy(old.file, after)
                writer.text(encode_comments(kept.trailing_comments))
        return Merged(Recorded(path, written), backup)
    except OSError as error:
        raise CassetteError(
            f"the cassette cannot be written: {error.strerror}",
            path=path,
            hint="It has not changed. Free some disk space or change the permissions, and record again.",
        ) from error


def remove_interactions(path: Path, numbers: Collection[int]) -> None:
    """Remove interactions from a cassette, by their numbers from 1; all else stays byte for byte.

    Raises:
        CassetteError: parts of the file cannot be read, or it cannot be written. It has not changed.
    """
    with locked(path), path.open("rb") as file:
        found = index_file(file, path)
        if found.header is None or found.problems or not all(entry.whole for entry in found.entries):
            raise CassetteError("parts of it cannot be read", path=path, hint=f"See: gemini-replay check {path}")
        kept = [entry for number, entry in enumerate(found.entries, 1) if number not in numbers]
        with atomic_write(path) as out:
            writer = _Writer(out)
            writer.text([*encode_comments(found.comments), encode_header(found.header)])
            writer.copy(file, kept)
            writer.text(encode_comments(found.trailing_comments))


def check_whole(journals: Sequence[Path], ended: Sequence[int] = ()) -> None:
    """Check journals as `merge` does.

    Raises:
        CassetteError: a journal is incomplete or has another number of interactions.
    """
    with ExitStack() as stack:
        for journal, count in zip_longest(journals, ended):
            _opened(stack, journal, count)


def recorded_in(journal: Path) -> Recorded:
    """The complete interactions of a journal, which may still be growing."""
    with journal.open("rb") as file:
        entries = [entry for entry in index_file(file, journal, check_chunks=False).entries if entry.whole]
    return Recorded(journal, entries, same=False)


def digests(path: Path) -> frozenset[bytes]:
    """A digest of each interaction in a cassette; empty if the file cannot be read."""
    try:
        with path.open("rb") as file:
            entries = index_file(file, path, check_chunks=False).entries
            return frozenset(entry.digest(file) for entry in entries)
    except OSError:
        return frozenset()


def _opened(stack: ExitStack, journal: Path, ended: int | None) -> _Source:
    file = stack.enter_context(journal.open("rb"))
    entries = index_file(file, journal, check_chunks=False).entries
    for entry in entries:
        if entry.problems:
            raise entry.problems[0]
        if not entry.ended:
            raise CassetteError("a response is incomplete: it has no end line", path=journal, line=entry.line)
    if ended is not None and len(entries) != ended:
        raise CassetteError(
            f"the journal contains {len(entries)} of {ended} interactions: another program has changed it",
            path=journal,
        )
    return _Source(file, entries)


def _existing(stack: ExitStack, path: Path) -> tuple[FileIndex, _Source | None, Path | None]:
    """The index of the existing file, its complete interactions, and the backup of a damaged file."""
    try:
        refuse_irregular(path)
        file = stack.enter_context(path.open("rb"))
    except FileNotFoundError:
        return FileIndex(), None, None
    found = index_file(file, path)
    whole = [entry for entry in found.entries if entry.whole]
    damaged = found.header is None or found.problems or len(whole) != len(found.entries)
    backup = keep_backup(path) if damaged else None
    found.entries = whole
    return found, _Source(file, whole), backup


class _Writer:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0

    def text(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._write(f"{line}\n".encode())

    def copy(self, source: BinaryIO, entries: Sequence[IndexEntry]) -> list[IndexEntry]:
        """Copy interactions; returns where they are now."""
        written = []
        for entry in entries:
            began = self._at
            last = b""
            for offset, length in entry.ranges:
                source.seek(offset)
                while length and (data := source.read(min(length, _BLOCK))):
                    self._write(data)
                    length -= len(data)
                    last = data
            if not last.endswith(b"\n"):  # the last line of a file that was edited by hand
                self._write(b"\n")
            written.append(IndexEntry(entry.line, entry.test, [[began, self._at - began]], ended=True))
        return written

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)


def _signature(file: Path | int) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
