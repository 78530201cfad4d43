"""What http.client reads from: a socket that plays a recording, and a response that is recorded while it is read.

http.client, and every library on top of it, parses true wire bytes and raises its own errors. While recording, a
reader takes the bytes from the real socket as they come, and passes them on unchanged, with their framing.
"""

from __future__ import annotations

import io
import re
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from http.client import HTTPException, HTTPResponse
from typing import Any

from .. import http1
from ..cassette.model import Ending, Request, header
from ..engine import pacing
from ..engine.player import Playback
from ..engine.recorder import Recorder
from ..engine.schedule import Broken
from ..errors import GeminiReplayError, RecordingEndedError
from . import private
from .observing import Harmless, now, report_end
from .read_ahead import ReadAhead
from .socket_failures import FAILURES

_NAMES = (
    "HTTPConnection.getresponse",
    "HTTPConnection.response_class",
    "HTTPConnection().sock",
    "HTTPException",
    "HTTPResponse(sock)",
    "HTTPResponse.begin",
    "HTTPResponse().chunked",
    "HTTPResponse().fp",
    "HTTPResponse().length",
    "HTTPResponse().msg",
    "HTTPResponse().status",
)


def check() -> None:
    """Check that http.client is built as expected.

    Raises:
        GeminiReplayError: it is not.
    """
    private.check("http.client", _NAMES, supported="Python 3.11 to 3.14")


class PlayedSocket:
    """As much of a socket as http.client needs. It ignores what is sent, and plays what is received.

    Args:
        playback: what to play; time zero is when the client begins to read.
        asked: the request that it answers.
    """

    def __init__(self, playback: Playback, asked: Request) -> None:
        self._playback = playback
        self._asked = asked
        self._timeout: float | None = None
        self._packets: Generator[bytes, None, None] | None = None
        self._shut = False

    def settimeout(self, seconds: float | None) -> None:
        """How long a read waits for more bytes; None for ever."""
        self._timeout = seconds

    def sendall(self, data: Any) -> None:
        """Do nothing: the request is known already."""

    def makefile(self, mode: str) -> io.BufferedReader:
        """The file from which the response is read."""
        return http1.incoming(self._receive, self._client_closed)

    def shutdown(self, how: int) -> None:
        """Make the next read return the end."""
        self._shut = True

    def close(self) -> None:
        """Do nothing: a file made from a socket stays readable."""

    def _receive(self) -> bytes:
        if self._packets is None:  # time zero; by now the timeout is the one for reading
            self._packets = self._play()
        data = next(self._packets, b"")
        return b"" if self._shut else data

    def _play(self) -> Generator[bytes, None, None]:
        clock = pacing.ThreadClock()
        schedule = self._playback.schedule(header(self._asked.headers, "accept-encoding") or "", clock.now())
        framer = http1.Framer(self._asked.method)
        try:
            for parts in pacing.due(schedule, clock, self._timeout):
                yield from framer.packets(parts, io.DEFAULT_BUFFER_SIZE)
            yield framer.end
        except Broken as broken:
            if broken.ending == "cancelled":
                raise RecordingEndedError from None
            if broken.ending != "closed":
                raise FAILURES[broken.ending]() from None

    def _client_closed(self) -> None:
        if self._packets is not None:
            self._packets.close()


class RecordedResponse(HTTPResponse):
    """A response whose body is read ahead of the client, and recorded.

    A connection makes it (as its `response_class`) when the request has been sent.

    Args:
        recorder: gets everything.
        sent: called at once, since there was a connection.
        sock: the connection's socket.
        debuglevel: http.client's argument.
        others: further arguments of http.client's.
    """

    def __init__(
        self, recorder: Recorder, sent: Callable[[], object], sock: Any, debuglevel: int = 0, **others: Any
    ) -> None:
        super().__init__(sock, debuglevel, **others)
        self._gemini_replay = recorder, sock
        sent()
        recorder.sent(now())

    def begin(self) -> None:
        """Read the head; http.client calls this once."""
        recorder, sock = self._gemini_replay
        try:
            super().begin()
        except BaseException as problem:
            report_end(recorder, problem, classify)
            raise
        with Harmless(recorder):
            recorder.head(
                self.status, tuple((name, _FOLD.sub(" ", value)) for name, value in self.msg.items()), now()
            )
            _check_framing(self.msg.get("transfer-encoding"))
            if self.length == 0:
                recorder.end("eof", now())
            else:
                self.fp = self._ahead(recorder, sock)

    def _ahead(self, recorder: Recorder, sock: Any) -> Any:
        """The file from which the client reads the body, instead of the socket's own."""
        # The client's timeout counts from when it asks for more. It waits for the reader, not for the socket.
        timeout = sock.gettimeout()
        body = _Unframed(recorder, http1.Unframer(chunked=bool(self.chunked), length=self.length))
        file = self.fp
        source, interrupt = partial(_wire, sock, file, body), partial(_interrupt, sock, body)
        close = partial(_close, sock, timeout, file)
        ahead = ReadAhead(source, body, classify=classify, interrupt=interrupt, close=close)
        recorder.awaited = lambda: ahead.awaited
        read = http1.incoming(lambda: ahead.take(timeout) or b"", ahead.close)
        ahead.start()
        return read


