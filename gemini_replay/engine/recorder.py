"""Observes one live response, and writes its bytes and times to a journal. It keeps nothing that it has written.

The observer cannot hurt the observed: any failure in here is a failure of the recording and is reported to the
session, never to the client.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Concatenate, Literal, ParamSpec, Protocol

from ..cassette.model import Chunk, End, Ending, Headers, Response, header
from ..errors import GeminiReplayError
from .coding import DECODED_LIMIT, ContentDecoder, Decoded, content_decoder

_P = ParamSpec("_P")


class Entry(Protocol):
    """A journal's entry, to which each part of an interaction is written as soon as it is known."""

    def response(self, response: Response) -> None:
        """Write the head."""

    def chunks(self, *chunks: Chunk) -> None:
        """Write these chunks, together."""

    def end(self, end: End) -> None:
        """Write the end."""

    def drop(self) -> None:
        """Remove the entry: the request got no answer."""


class Scrubber(Protocol):
    """Removes secrets from a body. It holds a chunk back while its end may be the start of a secret."""

    def feed(self, *chunks: bytes) -> list[bytes]:
        """Take the next chunks. Returns those that are safe now, in order, each as long as it came."""

    def close(self) -> list[bytes]:
        """The chunks still held back."""


_AT_ONCE = 64
_BYTES_AT_ONCE = 64 * 1024
"""How many chunks, or bytes of chunks, are searched and written together at most."""


def _observing(
    method: Callable[Concatenate[Recorder, _P], None],
) -> Callable[Concatenate[Recorder, _P], None]:
    """Run a method under the recorder's lock, after writing earlier chunks. If it fails, the recording fails.

    When the response is over, the method does nothing.
    """

    @functools.wraps(method)
    def observing(recorder: Recorder, *args: _P.args, **options: _P.kwargs) -> None:
        with recorder._lock:
            if recorder._over:
                recorder._arrived.clear()
                return
            try:
                recorder._write_arrived()
                if not recorder._over:  # the first of them may have come after the client had left
                    method(recorder, *args, **options)
            except Exception as problem:
                recorder._give_up(problem)

    return observing  # type: ignore[return-value]  # mypy: the names of positional arguments


