"""The parsers that are compared: the floors, this package's, and those of other libraries.

Each is made by a function that imports what it needs, in the environment of its library.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Chunks = list[bytes]
Parse = Callable[[Chunks], Iterable[Any]]

LF, CR = b"\n\r"
LIMIT = 64 * 1024 * 1024


# -- floors ----------------------------------------------------------------------------------------------------------


class IncrementalSplit:
    """The data of events that have one data line and CRLF."""

    def __init__(self) -> None:
        self._pieces: Chunks = []

    def feed(self, data: bytes) -> list[str]:
        """The events that `data` completes."""
        if LF not in data:
            self._pieces.append(data)
            return []
        *blocks, rest = b"".join((*self._pieces, data)).split(b"\r\n\r\n")
        self._pieces = [rest]
        return [block[6:].decode() for block in blocks]


class SplitAndLoads(IncrementalSplit):
    """The values of such events: a floor that knows no other line end, makes no events and reports no offsets."""

    def feed(self, data: bytes) -> list[Any]:
        """The values that `data` completes."""
        return list(map(json.loads, super().feed(data)))


class SplitWithOffsets:
    """What no correct parser can leave out, for events of one data line.

    An event ends with a blank line of either kind, LF or CRLF, cut anywhere; its data is found with its place in the
    stream. Bytes are copied while they wait for more, since the caller may change its buffer, and they are limited.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0  # of the held bytes

    def feed(self, data: bytes) -> list[Any]:
        """What becomes of the events that `data` completes."""
        held = self._held
        held += data
        if LF not in data and CR not in data:
            if len(held) > LIMIT:
                raise ValueError("too large")
            return []
        found, pos, lf, cr, size = [], 0, -1, -1, len(held)
        while pos < size:
            if lf < pos and (lf := held.find(b"\n", pos)) < 0:
                lf = size
            if cr < pos and (cr := held.find(b"\r", pos)) < 0:
                cr = size
            end = min(lf, cr)
            blank = b"\n\n" if lf < cr else b"\r\n\r\n"
            if not held.startswith(blank, end):
                break
            found.append(self.made(held[pos + 6 : end].decode(), self._at + pos))
            pos = end + len(blank)
        del held[:pos]
        self._at += pos
        return found

    def made(self, data: str, offset: int) -> Any:
        """An event with its place."""
        return data, offset


class ValuesWithOffsets(SplitWithOffsets):
    """The same, with the value that an event's data is."""

    _scan = json.JSONDecoder().raw_decode

    def made(self, data: str, offset: int) -> Any:
        """A value with its place."""
        value, end = self._scan(data)
        if end != len(data):
            raise ValueError("not JSON")
        return value, offset


class IncrementalScan:
    """The objects of an array, by the standard library's C scanner; a failed scan is repeated from its start."""

    _between = re.compile(r"[ \t\r\n,\[\]]*")

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._scan = json.JSONDecoder().raw_decode
        self._rest = ""

    def feed(self, data: bytes) -> list[Any]:
        """The elements that `data` completes."""
        text = self._rest + self._decoder.decode(data)
        values: list[Any] = []
        pos = 0
        while True:
            pos = self._between.match(text, pos).end()  # type: ignore[union-attr]
            try:
                value, pos = self._scan(text, pos)
            except ValueError:
                self._rest = text[pos:]
                return values
            values.append(value)


