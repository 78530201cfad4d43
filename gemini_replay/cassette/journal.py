"""The journal of a recording session: what is known so far, on disk, line by line.

``NAME.jsonl.part`` is a cassette that grows. Each line is written at once by one call to the system, so a crash of
this process loses at most the last line; the cassette ``NAME.jsonl`` stays as it was until `Journal.commit`.

Interactions that overlap in time share the journal. Whenever the writer turns to another interaction than the one
of the line before, it first writes the marker ``#| N``: what follows belongs to interaction N, counted from 1 in
the order of the requests. A request that comes while no other interaction is open needs none, so that a journal
without overlap is the beginning of a plain cassette. `read_journal` understands the markers; a finished cassette
has none.

What becomes of an old journal when the next recording begins: one whose last line is ``#| discarded`` was let go in
good order, and is replaced. Any other was left by a crash, and moves to ``NAME.jsonl.crashed-N.part`` with the first
N that is free. So nothing is lost that nobody gave up.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import CassetteBusyError, CassetteError, CassetteFormatError
from .format_v1 import (
    Comment,
    Header,
    Line,
    decode_line,
    encode_chunk,
    encode_end,
    encode_header,
    encode_request,
    encode_response,
)
from .model import Chunk, End, Interaction, Request, Response
from .reader import Draft
from .spelling import Rounding

if TYPE_CHECKING:
    from .files import Cassette

try:
    import fcntl
except ImportError:  # not on Windows, which refuses to rename a file that is open
    fcntl = None  # type: ignore[assignment]

_MARKER = re.compile(r"#\| (\d{1,9}|discarded)$")
_DISCARDED = "#| discarded"


class JournalEntry:
    """One interaction in the journal; each method writes its line at once.

    After the interaction's end, or the journal's, everything is passed over: a stream that outlives its session has
    nobody left to record for.
    """

    def __init__(self, journal: Journal, number: int) -> None:
        self._journal = journal
        self._number = number
        self._rounding = Rounding()

    def response(self, response: Response) -> None:
        """Write the response's head."""
        self._journal._append(self._number, encode_response(response, self._rounding))

    def chunk(self, chunk: Chunk) -> None:
        """Write one chunk."""
        self._journal._append(self._number, encode_chunk(chunk, self._rounding))

    def end(self, end: End) -> None:
        """Write the end."""
        self._journal._append(self._number, encode_end(end, self._rounding), ends=True)


