"""The journal of a recording session: what is known so far, on disk, line by line.

``NAME.jsonl.part`` is a cassette that grows. Each line is written at once by one call to the system, so a crash of
this process loses at most the last line; the cassette ``NAME.jsonl`` stays as it was until `Journal.commit`.

Interactions that overlap in time share the journal. Whenever the writer turns to another interaction than the one
of the line before, it first writes the marker ``#| N``: what follows belongs to interaction N, counted from 1 in
the order of the requests. A request that comes while no other interaction is open needs none, so that a journal
without overlap is the beginning of a plain cassette. `journal_reader` understands the markers; a finished cassette
has none.

A journal that is let go in good order ends with the line ``#| discarded``; see `journal_file` for what becomes of
journals when the next recording begins.
"""

from __future__ import annotations

import contextlib
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import CassetteError
from .format_v1 import (
    Header,
    encode_chunk,
    encode_end,
    encode_header,
    encode_request,
    encode_response,
)
from .journal_file import DISCARDED, OPEN_FILES_STAY, open_journal
from .model import Chunk, End, Request, Response
from .spelling import Rounding

if TYPE_CHECKING:
    from .files import Cassette


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
                self._file = open_journal(self.path, self.part)
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
                    self._write(DISCARDED)
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
        if remove and not OPEN_FILES_STAY:
            self.part.unlink(missing_ok=True)
        os.close(self._file)
        self._file = None
        if remove and OPEN_FILES_STAY:
            self.part.unlink(missing_ok=True)
