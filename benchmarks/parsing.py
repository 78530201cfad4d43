"""How fast streams are parsed: SSE to frames, SSE to JSON, a JSON array to JSON.

Every contestant gets the same chunks and must return the same data. The floors do the least that such a parser can
do: they know one kind of line end, check nothing and report no offsets.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from benchmarks.harness import PEERS, Benchmark, Contestant, Setting, Target, at_least

Chunks = list[bytes]
Parse = Callable[[Chunks], Iterable[object]]

SENTENCE = "The moon keeps its distance, and tonight it is 384,400 km away. 月亮很远。🌙 "
USAGE = {"promptTokenCount": 12, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}]}
LARGE = "QUJD" * 5_000_000
(LF,) = b"\n"
SMALL_CHUNK, CHUNK, LARGE_CHUNK = 16, 1024, 65_536


# -- streams ---------------------------------------------------------------------------------------------------------


def message(number: int, text: str) -> dict[str, Any]:
    """An event of 1.4 KB if `text` has 12 sentences."""
    parts = [{"text": f"{number} {text}"}]
    return {
        "candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}],
        "usageMetadata": {**USAGE, "candidatesTokenCount": number, "totalTokenCount": 12 + number},
        "modelVersion": "gemini-2.5-flash",
        "responseId": "mNwPaYDaHsqOz7IP2Yy34Ak",
    }


def compact(value: object) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pretty(value: object) -> str:
    """JSON as Google writes it in an array."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def sse(values: Iterable[object]) -> Chunks:
    """One chunk for each event."""
    return [f"data: {compact(value)}\r\n\r\n".encode() for value in values]


def array(values: Sequence[object], spell: Callable[[object], str]) -> Chunks:
    """One chunk for each element: with Google's line ends around pretty ones, with none around compact ones."""
    before, after = (",\r\n", "\n") if spell is pretty else (",", "")
    chunks = [f"{before if number else '['}{spell(value)}{after}".encode() for number, value in enumerate(values)]
    return [*chunks[:-1], chunks[-1] + b"]"]


def cut(chunks: Chunks, size: int) -> Chunks:
    """The same bytes in chunks of `size`."""
    body = b"".join(chunks)
    return [body[at : at + size] for at in range(0, len(body), size)]


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
        values, pos = [], 0
        while True:
            pos = self._between.match(text, pos).end()  # type: ignore[union-attr]
            try:
                value, pos = self._scan(text, pos)
            except ValueError:
                self._rest = text[pos:]
                return values
            values.append(value)


def fed(make: Callable[[], Any]) -> Parse:
    """A parser with `feed`, over all chunks."""

    def parse(chunks: Chunks) -> list[object]:
        feed = make().feed
        found: list[object] = []
        for chunk in chunks:
            if some := feed(chunk):
                found += some
        return found

    return parse


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
            if events := feed(chunk):
                values += [event.json for event in events]
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
        return HttpResponse(answer.headers, answer).segments()  # type: ignore[no-any-return]

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


# -- tables ----------------------------------------------------------------------------------------------------------


def contestant(make: Callable[[], Parse], chunks: Chunks, *targets: Target, peer: bool = False) -> Contestant:
    """What runs one parser over the chunks."""

    def prepare() -> Callable[[], list[object]]:
        parse = make()
        return lambda: list(parse(chunks))

    name = make.__name__.replace("_", "-") if peer else make.__name__.replace("_", " ")
    return Contestant(name, prepare, environment="parsers" if peer else "", targets=targets)


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """Every work in large chunks, one event or element per chunk, and chunks of 16 bytes."""
    values = [message(number, SENTENCE * 12) for number in range(20 if setting.quick else 300)]
    large = message(0, LARGE[: 100_000 if setting.quick else len(LARGE)])
    yield from _framing(values)
    yield from _sse_to_json(values)
    for spell in (pretty, compact):
        yield from _array_to_json(values, spell)
    yield from _one_large(large)


def _cuts(chunks: Chunks) -> Iterator[tuple[str, Chunks]]:
    yield "64 KB", cut(chunks, LARGE_CHUNK)
    yield "one event", chunks
    yield "16 bytes", cut(chunks, SMALL_CHUNK)


def _framing(values: list[dict[str, Any]]) -> Iterator[Benchmark]:
    def incremental_split() -> Parse:
        return fed(IncrementalSplit)

    peers = (anthropic, openai, sseclient_py, httpx_sse, httpx2_event_source)
    for name, chunks in _cuts(sse(values)):
        yield Benchmark(
            f"SSE framing, {name}",
            "MB/s",
            [
                contestant(our_frames, chunks, at_least(0.8, times="incremental split"), at_least(1, times=PEERS)),
                contestant(incremental_split, chunks),
                *(contestant(peer, chunks, peer=True) for peer in peers),
            ],
            floor="incremental split",
            amount=_megabytes(chunks),
            limit="UTF-8 must be decoded; in small chunks, one call for each.",
        )


def _sse_to_json(values: list[dict[str, Any]]) -> Iterator[Benchmark]:
    for (name, chunks), least in zip(_cuts(sse(values)), (0.92, 0.9, None), strict=True):
        targets = [at_least(least, times="ready frames")] if least else []
        frames = [compact(value).encode() for value in values]
        yield Benchmark(
            f"SSE to JSON, {name}",
            "MB/s",
            [
                contestant(our_events, chunks, *targets),
                contestant(our_events_dropped, chunks, *targets),
                contestant(ready_frames, frames),
                contestant(google_genai, chunks, peer=True),
            ],
            floor="ready frames",
            amount=_megabytes(chunks),
            limit="The values that json.loads makes.",
        )


def _array_to_json(values: list[dict[str, Any]], spell: Callable[[object], str]) -> Iterator[Benchmark]:
    def incremental_scan() -> Parse:
        return fed(IncrementalScan)

    times = 0.8 if spell is pretty else 0.7
    for name, chunks in _cuts(array(values, spell)):
        small = name == "16 bytes"  # the floor scans again with each chunk
        yield Benchmark(
            f"JSON array to JSON, {spell.__name__}, {name}",
            "MB/s",
            [
                contestant(our_events, chunks, at_least(20) if small else at_least(times, times="incremental scan")),
                *([] if small else [contestant(incremental_scan, chunks)]),
                contestant(ijson, chunks, peer=True),
            ],
            floor="" if small else "incremental scan",
            amount=_megabytes(chunks),
            limit="The values that the C scanner of json makes.",
        )


def _one_large(value: dict[str, Any]) -> Iterator[Benchmark]:
    wires = {"SSE": sse([value]), "a JSON array": array([value], compact), "a raw object": [compact(value).encode()]}
    for name, wire in wires.items():
        chunks = cut(wire, CHUNK)
        yield Benchmark(
            f"One event of {_megabytes(wire):.0f} MB in chunks of 1 KB, {name}",
            "ms",
            [contestant(our_events, chunks), contestant(ready_frames, [compact(value).encode()])],
            floor="ready frames",
            limit="Linear: twice the event takes twice the time.",
        )


def _megabytes(chunks: Chunks) -> float:
    return sum(map(len, chunks)) / 1e6