class Recorder:
    """Records one interaction. All moments are seconds on a clock of the caller's.

    Calls may come from any thread, and none raises an error. Calls after the end are ignored, so a reader may still
    be running when its client closes the response.

    Args:
        entry: gets each part at once.
        began: when the request was handed to the client's library; `sent` corrects this moment.
        scrub: removes secrets from the body.
        redact: removes secrets from the head.
        failed: called with the error if the recording fails. Nothing more is recorded then.
        done: called with this recorder when it records no more.
        left_open: called if `cut` ends a response that its client has neither read to its end nor closed.
        wire: keep a compressed body as it came, instead of decoded.
        decoded_limit: the most bytes that a compressed body may decode to; more is a failure of the recording.

    Attributes:
        status: the response's status, once it is known.
        awaited: says whether the client is waiting for more of the body right now; a transport replaces it.
    """

    awaited: Callable[[], bool] = staticmethod(lambda: False)

    def __init__(
        self,
        *,
        entry: Entry,
        began: float,
        scrub: Scrubber,
        redact: Callable[[Response], Response],
        failed: Callable[[BaseException], None],
        done: Callable[[Recorder], None] = lambda recorder: None,
        left_open: Callable[[], None] = lambda: None,
        wire: bool = False,
        decoded_limit: int = DECODED_LIMIT,
    ) -> None:
        self.status: int | None = None
        self._entry: Entry | None = entry
        self._scrub: Scrubber | None = scrub
        self._redact = redact
        self._failed = failed
        self._done = done
        self._left_open = left_open
        self._wire = wire
        self._lock = threading.Lock()
        self._last = began
        self._decoded_limit = decoded_limit
        self._decoder: ContentDecoder | None = None
        self._arrived: deque[tuple[bytes, float]] = deque()
        # For each chunk that is held back: its time, its members, and how many of its bytes are decoded.
        self._held: deque[tuple[float, tuple[int, ...], int]] = deque()
        self._over = False
        self._abandoned: tuple[float, Ending] | None = None

    @_observing
    def sent(self, at: float) -> None:
        """The request is sent at this moment, and not when it began. A later call corrects the moment."""
        self._last = at

    @_observing
    def head(self, status: int, headers: Headers, at: float) -> None:
        """The response's head has arrived."""
        assert self._entry is not None
        self.status = status
        coding = header(headers, "content-encoding")
        body: Literal["decoded", "wire"] | None = None
        if coding and coding.strip().lower() != "identity":
            self._decoder = None if self._wire else content_decoder(coding, self._decoded_limit)
            body = "wire" if self._decoder is None else "decoded"
        response = Response(status, headers, max(0.0, at - self._last), body)
        self._last = at
        self._entry.response(self._redact(response))

    def chunk(self, data: bytes, at: float) -> None:
        """A chunk has arrived. It is only noted here; `write`, or any other method, writes it.

        So the client can have the chunk first.
        """
        self._arrived.append((data, at))

    @_observing
    def write(self) -> None:
        """Write the chunks that have arrived."""

    def _write_arrived(self) -> None:
        while self._arrived and not self._abandoned_before(self._arrived[0][1]):
            self._write_together()

    def _write_together(self) -> None:
        """Write the next chunks that one read of the wire has brought, with one search and one write."""
        assert self._scrub is not None
        bodies: list[bytes] = []
        size = 0
        try:
            while self._arrived and len(bodies) < _AT_ONCE and size < _BYTES_AT_ONCE:
                data, at = self._arrived[0]
                if self._abandoned is not None and self._abandoned[0] <= at:
                    break
                self._arrived.popleft()
                after, self._last = max(0.0, at - self._last), at
                if self._decoder is None:
                    self._held.append((after, (), len(data)))
                else:
                    data = self._noted(after, self._decoder.decode(data))
                bodies.append(data)
                size += len(data)
        finally:  # the chunks before one that cannot be decoded
            self._write_safe(self._scrub.feed(*bodies))

    @_observing
    def end(self, ending: Ending, at: float) -> None:
        """The response is over."""
        if not self._abandoned_before(at):
            self._finish(End.of(ending, max(0.0, at - self._last)))

    def abandon(self, at: float, ending: Ending = "cancelled") -> None:
        """The client has closed or dropped the response at this moment, at will or because of its timeout.

        A finalizer may call this in any thread at any moment, even in one that is inside this recorder. So it takes
        no lock and writes nothing. Later chunks are ignored, and `cut` writes the end unless another call does.
        """
        if self._abandoned is None:
            self._abandoned = at, ending

    @_observing
    def cut(self) -> None:
        """The session ends: a response that was abandoned has ended, and any other ends now.

        If the client is waiting for more of it, the recording fails, since "cancelled" would not be true.
        """
        if self._abandoned_before(float("inf")):
            return
        if self.awaited():
            raise GeminiReplayError(
                "the response was still being read when the session ended.",
                hint="Join the thread, or await the task, that reads it before the session ends.",
            )
        self._finish(End("cancelled"))
        self._left_open()

    @_observing
    def end_if_abandoned(self) -> None:
        """Write the end of the response if it was abandoned."""
        self._abandoned_before(float("inf"))

    @_observing
    def drop(self) -> None:
        """The request got no answer (there was no connection). Nothing is recorded of it."""
        entry = self._entry
        self._close()
        assert entry is not None
        entry.drop()

    def fail(self, problem: BaseException) -> None:
        """Code of ours outside of the recorder has failed: the recording fails, the client does not."""
        with self._lock:
            if not self._over:
                self._give_up(problem)

    def _abandoned_before(self, at: float) -> bool:
        """Whether the client had abandoned the response before this moment; if so, that was its end."""
        if self._abandoned is None or self._abandoned[0] > at:
            return False
        moment, ending = self._abandoned
        self._finish(End.of(ending, max(0.0, moment - self._last)))
        return True

    def _noted(self, after: float, found: Decoded) -> bytes:
        """Note when a chunk came. Returns its bytes that have to be searched."""
        self._held.append((after, found.members, len(found.data)))
        # Bytes that could not be decoded may be plain text with a wrong header: they are searched as well.
        return found.data + found.coded

    def _write_safe(self, safe: list[bytes]) -> None:
        assert self._entry is not None
        chunks = []
        for data in safe:
            after, members, decoded = self._held.popleft()
            chunks.append(Chunk(after, data[:decoded], members, data[decoded:]))
        if chunks:
            self._entry.chunks(*chunks)

    def _finish(self, end: End) -> None:
        assert self._entry is not None
        assert self._scrub is not None
        self._over = True
        if self._decoder is not None:
            if rest := self._decoder.close():
                self._write_safe(self._scrub.feed(self._noted(0.0, Decoded(b"", coded=rest))))
            if end.kind == "eof" and self._decoder.unfinished:
                end = replace(end, how="unfinished")
        self._write_safe(self._scrub.close())
        self._entry.end(end)
        self._close()

    def _give_up(self, problem: BaseException) -> None:
        with suppress(Exception):
            self._close()
        with suppress(Exception):
            self._failed(problem)

    def forget(self) -> None:
        """Record nothing more, silently: this process is a fork of the one that records."""
        self._lock = threading.Lock()  # another thread of that process may have held the lock
        self._over = True
        self._arrived.clear()

    def _close(self) -> None:
        """Release everything that is held."""
        self._over = True
        self._entry = self._scrub = self._decoder = None
        self._held.clear()
        self._arrived.clear()
        self._done(self)


class NullRecorder(Recorder):
    """Replaces a recorder that could not be made. It records nothing; the client still gets its response."""

    def __init__(self) -> None:
        self.status = None
        self._lock = threading.Lock()
        self._arrived = deque(maxlen=0)
        self._over = True
        self._abandoned = None
