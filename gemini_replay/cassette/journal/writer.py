"""Writes a journal: each line at once, by one call to the system.

A crash of this process loses at most the last line; the cassette ``NAME.jsonl`` stays as it was until it is made
from the journal (see `cassette.merging`). Nothing that has been written is held in memory.

Interactions that overlap in time share the journal. Whenever the writer turns to another interaction than the one
of the line before, it first writes the marker ``#| N``: what follows belongs to interaction N, counted from 1 in
the order of the requests. A request that comes while no other interaction is open needs none, so that a journal
without overlap is the beginning of a plain cassette. ``#| dropped N`` says that nothing came of interaction N.
A journal that is given up in good order ends with ``#| discarded``. `cassette.index` understands these markers; a
finished cassette has none.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from types import TracebackType

from ... import clocks
from ..._version import __version__
from ...errors import CassetteError
from ..encoding import Rounding
from ..format_v1 import (
    Header,
    decode_line,
    encode_chunk,
    encode_end,
    encode_header,
    encode_request,
    encode_response,
)
from ..model import Chunk, End, Request, Response
from .file import DISCARDED, OPEN_FILES_STAY, open_journal


class JournalEntry:
    """One interaction in the journal; each method writes its line at once.

    After the interaction's end, or the journal's, everything is ignored: a stream that outlives its session has
    nobody left to record for.
    """

    def __init__(self, journal: Journal, number: int) -> None:
        self._journal = journal
        self._number = number
        self._rounding = Rounding()

    def response(self, response: Response) -> None:
        """Write the response's head.

        Raises:
            CassetteFormatError: a cassette cannot hold it (a status or a header that HTTP cannot carry).
        """
        line = encode_response(response, self._rounding)
        decode_line(line.encode())
        self._journal._append(self._number, line)

    def chunk(self, chunk: Chunk) -> None:
        """Write one chunk."""
        self._journal._append(self._number, encode_chunk(chunk, self._rounding))

    def end(self, end: End) -> None:
        """Write the end."""
        self._journal._append(self._number, encode_end(end, self._rounding), ends=True)

    def drop(self) -> None:
        """Nothing came of the request: the cassette is not to hold it."""
        self._journal._drop(self._number)


class Journal:
    """Writes down a recording session while it runs. Safe for threads. Redact before: it writes what it is given.

    The file is created by the first `begin`; a session in which nothing is recorded leaves no trace.

    Args:
        path: the cassette's path; the journal is a file beside it, see `journal.file`.
        test: the id of the test that records.
        recorder: who records; this release by default.
        recorded: when, in ISO 8601; now by default.

    Attributes:
        part: the journal's file; None before the first `begin`.
        header: the cassette's header line.
        ended: how many interactions have ended.
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
        self.part: Path | None = None
        self.header = Header(
            recorder or f"gemini-replay {__version__}",
            recorded or clocks.timestamp(),
            test,
        )
        self.ended = 0
        self._lock = threading.Lock()
        self._file: int | None = None
        self._size = 0
        self._closed = False
        self._count = 0
        self._current = 0
        self._open: set[int] = set()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def begin(self, request: Request) -> JournalEntry:
        """Write the request of a new interaction.

        Raises:
            CassetteError: the journal cannot be written.
        """
        line = encode_request(request)
        with self._lock:
            if self._closed:
                raise CassetteError("the recording session is over", path=self.path)
            if self._file is None:
                self._file, self.part = open_journal(self.path, self.header.test)
                self._write(encode_header(self.header))
            self._count += 1
            number = self._count
            # An overlapping request is marked; a plain one says by itself that a new interaction begins.
            self._turn_to(number, marked=bool(self._open))
            self._open.add(number)
            self._write(line)
        return JournalEntry(self, number)

    def remove(self) -> None:
        """End the journal and remove its file: its cassette has been made, or it holds nothing."""
        with self._lock:
            self._close(remove=True)

    def discard(self) -> None:
        """End the journal. Its file stays beside the cassette until the next recording, for salvage."""
        with self._lock:
            if self._file is not None:
                with contextlib.suppress(CassetteError):
                    self._write(DISCARDED)
            self._close(remove=False)

    def abandon(self) -> None:
        """End the journal as a crash would: its file stays until somebody removes it."""
        with self._lock:
            self._close(remove=False)

    def forget(self) -> None:
        """End the journal in a forked child: it is the parent's."""
        self._lock = threading.Lock()  # another thread of the parent may have held it
        self._closed = True
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, number: int, line: str, *, ends: bool = False) -> None:
        with self._lock:
            if self._closed or number not in self._open:
                return
            self._turn_to(number, marked=True)
            self._write(line)
            if ends:
                self._open.discard(number)
                self.ended += 1

    def _drop(self, number: int) -> None:
        with self._lock:
            if not self._closed and number in self._open:
                self._open.discard(number)
                self._write(f"#| dropped {number}")
                self._current = 0

    def _turn_to(self, number: int, *, marked: bool) -> None:
        if marked and number != self._current:
            self._write(f"#| {number}")
        self._current = number

    def _write(self, line: str) -> None:
        assert self._file is not None
        data = memoryview(f"{line}\n".encode())
        total = len(data)
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self._undo_write()
            raise CassetteError(
                f"the journal cannot be written: {error.strerror}",
                path=self.part,
                hint=f"The cassette {self.path} is as it was. Make room or set the permissions, and record again.",
            ) from error
        self._size += total

    def _undo_write(self) -> None:
        """Take back the part of a line that was written, so that the next line does not continue it."""
        assert self._file is not None
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self._close(remove=False)  # nothing can be written after half a line

    def _close(self, *, remove: bool) -> None:
        self._closed = True
        if self._file is None or self.part is None:
            return
        # Windows removes no open file; elsewhere the lock must outlive the name.
        file, self._file = self._file, None
        if not OPEN_FILES_STAY and remove:
            self.part.unlink(missing_ok=True)
        os.close(file)
        if OPEN_FILES_STAY and remove:
            self.part.unlink(missing_ok=True)