class ScanWithOffsets(IncrementalScan):
    """The same, with the text of each element and its place in the stream, in bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._at = 0  # of the text that is not finished

    def feed(self, data: bytes) -> list[Any]:
        """The elements that `data` completes."""
        text = self._rest + self._decoder.decode(data)
        found: list[Any] = []
        pos = 0
        while True:
            start = self._between.match(text, pos).end()  # type: ignore[union-attr]
            self._at += start - pos
            try:
                value, pos = self._scan(text, start)
            except ValueError:
                self._rest = text[start:]
                return found
            element = text[start:pos]
            found.append((value, self._at, element))
            self._at += len(element) if element.isascii() else len(element.encode())


def fed(make: Callable[[], Any]) -> Parse:
    """A parser with `feed`, over all chunks."""

    def parse(chunks: Chunks) -> list[Any]:
        feed = make().feed
        found: list[Any] = []
        for chunk in chunks:
            if some := feed(chunk):
                found += some
        return found

    return parse


def without_offsets(parse: Parse) -> Parse:
    """The data or values alone, to be compared with those of other parsers."""
    return lambda chunks: [found[0] for found in parse(chunks)]


# -- contestants: each imports what it needs and returns its parser -------------------------------------------------


def our_frames() -> Parse:
    """`FrameDecoder`, which finds out that it is SSE."""
    from gemini_replay.frames import FrameDecoder

    feed = fed(FrameDecoder)
    return lambda chunks: [frame.data for frame in feed(chunks)]


def our_events() -> Parse:
    """`StreamParser`, events kept."""
    from gemini_replay import StreamParser

    feed = fed(StreamParser)
    return lambda chunks: [event.json for event in feed(chunks)]


def our_events_dropped() -> Parse:
    """`StreamParser`, each event dropped at once."""
    from gemini_replay import StreamParser

    def parse(chunks: Chunks) -> list[object]:
        feed = StreamParser().feed
        values: list[object] = []
        for chunk in chunks:
            for event in feed(chunk):
                values.append(event.json)  # one after the other, as a client reads them
        return values

    return parse


def ready_frames() -> Parse:
    """`json.loads`, and no framing; see `benchmarks`."""
    return lambda frames: [json.loads(frame) for frame in frames]


def anthropic() -> Parse:
    """Its decoder of server-sent events."""
    from anthropic._streaming import SSEDecoder

    return lambda chunks: [event.data for event in SSEDecoder().iter_bytes(iter(chunks))]


def openai() -> Parse:
    """Its decoder of server-sent events."""
    from openai._streaming import SSEDecoder

    return lambda chunks: [event.data for event in SSEDecoder().iter_bytes(iter(chunks))]


def sseclient_py() -> Parse:
    """`SSEClient(chunks).events()`."""
    from sseclient import SSEClient

    class Source(list[bytes]):
        def close(self) -> None:
            pass

    return lambda chunks: [event.data for event in SSEClient(Source(chunks)).events()]


def httpx_sse() -> Parse:
    """`EventSource(response).iter_sse()`."""
    import httpx
    from httpx_sse import EventSource

    return lambda chunks: [event.data for event in EventSource(response(httpx, chunks)).iter_sse()]


def httpx2_event_source() -> Parse:
    """`EventSource(response)`."""
    import httpx2

    return lambda chunks: [event.data for event in httpx2.EventSource(response(httpx2, chunks))]


def google_genai() -> Parse:
    """`HttpResponse.segments()` over an httpx response."""
    import httpx
    from google.genai._api_client import HttpResponse

    def parse(chunks: Chunks) -> Iterator[object]:
        answer = response(httpx, chunks)
        return HttpResponse(answer.headers, answer).segments()

    return parse


def ijson() -> Parse:
    """`items(file, "item")` with its fastest backend, numbers as floats."""
    import ijson

    class File:
        def __init__(self, chunks: Chunks) -> None:
            self._chunks = iter(chunks)

        def read(self, size: int = -1) -> bytes:
            return next(self._chunks, b"") if size else b""

    return lambda chunks: ijson.items(File(chunks), "item", use_float=True)


def response(library: Any, chunks: Chunks) -> Any:
    """A response of httpx or httpx2 that gives these chunks."""

    class Stream(library.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            return iter(chunks)

    headers = {"content-type": "text/event-stream; charset=utf-8"}
    return library.Response(200, headers=headers, stream=Stream(), request=library.Request("GET", "http://test"))