_FOLD = re.compile(r"\r?\n[ \t]+")  # a value may continue on the next line (RFC 9112, 5.2)


def _check_framing(transfer_encoding: str | None) -> None:
    """Refuse to record a body whose framing http.client does not remove.

    Raises:
        GeminiReplayError: it has a transfer coding besides "chunked".
    """
    if transfer_encoding is not None and transfer_encoding.strip().lower() != "chunked":
        raise GeminiReplayError(f"The transfer coding {transfer_encoding!r} of an answer cannot be recorded.")


class _Unframed:
    """Passes wire bytes from a reader to a `Recorder`, without the body's framing."""

    def __init__(self, recorder: Recorder, unframer: http1.Unframer) -> None:
        self._recorder = recorder
        self._unframer = unframer
        self._lock = threading.Lock()  # a client reports its own timeout in its own thread
        self._last = now()
        self._over = False
        self.write = recorder.write
        self.abandon = recorder.abandon
        self.fail = recorder.fail

    @property
    def complete(self) -> bool:
        """Whether the body has been read to its end."""
        return self._unframer.complete

    def chunk(self, data: bytes, at: float) -> bool:
        """Remove the framing from the bytes that have arrived. Returns True if the body ends with them."""
        with self._lock:
            if not self._over:
                self._last = at
                try:
                    for piece in self._unframer.feed(data):
                        self._recorder.chunk(piece, at)
                except http1.FramingError:
                    self._end("closed", at)  # the client's parser fails on it too
                if self.complete:
                    self._end("eof", at)
            return self.complete

    def end(self, ending: Ending, at: float) -> None:
        """The connection has ended."""
        with self._lock:
            if self._over:
                return
            rest, whole = self._unframer.close()
            if rest:
                self._recorder.chunk(rest, self._last)
            self._end("closed" if ending == "eof" and not whole else ending, at)

    def _end(self, ending: Ending, at: float) -> None:
        self._over = True
        self._recorder.end(ending, at)


def _wire(sock: Any, file: Any, body: _Unframed) -> Generator[bytes, None, None]:
    """Yield bytes as soon as they arrive, up to the end of the body, since the connection is used again."""
    with Harmless(body):
        sock.settimeout(None)
    while data := file.read1(65536):
        yield data


def _close(sock: Any, timeout: float | None, file: Any) -> None:
    """Close the file of a response; the connection's next one has the client's timeout again."""
    with suppress(Exception):  # the file is closed already
        if sock.gettimeout() is None:  # the client may have set another one meanwhile
            sock.settimeout(timeout)
    file.close()


def _interrupt(sock: Any, body: _Unframed) -> None:
    """End the connection, so that a blocked read returns. A connection that was read to its end stays usable."""
    if body.complete:
        return
    inner = sock if isinstance(sock, socket.socket) else getattr(sock, "socket", None)  # TLS inside of TLS
    if isinstance(inner, socket.socket):
        # The plain method: on a TLS socket, the reader may be inside the TLS layer at this moment.
        socket.socket.shutdown(inner, socket.SHUT_RDWR)


def classify(problem: BaseException) -> Ending | None:
    """The ending that an exception of the socket, or of http.client, means."""
    if isinstance(problem, TimeoutError):
        return "timeout"
    if isinstance(problem, HTTPException):  # one of them is also a ConnectionResetError
        return "closed"
    if isinstance(problem, OSError):
        return "reset"
    return None if isinstance(problem, Exception) else "cancelled"
