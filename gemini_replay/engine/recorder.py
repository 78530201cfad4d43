"""Observes one live response: moments and bytes in, lines for the journal and a whole interaction out."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal, Protocol

from ..cassette.model import Chunk, End, EndKind, Headers, Interaction, Request, Response, header
from .coding import CodingError, Decode, decoder


class Journal(Protocol):
    """Where each part of an interaction is written down as soon as it is known."""

    def response(self, response: Response) -> None:
        """Write the head."""

    def chunk(self, chunk: Chunk) -> None:
        """Write one chunk."""

    def end(self, end: End) -> None:
        """Write the end."""


class Scrubber(Protocol):
    """Takes secrets out of a body; holds a chunk back while its end may be the start of one."""

    def feed(self, data: bytes) -> list[bytes]:
        """The chunks that are safe now, in order, each as long as it came."""

    def close(self) -> list[bytes]:
        """The chunks still held back."""


class Recorder:
    """Records one interaction. All moments are seconds on one clock of the caller's.

    Calls may come from any thread; whatever comes after the end is passed over, so that a reader that is still
    under way when its client lets go needs no care.

    Args:
        request: what was asked, redacted already.
        journal: told of each part at once.
        scrub: takes secrets out of the body.
        redact: takes secrets out of the head.
        done: called once with the interaction when it has ended.
        wire: keep a compressed body as it came, instead of decoded.
    """

    def __init__(
        self,
        request: Request,
        *,
        journal: Journal,
        scrub: Scrubber,
        redact: Callable[[Response], Response],
        done: Callable[[Interaction], None],
        wire: bool = False,
    ) -> None:
        self._request = request
        self._journal = journal
        self._scrub = scrub
        self._redact = redact
        self._done = done
        self._wire = wire
        self._lock = threading.Lock()
        self._last = 0.0
        self._response: Response | None = None
        self._decode: Decode | None = None
        self._held: deque[float] = deque()
        self._chunks: list[Chunk] = []
        self._ended = False

    def sent(self, at: float) -> None:
        """The request leaves; may be said again when the true moment becomes known later."""
        with self._lock:
            self._last = at

    def head(self, status: int, headers: Headers, at: float) -> None:
        """The response's head has arrived."""
        with self._lock:
            if self._ended:
                return
            coding = header(headers, "content-encoding")
            body: Literal["decoded", "wire"] | None = None
            if coding and coding.strip().lower() != "identity":
                self._decode = None if self._wire else decoder(coding)
                body = "wire" if self._decode is None else "decoded"
            response = Response(status, headers, max(0.0, at - self._last), body)
            self._response = self._redact(response)
            self._last = at
            self._journal.response(self._response)

    def chunk(self, data: bytes, at: float) -> None:
        """A chunk has arrived."""
        with self._lock:
            if self._ended:
                return
            if self._decode is not None:
                try:
                    data = self._decode(data)
                except CodingError:
                    # The client fails on these bytes too; without a decoder nothing after them means anything.
                    self._finish(End("reset", max(0.0, at - self._last)), at)
                    return
            self._held.append(max(0.0, at - self._last))
            self._last = at
            self._write(self._scrub.feed(data))

    def end(self, kind: EndKind, at: float, *, how: Literal["closed"] | None = None) -> None:
        """The response is over."""
        with self._lock:
            if not self._ended:
                self._finish(End(kind, max(0.0, at - self._last), how), at)

    def cut(self) -> None:
        """The session ends while the response is still under way: the client let go of it."""
        with self._lock:
            if not self._ended:
                self._finish(End("cancelled"), self._last)

    def drop(self) -> None:
        """Nothing came of the request (there was no connection): nothing is recorded of it."""
        with self._lock:
            self._ended = True

    def _write(self, safe: list[bytes]) -> None:
        for data in safe:
            chunk = Chunk(self._held.popleft(), data)
            self._chunks.append(chunk)
            self._journal.chunk(chunk)

    def _finish(self, end: End, at: float) -> None:
        self._ended = True
        self._last = at
        self._write(self._scrub.close())
        self._journal.end(end)
        self._done(Interaction(self._request, self._response, tuple(self._chunks), end))
