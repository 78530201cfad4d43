"""Where each interaction's lines stand in a cassette or a journal, found without holding what they say.

A cassette is made from a journal, and salvaged from what a crash left, by copying lines. This module reads a file
once, line by line, and remembers for each interaction which runs of bytes are its own. It understands the markers of
a journal (see `journal.writer`), and it goes on after a line that it cannot read: what such a line spoils is the
interaction that it stands in, and no other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ..errors import CassetteFormatError
from .format_v1 import Comment, Header, Line, decode_line
from .model import Chunk, End, Interaction, Request
from .reader import Draft

_MARKER = re.compile(r"#\| (?:(dropped )?(\d{1,9})|discarded)$")
_BOM = b"\xef\xbb\xbf"


@dataclass
class Place:
    """Where one interaction stands in a file.

    Attributes:
        line: the number of its request line, counted from 1.
        test: the test that made it, as its request line says.
        runs: its lines as [offset, length] in bytes, in order; the comments before its request line are among them.
        ended: whether it has an end line.
        problems: its lines that cannot be read.
    """

    line: int
    test: str | None = None
    runs: list[list[int]] = field(default_factory=list)
    ended: bool = False
    problems: list[CassetteFormatError] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing of it is missing."""
        return self.ended and not self.problems

    def add(self, offset: int, length: int) -> None:
        """One more of its lines."""
        if self.runs and sum(self.runs[-1]) == offset:
            self.runs[-1][1] += length
        else:
            self.runs.append([offset, length])

    def lines(self, file: BinaryIO) -> Iterator[bytes]:
        """Its lines, read from the file anew."""
        for offset, length in self.runs:
            file.seek(offset)
            while length > 0 and (line := file.readline(length)):
                yield line
                length -= len(line)

    def digest(self, file: BinaryIO) -> bytes:
        """A digest of its bytes."""
        digest = hashlib.sha256()
        for line in self.lines(file):
            digest.update(line)
        return digest.digest()

    def request(self, file: BinaryIO) -> Request:
        """Its request, read from the file anew."""
        found = next(item for line in self.lines(file) if isinstance(item := decode_line(line), Request))
        return found

    def read(self, file: BinaryIO, path: Path | None = None) -> Interaction:
        """The interaction, read from the file anew, as far as it can be read.

        One that lacks its end line, or has lines that cannot be read, ends as "cancelled" with
        ``"salvaged": true``.
        """
        draft: Draft | None = None
        comments: list[str] = []
        end: End | None = None
        for line in self.lines(file):
            try:
                item = decode_line(line, path=path, number=self.line)
                if isinstance(item, Comment):
                    comments.append(item.text)
                elif isinstance(item, Request):
                    draft = Draft(item, comments, self.line)
                elif isinstance(item, End):
                    end = item
                elif draft is not None and not isinstance(item, Header):
                    draft.add(item, path=path, number=self.line)
            except CassetteFormatError:
                continue  # it is among the problems
        assert draft is not None  # a place begins with a request line that was read
        if end is None or self.problems:
            end = End("cancelled", extra={"salvaged": True})
        return draft.finish(end)


@dataclass
class Places:
    """What stands where in a file.

    Attributes:
        header: the header line; None where there is none that can be read.
        comments: the comments before it.
        interactions: in the order of their requests.
        trailing_comments: the comments after the last interaction.
        problems: lines that cannot be read, with their numbers, whatever interaction they stand in.
    """

    header: Header | None = None
    comments: tuple[str, ...] = ()
    interactions: list[Place] = field(default_factory=list)
    trailing_comments: tuple[str, ...] = ()
    problems: list[CassetteFormatError] = field(default_factory=list)


