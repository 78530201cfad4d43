"""HTTP/1.1 framing (RFC 9112): added to played responses, removed from recorded ones. It knows no socket.

It is for code below a library's own HTTP parser.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol

Headers = tuple[tuple[str, str], ...]
"""Names and values, in order."""

Field = tuple[bytes, bytes]
"""A name and a value, as they are on the wire."""

_NO_BODY = {204, 304}
_LINE_BREAKS = re.compile(r"\s*[\r\n]\s*")
_MAX_LINE = 65536  # as in http.client
_MAX_HELD = 8 * 1024 * 1024


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header, by its case-insensitive name; None if it is absent."""
    wanted = name.lower()
    for key, value in headers:
        if key.lower() == wanted:
            return value
    return None


class HasHead(Protocol):
    """Something with the head of a response, such as `engine.schedule.Head`."""

    @property
    def status(self) -> int:
        """The status."""

    @property
    def headers(self) -> Headers:
        """The headers."""


class Framer:
    """Adds HTTP/1.1 framing to the parts of one response, the head first.

    A body that was recorded without framing of its own (from HTTP/2, or by hand) is sent in HTTP chunks, as an
    HTTP/1.1 server would send it; only a body that ends with the connection stays as it is.

    Args:
        method: the request's method: the answer to HEAD has no body.
    """

    def __init__(self, method: str) -> None:
        self._is_head = method.upper() == "HEAD"
        self._empty = self._chunked = False

    def frames(self, parts: Iterable[HasHead | bytes]) -> Iterator[bytes]:
        """The bytes of each part; b"" for one that has none on the wire."""
        for part in parts:
            if not isinstance(part, bytes):
                self._empty = self._is_head or part.status in _NO_BODY
                data, self._chunked = _opening(part.status, part.headers, self._empty)
                yield data
            elif self._chunked and part:  # an empty HTTP chunk would be the last one
                yield b"%x\r\n%b\r\n" % (len(part), part)
            else:
                yield b"" if self._empty else part

    @property
    def end(self) -> bytes:
        """The bytes of the end."""
        return b"0\r\n\r\n" if self._chunked else b""

    def packets(self, parts: Iterable[HasHead | bytes], most: int) -> Iterator[bytes]:
        """The bytes of parts that are due together, in as few packets as show the true chunks.

        Args:
            parts: the parts to frame.
            most: the size of the client's buffer. A packet is no longer, unless a single HTTP chunk is. A body
                without HTTP chunks comes in one packet for each part.
        """
        packet: list[bytes] = []
        size = 0
        for data in self.frames(parts):
            if size and (not self._chunked or size + len(data) > most):
                yield b"".join(packet)
                packet.clear()
                size = 0
            packet.append(data)
            size += len(data)
        if size:
            yield b"".join(packet)


@lru_cache(64)
def _opening(status: int, headers: Headers, empty: bool) -> tuple[bytes, bool]:
    """The bytes of the head of a response, and whether its body comes in HTTP chunks."""
    headers, chunked = (headers, False) if empty else _framed(headers)
    return _head(status, headers), chunked


def _framed(headers: Headers) -> tuple[Headers, bool]:
    """The headers that say how the body is framed, and whether it comes in HTTP chunks."""
    if header(headers, "transfer-encoding") is not None:
        return headers, "chunked" in (header(headers, "transfer-encoding") or "").lower()
    closes = "close" in (header(headers, "connection") or "").lower()
    if header(headers, "content-length") is not None or closes:
        return headers, False
    return (*headers, ("transfer-encoding", "chunked")), True


def _head(status: int, headers: Headers) -> bytes:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = ""
    lines = [name + b": " + value for name, value in fields(headers)]
    return b"\r\n".join([f"HTTP/1.1 {status} {reason}".encode("ascii"), *lines, b"", b""])


def fields(headers: Headers) -> list[Field]:
    """Recorded headers as the bytes that clients get."""
    return [(_bytes(name), _bytes(_LINE_BREAKS.sub(" ", value))) for name, value in headers]


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")  # the recorder decodes HTTP's bytes as Latin-1
    except UnicodeEncodeError:
        return text.encode("utf-8")  # written by hand


class FramingError(ValueError):
    """The bytes are not a chunked body."""


class Unframer:
    """Removes the framing from a body as its bytes arrive; yields whole HTTP chunks, as clients get them.

    A body without HTTP chunks comes out in the pieces in which it goes in. So does an HTTP chunk of more than 8 MiB,
    which is not held until it is whole.

    Args:
        chunked: whether the body comes in HTTP chunks.
        length: the body's length in bytes if it does not; None if it ends with the connection.

    Attributes:
        complete: whether the body has ended by its own framing.
    """

    def __init__(self, *, chunked: bool, length: int | None) -> None:
        self._chunked = chunked
        self._left = length
        self._held = bytearray()
        self._awaiting = "size"  # then "data", "data's end", "size" … "trailer"
        self.complete = not chunked and length == 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the pieces of the body that are whole now. Read them all before feeding more.

        Raises:
            FramingError: the framing after these pieces is malformed. Nothing more comes out.
        """
        if self._chunked:
            yield from self._unchunk(data)
            return
        if self._left is not None:
            data = data[: self._left]  # what follows is not part of the body
            self._left -= len(data)
            self.complete = self._left <= 0
        yield data

    def close(self) -> tuple[bytes, bool]:
        """The connection has ended. Returns the part of an unfinished HTTP chunk, and whether the body is whole."""
        rest = bytes(self._held) if self._awaiting == "data" else b""
        self._held.clear()
        whole = self._awaiting == "trailer" if self._chunked else self._left is None
        return rest, whole or self.complete

    def _unchunk(self, data: bytes) -> Iterator[bytes]:
        self._held += data
        while not self.complete:
            if self._awaiting == "data":
                assert self._left is not None
                if len(self._held) < self._left:
                    if len(self._held) >= _MAX_HELD:
                        self._left -= len(self._held)
                        yield self._take(len(self._held))
                    return
                yield self._take(self._left)
                self._awaiting = "data's end"
                continue
            end = self._held.find(b"\n", 0, _MAX_LINE)
            if end < 0:
                if len(self._held) >= _MAX_LINE:
                    raise FramingError("a line of the framing is too long")
                return
            self._line(self._take(end + 1))

    def _line(self, line: bytes) -> None:
        bare = line.rstrip(b"\r\n")
        if self._awaiting == "size":
            self._left = _size(bare)
            self._awaiting = "data" if self._left else "trailer"
        elif self._awaiting == "trailer":
            self.complete = not bare
        elif bare:
            raise FramingError("an HTTP chunk is longer than its size")
        else:
            self._awaiting = "size"

    def _take(self, count: int) -> bytes:
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise FramingError(f"{bytes(line[:40])!r} is not the size of an HTTP chunk")
    return int(digits, 16)


def incoming(receive: Callable[[], bytes], on_close: Callable[[], None]) -> io.BufferedReader:
    """The file of a socket. A read returns the bytes that are there, and waits only if there are none.

    Args:
        receive: returns the next bytes, b"" at the end.
        on_close: called once, when the reader closes the file.
    """
    return io.BufferedReader(_Incoming(receive, on_close))


class _Incoming(io.RawIOBase):
    def __init__(self, receive: Callable[[], bytes], on_close: Callable[[], None]) -> None:
        self._receive = receive
        self._on_close = on_close
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(self._receive())
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def flush(self) -> None:
        """Do nothing, even if closed: the garbage collector may close this before the response, which flushes it."""

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._on_close()
