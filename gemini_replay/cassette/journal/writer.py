"""Writes a journal: each line at once, with one system call. Chunks that arrived together share one call.

A crash of this process loses at most what it was writing. The cassette ``NAME.jsonl`` does not change until it is
made from the journal (see `cassette.merging`). Nothing that has been written is kept in memory.

Interactions that overlap in time share the journal. When the next line belongs to another interaction, the marker
``#| N`` comes first: the lines after it belong to interaction N, counted from 1 by their requests. A request
while no other interaction is open needs no marker, so a journal without overlap is the beginning of a plain cassette.
``#| dropped N`` removes interaction N. A journal that is given up on purpose ends with ``#| discarded``.
`cassette.index` understands these markers; a cassette has none.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from ... import clocks
from ..._version import __version__
from ...errors import CassetteError
from ..encoding import Rounding
from ..format_v1 import Header, decode_line, encode_chunk, encode_end, encode_header, encode_request, encode_response
from ..model import Chunk, End, Request, Response
from .file import DISCARDED, OPEN_FILES_STAY, open_journal


class JournalEntry:
    """One interaction in the journal. Each method writes at once.

    After the end of the interaction or of the journal, everything is ignored: a stream can outlive its session.
    """

    def __init__(self, journal: Journal, number: int) -> None:
        self._journal = journal
        self._number = number
        self._rounding = Rounding()

    def response(self, response: Response) -> None:
        """Write the response's head; a `CassetteFormatError` if the status or a header is not valid in HTTP."""
        line = encode_response(response, self._rounding)
        decode_line(line.encode())
        self._journal._append(self._number, line)

    def chunks(self, *chunks: Chunk) -> None:
        """Write these chunks with one system call."""
        self._journal._append(self._number, "\n".join([encode_chunk(chunk, self._rounding) for chunk in chunks]))

    def end(self, end: End) -> None:
        """Write the end."""
        self._journal._append(self._number, encode_end(end, self._rounding), ends=True)

    def drop(self) -> None:
        """Leave this interaction out of the cassette: the request got no answer."""
        self._journal._drop(self._number)


class Journal:
    """Writes the interactions of a recording session to the cassette `path`. Safe for threads. It does not redact.

    The first `begin` creates the file, `part`, so a session that records nothing leaves no file.
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
        self.header = Header(recorder or f"gemini-replay {__version__}", recorded or clocks.timestamp(), test)
        self.ended = 0
        self._lock = threading.Lock()
        self._file: int | None = None
        self._size = 0
        self._closed = False
        self._count = 0
        self._current = 0
        self._open: set[int] = set()

    def begin(self, request: Request) -> JournalEntry:
        """Write the request of a new interaction; a `CassetteError` if the journal cannot be written."""
        line = encode_request(request)
        with self._lock:
            if self._closed:
                raise CassetteError("the recording session has ended", path=self.path)
            if self._file is None:
                self._file, self.part = open_journal(self.path, self.header.test)
                self._write(encode_header(self.header))
            self._count += 1
            number = self._count
            # Only an overlapping request needs a marker: a request line begins a new interaction.
            self._turn_to(number, marked=bool(self._open))
            self._open.add(number)
            self._write(line)
        return JournalEntry(self, number)

    def remove(self) -> None:
        """End the journal and remove its file, because the cassette has been made or the journal is empty."""
        with self._lock:
            self._close(remove=True)

    def discard(self) -> None:
        """End the journal. Its file stays until the next recording, for salvage."""
        with self._lock:
            if self._file is not None:
                with contextlib.suppress(CassetteError):
                    self._write(DISCARDED)
            self._close(remove=False)

    def abandon(self) -> None:
        """End the journal as a crash would. Its file stays until someone removes it."""
        with self._lock:
            self._close(remove=False)

    def forget(self) -> None:
        """End the journal in a forked child. Its file belongs to the parent."""
        self._lock = threading.Lock()  # another thread of the parent may have held the old lock
        self._closed = True
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, number: int, lines: str, *, ends: bool = False) -> None:
        with self._lock:
            if self._closed or number not in self._open:
                return
            self._turn_to(number, marked=True)
            self._write(lines)
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

    def _write(self, lines: str) -> None:
        assert self._file is not None
        data = f"{lines}\n".encode()
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError as error:
            try:  # the next line must not continue a partial line
                self._size += data.rfind(b"\n", 0, written) + 1
                os.ftruncate(self._file, self._size)
            except OSError:
                self._close(remove=False)  # nothing may follow a partial line
            raise CassetteError(
                f"the journal cannot be written: {error.strerror}",
                path=self.part,
                hint=f"The cassette {self.path} has not changed. "
                "Free some disk space or change the permissions, and record again.",
            ) from error
        self._size += written

    def _close(self, *, remove: bool) -> None:
        self._closed = True
        if self._file is None or self.part is None:
            return
        # Windows cannot remove an open file. Elsewhere the lock must outlive the name.
        file, self._file = self._file, None
        if not OPEN_FILES_STAY and remove:
            self.part.unlink(missing_ok=True)
        os.close(file)
        if OPEN_FILES_STAY and remove:
            self.part.unlink(missing_ok=True)