def find_places(file: BinaryIO, path: Path | None = None, *, check_chunks: bool = True) -> Places:
    """Read a file and tell what stands where in it.

    Args:
        file: open for reading bytes.
        path: for messages.
        check_chunks: also decode every chunk line, to know that it can be read; a journal that this process has
            just written needs no such check.
    """
    found = Places()
    scan = _Scan(found, path)
    offset = 0
    for number, line in enumerate(file, 1):
        start = len(_BOM) if number == 1 and line.startswith(_BOM) else 0
        if check_chunks or not line.startswith(b"["):
            try:
                item: Line | None = decode_line(line[start:], path=path, number=number)
            except CassetteFormatError as problem:
                scan.unreadable(problem, cut=not line.endswith(b"\n"))
                offset += len(line)
                continue
        else:
            item = None  # a chunk
        scan.take(item, number, offset + start, len(line) - start)
        offset += len(line)
    scan.finish()
    return found


class _Scan:
    def __init__(self, found: Places, path: Path | None) -> None:
        self._found = found
        self._path = path
        self._by_number: dict[int, Place] = {}
        self._dropped: set[int] = set()
        self._current = 0
        self._marked = False
        self._responded: set[int] = set()
        self._comments: list[tuple[str, int, int]] = []

    def take(self, item: Line | None, number: int, offset: int, length: int) -> None:
        """One line of the file; None is a chunk line that was not decoded."""
        if isinstance(item, Comment):
            self._comment(item.text, offset, length)
        elif isinstance(item, Header):
            self._header(item, number)
        elif isinstance(item, Request):
            self._request(item, number, offset, length)
        else:
            self._line(item, number, offset, length)

    def unreadable(self, problem: CassetteFormatError, *, cut: bool) -> None:
        """A line that is no line of a cassette; the last one may be cut off by a crash."""
        place = self._by_number.get(self._current)
        if cut and (place is None or not place.ended):
            return  # the writer was stopped in the middle of it; what it belongs to has no end line
        self._found.problems.append(problem)
        if place is not None and not place.ended:
            place.problems.append(problem)

    def finish(self) -> None:
        """The file has ended."""
        self._found.interactions = [
            place for number, place in sorted(self._by_number.items()) if number not in self._dropped
        ]
        self._found.trailing_comments = tuple(text for text, _, _ in self._comments)

    def _comment(self, text: str, offset: int, length: int) -> None:
        marker = _MARKER.match(text)
        if marker is None:
            self._comments.append((text, offset, length))
        elif marker[1]:
            self._dropped.add(int(marker[2]))
        elif marker[2]:
            self._current, self._marked = int(marker[2]), True

    def _header(self, header: Header, number: int) -> None:
        if self._found.header is not None or self._by_number:
            self._misplaced("a second header line", number)
            return
        self._found.header = header
        self._found.comments = tuple(text for text, _, _ in self._comments)
        self._comments = []

    def _request(self, request: Request, number: int, offset: int, length: int) -> None:
        if not self._marked or self._current in self._by_number:
            self._current = max(self._by_number, default=0) + 1
        place = self._by_number[self._current] = Place(number, request.test)
        for _, at, size in self._comments:
            place.add(at, size)
        place.add(offset, length)
        self._comments, self._marked = [], False

    def _line(self, item: Line | None, number: int, offset: int, length: int) -> None:
        self._marked = False
        place = self._by_number.get(self._current)
        chunk = item is None or isinstance(item, Chunk)
        if place is None or place.ended:
            self._misplaced("a line outside any interaction", number)
        elif chunk and self._current not in self._responded:
            self._misplaced("a chunk before its response line", number)
        elif not chunk and not isinstance(item, End) and self._current in self._responded:
            self._misplaced("a second response", number)
        else:
            place.add(offset, length)
            place.ended = isinstance(item, End)
            if not chunk and not place.ended:
                self._responded.add(self._current)

    def _misplaced(self, what: str, number: int) -> None:
        problem = CassetteFormatError(what, path=self._path, line=number)
        self._found.problems.append(problem)
        place = self._by_number.get(self._current)
        if place is not None and not place.ended:
            place.problems.append(problem)
