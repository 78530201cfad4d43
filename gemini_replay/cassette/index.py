"""An index of a cassette or journal: where each interaction's lines are, without keeping their content.

Making a cassette from a journal, and salvaging what a crash left, means copying lines. This module reads a file once
and remembers the byte ranges of each interaction. It understands a journal's markers (see `journal.writer`). After a
line that it cannot read, it goes on with the next interaction: such a line spoils only its own, which ends there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ..errors import CassetteFormatError
from .format_v1 import Comment, Header, Line, decode_line
from .model import Chunk, End, Interaction, Request
from .reader import BOM, Draft

_MARKER = re.compile(r"#\| (?:(dropped )?(\d{1,9})|discarded)$")


@dataclass
class IndexEntry:
    """Where the lines of one interaction are: [offset, length] in bytes, the comments before its request first."""

    line: int
    test: str | None = None
    ranges: list[list[int]] = field(default_factory=list)
    ended: bool = False
    problems: list[CassetteFormatError] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether the interaction has an end and no unreadable line."""
        return self.ended and not self.problems

    def add(self, offset: int, length: int) -> None:
        """Add a line of the interaction."""
        if self.ranges and sum(self.ranges[-1]) == offset:
            self.ranges[-1][1] += length
        else:
            self.ranges.append([offset, length])

    def lines(self, file: BinaryIO) -> Iterator[bytes]:
        """The interaction's lines, read from the file."""
        for offset, length in self.ranges:
            file.seek(offset)
            while length > 0 and (line := file.readline(length)):
                yield line
                length -= len(line)

    def digest(self, file: BinaryIO) -> bytes:
        """A digest of the interaction's bytes."""
        import hashlib  # takes 5 ms, and few files need it

        digest = hashlib.sha256()
        for line in self.lines(file):
            digest.update(line)
        return digest.digest()

    def request(self, file: BinaryIO) -> Request:
        """The interaction's request, read from the file."""
        return next(item for line in self.lines(file) if isinstance(item := decode_line(line), Request))

    def read(self, file: BinaryIO, path: Path | None = None) -> Interaction:
        """The interaction, read from the file up to the first line that cannot be read.

        Without an end line, or with lines that cannot be read, it ends as "cancelled" with ``"salvaged": true``.
        """
        draft: Draft | None = None
        comments: list[str] = []
        for line in self.lines(file):
            try:
                item = decode_line(line, path=path, number=self.line)
                if isinstance(item, Comment):
                    comments.append(item.text)
                elif isinstance(item, Request):
                    draft = Draft(item, comments)
                elif draft is None or isinstance(item, Header):
                    continue
                elif isinstance(item, End):
                    draft.end(item, path=path, number=self.line)
                else:
                    draft.add(item, path=path, number=self.line)
            except CassetteFormatError as problem:
                self.problems.append(problem)
                break
        assert draft is not None  # every entry has a readable request line
        if draft.ended is None or self.problems:
            return draft.finish(End("cancelled", extra={"salvaged": True}))
        return draft.finish(draft.ended)


@dataclass
class FileIndex:
    """What a file contains, and where. Without a header line that can be read, `header` is None."""

    header: Header | None = None
    comments: tuple[str, ...] = ()
    entries: list[IndexEntry] = field(default_factory=list)
    trailing_comments: tuple[str, ...] = ()
    problems: list[CassetteFormatError] = field(default_factory=list)


def index_file(file: BinaryIO, path: Path | None = None, *, check_chunks: bool = True) -> FileIndex:
    """Read a file and index its interactions.

    Without `check_chunks`, chunk lines are not decoded to find unreadable ones: this process has just written them.
    """
    scan = _Scan(path)
    offset = 0
    for number, line in enumerate(file, 1):
        start = len(BOM) if number == 1 and line.startswith(BOM) else 0
        item: Line | None = None  # a chunk
        if check_chunks or not line.startswith(b"["):
            try:
                item = decode_line(line[start:], path=path, number=number)
            except CassetteFormatError as problem:
                scan.unreadable(problem, cut=not line.endswith(b"\n"))
                offset += len(line)
                continue
        scan.take(item, number, offset + start, len(line) - start)
        offset += len(line)
    return scan.finish()


class _Scan:
    def __init__(self, path: Path | None) -> None:
        self._found = FileIndex()
        self._path = path
        self._by_number: dict[int, IndexEntry] = {}
        self._dropped: set[int] = set()
        self._current = 0
        self._marked = False
        self._responded: set[int] = set()
        self._comments: list[tuple[str, int, int]] = []

    def take(self, item: Line | None, number: int, offset: int, length: int) -> None:
        """Take one line of the file; None is a chunk line that was not decoded."""
        if isinstance(item, Comment):
            self._comment(item.text, offset, length)
        elif isinstance(item, Header):
            self._header(item, number)
        elif isinstance(item, Request):
            self._request(item, number, offset, length)
        else:
            self._line(item, number, offset, length)

    def unreadable(self, problem: CassetteFormatError, *, cut: bool) -> None:
        """Take a line that cannot be read. A crash may have cut the last one (`cut`)."""
        entry = self._by_number.get(self._current)
        if cut and (entry is None or not entry.ended):
            return  # a crash stopped the writer within this line; its interaction has no end line anyway
        self._found.problems.append(problem)
        if entry is not None and not entry.ended:
            entry.problems.append(problem)

    def finish(self) -> FileIndex:
        """The complete index, at the end of the file."""
        self._found.entries = [
            entry for number, entry in sorted(self._by_number.items()) if number not in self._dropped
        ]
        self._found.trailing_comments = tuple(text for text, _, _ in self._comments)
        return self._found

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
        entry = self._by_number[self._current] = IndexEntry(number, request.test)
        for _, at, size in self._comments:
            entry.add(at, size)
        entry.add(offset, length)
        self._comments, self._marked = [], False

    def _line(self, item: Line | None, number: int, offset: int, length: int) -> None:
        self._marked = False
        entry = self._by_number.get(self._current)
        chunk = item is None or isinstance(item, Chunk)
        if entry is None or entry.ended:
            self._misplaced("a line outside of any interaction", number)
        elif entry.problems:  # what follows a hole would look as if it followed what is before
            entry.ended = isinstance(item, End)
        elif chunk and self._current not in self._responded:
            self._misplaced("a chunk before its response line", number)
        elif not chunk and not isinstance(item, End) and self._current in self._responded:
            self._misplaced("a second response", number)
        else:
            entry.add(offset, length)
            entry.ended = isinstance(item, End)
            if not chunk and not entry.ended:
                self._responded.add(self._current)

    def _misplaced(self, what: str, number: int) -> None:
        self.unreadable(CassetteFormatError(what, path=self._path, line=number), cut=False)