class Journal:
    """Writes down a recording session while it runs. Safe for threads. Redact before: it writes what it is given.

    The file is created by the first `begin`; a session in which nothing is recorded leaves no trace.

    Args:
        path: the cassette's path; the journal is the file beside it with ``.part`` added.
        test: the id of the test that records.
        recorder: who records; this release by default.
        recorded: when, in ISO 8601; now by default.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        test: str | None = None,
        recorder: str | None = None,
        recorded: str | None = None,
    ) -> None:
        self.path = Path(path)
        self.part = self.path.with_name(f"{self.path.name}.part")
        self.header = Header(
            recorder or f"gemini-replay {__version__}",
            recorded or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            test,
        )
        self._lock = threading.Lock()
        self._file: int | None = None
        self._closed = False
        self._count = 0
        self._current = 0
        self._open: set[int] = set()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard(keep=True)  # what was committed is closed already

    def begin(self, request: Request) -> JournalEntry:
        """Write the request of a new interaction.

        Raises:
            CassetteBusyError: another session is recording to the same cassette.
            CassetteError: the journal cannot be written.
        """
        line = encode_request(request)
        with self._lock:
            if self._closed:
                raise CassetteError("the recording session is over", path=self.path)
            if self._file is None:
                self._file = _open_journal(self.path, self.part)
                self._write(encode_header(self.header))
            self._count += 1
            number = self._count
            # An overlapping request is marked; a plain one says by itself that a new interaction begins.
            self._turn_to(number, marked=bool(self._open))
            self._open.add(number)
            self._write(line)
        return JournalEntry(self, number)

    def commit(self, cassette: Cassette) -> None:
        """Replace the cassette file by `cassette`, atomically, and remove the journal.

        Where the cassette does not say by whom, when and for which test it was recorded, the journal's header does.

        Raises:
            CassetteError: the cassette cannot be written; the old one and the journal stay.
        """
        with self._lock:
            for name in ("recorder", "recorded", "test"):
                if getattr(cassette, name) is None:
                    setattr(cassette, name, getattr(self.header, name))
            cassette.save(self.path)
            self._close(remove=True)

    def discard(self, *, keep: bool) -> None:
        """End the session and leave the cassette as it is.

        Args:
            keep: leave the journal beside it until the next recording, for salvage; else remove it.
        """
        with self._lock:
            if self._file is not None and keep:
                with contextlib.suppress(CassetteError):
                    self._write(_DISCARDED)
            self._close(remove=not keep)

    def _append(self, number: int, line: str, *, ends: bool = False) -> None:
        with self._lock:
            if self._closed or number not in self._open:
                return
            self._turn_to(number, marked=True)
            self._write(line)
            if ends:
                self._open.discard(number)

    def _turn_to(self, number: int, *, marked: bool) -> None:
        if marked and number != self._current:
            self._write(f"#| {number}")
        self._current = number

    def _write(self, line: str) -> None:
        assert self._file is not None
        data = memoryview(f"{line}\n".encode())
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            raise CassetteError(
                f"the journal cannot be written: {error.strerror}",
                path=self.part,
                todo=f"The cassette {self.path} is as it was. Make room or set the permissions, and record again.",
            ) from error

    def _close(self, *, remove: bool) -> None:
        self._closed = True
        if self._file is None:
            return
        # Windows removes no open file; elsewhere the lock must outlive the name.
        if remove and fcntl is not None:
            self.part.unlink(missing_ok=True)
        os.close(self._file)
        self._file = None
        if remove and fcntl is None:
            self.part.unlink(missing_ok=True)


def _open_journal(path: Path, part: Path) -> int:
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


_BINARY = getattr(os, "O_BINARY", 0)


def _lock(file: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some file systems have no locks: recording works there, unguarded.
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def _is_at(file: int, part: Path) -> bool:
    try:
        return fcntl is None or os.path.samestat(os.fstat(file), part.stat())
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
            raise _busy(path)
        if not _is_at(file, part):
            return
        size = os.fstat(file).st_size
        os.lseek(file, max(0, size - len(_DISCARDED) - 2), os.SEEK_SET)
        given_up = size == 0 or os.read(file, 64).endswith(f"\n{_DISCARDED}\n".encode())
        if fcntl is None:
            os.close(file)
            file = -1
        try:
            if given_up:
                part.unlink()
            else:
                part.rename(_free_name(path))
        except PermissionError:
            if fcntl is None:
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


# --- reading ----------------------------------------------------------------------------------------------------


@dataclass
class Salvage:
    """What could be read of a journal or a truncated cassette."""

    header: Header
    interactions: list[Interaction] = field(default_factory=list)
    comments: tuple[str, ...] = ()
    trailing_comments: tuple[str, ...] = ()


def read_journal(lines: Iterable[bytes], path: Path | None = None) -> Salvage:
    """Read a journal, or a cassette whose end is missing, as far as it goes.

    An interaction without its end line gets one: "cancelled", with ``"salvaged": true``. A last line that breaks
    off is dropped.

    Raises:
        CassetteFormatError: there is no header line, or a line before the last is no cassette line.
    """
    header: Header | None = None
    before_header: tuple[str, ...] = ()
    comments: list[str] = []
    drafts: dict[int, Draft] = {}
    ends: dict[int, End] = {}
    current = 0
    marked = False
    for number, item in _readable(lines, path):
        if isinstance(item, Comment):
            if marker := _MARKER.match(item.text):
                if marker[1] != "discarded":
                    current, marked = int(marker[1]), True
            else:
                comments.append(item.text)
        elif header is None:
            if not isinstance(item, Header):
                raise CassetteFormatError("the first line is no header", path=path, line=number)
            header, before_header, comments = item, tuple(comments), []
        elif isinstance(item, Request):
            if not marked or current in drafts:
                current = max(drafts, default=0) + 1
            drafts[current] = Draft(item, comments, number)
            comments, marked = [], False
        elif isinstance(item, Header) or current not in drafts or current in ends:
            raise CassetteFormatError(
                f"a line of a {type(item).__name__.lower()} outside any interaction", path=path, line=number
            )
        else:
            marked = False
            if isinstance(item, End):
                ends[current] = item
            else:
                drafts[current].add(item, path=path, number=number)
    if header is None:
        raise CassetteFormatError("nothing can be salvaged: there is no whole header line", path=path)
    cut = End("cancelled", extra={"salvaged": True})
    interactions = [drafts[number].finish(ends.get(number, cut)) for number in sorted(drafts)]
    return Salvage(header, interactions, before_header, tuple(comments))


def _readable(lines: Iterable[bytes], path: Path | None) -> Iterable[tuple[int, Line]]:
    for number, raw in enumerate(lines, 1):
        try:
            item = decode_line(raw, path=path, number=number)
        except CassetteFormatError:
            if raw.endswith(b"\n"):
                raise
            return
        yield number, item
