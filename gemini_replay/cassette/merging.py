"""Makes a cassette from journals: copies their lines, and those of the present file that are to stay.

No chunk is decoded or held on the way, so that a recording of any size costs no memory. Sessions that record to one
cassette at the same time take turns, and each keeps what the others have added meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, overload

from ..errors import CassetteError
from .files import not_found, refuse_irregular
from .format_v1 import Header, encode_comments, encode_header
from .model import Interaction, Request
from .places import Place, Places, find_places
from .replacing import keep_backup, locked, remove_leftovers, replacing

_BLOCK = 1024 * 1024  # bytes copied at once

Replaces = Callable[[Place, Header, BinaryIO, Sequence[Request]], bool]
"""Whether an interaction of the present file gives way to the new ones.

It gets the interaction's place, the header of its file, the file, and the requests of the new interactions.
"""


class Recorded(Sequence[Interaction]):
    """Interactions that stand in a file, read when they are asked for.

    Args:
        path: the file.
        places: where they stand.
        same: whether the file must be the one that it is now; else an error says that it has changed.

    Raises:
        CassetteError: from reading: the file has changed or cannot be read.
    """

    def __init__(self, path: Path | None = None, places: Sequence[Place] = (), *, same: bool = True) -> None:
        self._path = path
        self._places = places
        self._seen = _signature(path) if path is not None and same else None

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Interaction: ...
    @overload
    def __getitem__(self, index: slice) -> list[Interaction]: ...
    def __getitem__(self, index: int | slice) -> Interaction | list[Interaction]:
        if isinstance(index, slice):
            return list(self._read(self._places[index]))
        return next(self._read([self._places[index]]))

    def __iter__(self) -> Iterator[Interaction]:
        return self._read(self._places)

    def _read(self, places: Sequence[Place]) -> Iterator[Interaction]:
        if not places or self._path is None:
            return
        try:
            with self._path.open("rb") as file:
                if self._seen is not None and _signature(file.fileno()) != self._seen:
                    raise CassetteError(
                        "the file has changed since this session recorded to it",
                        path=self._path,
                        hint="Load it anew with: Cassette.load(path)",
                    )
                for place in places:
                    yield place.read(file, self._path)
        except FileNotFoundError:
            raise not_found(self._path) from None


@dataclass
class Merged:
    """What became of a merge.

    Attributes:
        recorded: the new interactions, in the cassette.
        backup: the copy of a file that could not be read in whole, which is kept; None where it could.
    """

    recorded: Recorded
    backup: Path | None = None


@dataclass
class _Source:
    file: BinaryIO
    places: list[Place]


def merge(
    path: Path, journals: Sequence[Path], header: Header, replaces: Replaces, *, ended: Sequence[int] = ()
) -> Merged:
    """Make the cassette `path` from the interactions of journals and from what stays of the present file.

    The new interactions stand where the first one that gives way stood, else at the end. The header stays if
    anything else of the file does. A present file that cannot be read in whole is copied to ``NAME.jsonl.bak``;
    what is whole in it stays, if it does not give way.

    Args:
        path: the cassette.
        journals: the journals, each in good order.
        header: the header line of a cassette that is new in all its parts.
        replaces: which interactions of the present file give way.
        ended: how many interactions the first journals must hold, where that is known.

    Raises:
        CassetteError: a journal has an interaction that is not whole, or not those that it must have; or the cassette
            cannot be written. The cassette is as it was.
    """
    try:
        with ExitStack() as stack:
            stack.enter_context(locked(path))
            remove_leftovers(path)
            new = [_opened(stack, journal, count) for journal, count in zip_longest(journals, ended)]
            base, old, backup = _present(stack, path)
            requests = [place.request(source.file) for source in new for place in source.places]
            stays = [
                not replaces(place, base.header or header, old.file, requests) if old else False
                for place in base.interactions
            ]
            at = stays.index(False) if False in stays else len(stays)
            before = [place for place, stay in zip(base.interactions[:at], stays[:at], strict=True) if stay]
            after = [place for place, stay in zip(base.interactions[at:], stays[at:], strict=True) if stay]
            kept = base if before or after else Places(header)
            with replacing(path) as out:
                writer = _Writer(out)
                writer.text([*encode_comments(kept.comments), encode_header(kept.header or header)])
                if old:
                    writer.copy(old.file, before)
                written = [place for source in new for place in writer.copy(source.file, source.places)]
                if old:
                    writer.copy(old.file, after)
                writer.text(encode_comments(kept.trailing_comments))
        return Merged(Recorded(path, written), backup)
    except OSError as error:
        raise CassetteError(
            f"the cassette cannot be written: {error.strerror}",
            path=path,
            hint="It is as it was. Make room or set the permissions, and record again.",
        ) from error


def recorded_in(journal: Path) -> Recorded:
    """The interactions of a journal that have ended, while it is being written or after it was given up."""
    with journal.open("rb") as file:
        places = [place for place in find_places(file, journal, check_chunks=False).interactions if place.whole]
    return Recorded(journal, places, same=False)


def digests(path: Path) -> frozenset[bytes]:
    """A digest of each interaction that a cassette file holds; none where there is no such file."""
    try:
        with path.open("rb") as file:
            places = find_places(file, path, check_chunks=False).interactions
            return frozenset(place.digest(file) for place in places)
    except OSError:
        return frozenset()


def _opened(stack: ExitStack, journal: Path, ended: int | None) -> _Source:
    file = stack.enter_context(journal.open("rb"))
    found = find_places(file, journal, check_chunks=False)
    for place in found.interactions:
        if place.problems:
            raise place.problems[0]
        if not place.ended:
            raise CassetteError("an answer was not finished: its end is missing", path=journal, line=place.line)
    if ended is not None and len(found.interactions) != ended:
        raise CassetteError(
            f"the journal holds {len(found.interactions)} of {ended} interactions: somebody has changed it",
            path=journal,
        )
    return _Source(file, found.interactions)


def _present(stack: ExitStack, path: Path) -> tuple[Places, _Source | None, Path | None]:
    try:
        refuse_irregular(path)
        file = stack.enter_context(path.open("rb"))
    except FileNotFoundError:
        return Places(), None, None
    found = find_places(file, path)
    whole = [place for place in found.interactions if place.whole]
    spoiled = found.header is None or found.problems or len(whole) != len(found.interactions)
    backup = keep_backup(path) if spoiled else None
    found.interactions = whole
    return found, _Source(file, whole), backup


class _Writer:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0

    def text(self, lines: Sequence[str] | Iterator[str]) -> None:
        for line in lines:
            self._write(f"{line}\n".encode())

    def copy(self, source: BinaryIO, places: Sequence[Place]) -> list[Place]:
        """Copy interactions; where they stand now."""
        written = []
        for place in places:
            began = self._at
            last = b""
            for offset, length in place.runs:
                source.seek(offset)
                while length and (data := source.read(min(length, _BLOCK))):
                    self._write(data)
                    length -= len(data)
                    last = data
            if not last.endswith(b"\n"):  # the last line of a file that somebody edited
                self._write(b"\n")
            written.append(Place(place.line, place.test, [[began, self._at - began]], ended=True))
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
