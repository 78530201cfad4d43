"""How fast streams are parsed: SSE to frames, SSE to JSON, a JSON array to JSON.

Every contestant gets the same chunks and must return the same data. The floors do the least that such a parser can
do: they know one kind of line end, check nothing and report no offsets. The floors "with offsets" do what a correct
parser cannot leave out: they also know the other kind, tell where each event or element starts, and limit what they
keep. Neither makes an object for each event.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from benchmarks.harness import PEERS, Benchmark, Contestant, Setting, Target, at_least
from benchmarks.parsers import (
    Chunks,
    IncrementalScan,
    IncrementalSplit,
    Parse,
    ScanWithOffsets,
    SplitAndLoads,
    SplitWithOffsets,
    ValuesWithOffsets,
    anthropic,
    fed,
    google_genai,
    httpx2_event_source,
    httpx_sse,
    ijson,
    openai,
    our_events,
    our_events_dropped,
    our_frames,
    ready_frames,
    sseclient_py,
    without_offsets,
)

SENTENCE = "The moon keeps its distance, and tonight it is 384,400 km away. 月亮很远。🌙 "
USAGE = {"promptTokenCount": 12, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}]}
LARGE = "QUJD" * 5_000_000
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

    def split_with_offsets() -> Parse:
        return without_offsets(fed(SplitWithOffsets))

    peers = (anthropic, openai, sseclient_py, httpx_sse, httpx2_event_source)
    for name, chunks in _cuts(sse(values)):
        yield Benchmark(
            f"SSE framing, {name}",
            "MB/s",
            [
                contestant(our_frames, chunks, at_least(0.8, times="incremental split"), at_least(1, times=PEERS)),
                contestant(incremental_split, chunks),
                contestant(split_with_offsets, chunks),
                *(contestant(peer, chunks, peer=True) for peer in peers),
            ],
            floor="incremental split",
            other_floors=["split with offsets"],
            amount=_megabytes(chunks),
            limit="UTF-8 must be decoded; in small chunks, one call for each. A chunk without a line end costs the "
            'floor one search and one append; what a correct parser must do besides shows in "split with offsets": a '
            "search for the other line end, a copy, and a comparison with the limit.",
        )


def _sse_to_json(values: list[dict[str, Any]]) -> Iterator[Benchmark]:
    def split_and_loads() -> Parse:
        return fed(SplitAndLoads)

    def values_with_offsets() -> Parse:
        return without_offsets(fed(ValuesWithOffsets))

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
                contestant(split_and_loads, chunks),
                contestant(values_with_offsets, chunks),
                contestant(google_genai, chunks, peer=True),
            ],
            floor="ready frames",
            amount=_megabytes(chunks),
            limit="The values that json.loads makes. Ready frames need no framing; splitting the body at blank lines "
            'before the same json.loads, and nothing else, is "split and loads". "Values with offsets" does what a '
            "correct parser cannot leave out, and decodes without the wrapper that json.loads is. Ours also makes an "
            "event of each value, and has one decoder for every framing, which each feed passes through.",
        )


def _array_to_json(values: list[dict[str, Any]], spell: Callable[[object], str]) -> Iterator[Benchmark]:
    def incremental_scan() -> Parse:
        return fed(IncrementalScan)

    def scan_with_offsets() -> Parse:
        return without_offsets(fed(ScanWithOffsets))

    times = 0.8 if spell is pretty else 0.7
    for name, chunks in _cuts(array(values, spell)):
        small = name == "16 bytes"  # the floor scans again with each chunk
        yield Benchmark(
            f"JSON array to JSON, {spell.__name__}, {name}",
            "MB/s",
            [
                contestant(our_events, chunks, at_least(20) if small else at_least(times, times="incremental scan")),
                *([] if small else [contestant(incremental_scan, chunks), contestant(scan_with_offsets, chunks)]),
                contestant(ijson, chunks, peer=True),
            ],
            floor="" if small else "incremental scan",
            amount=_megabytes(chunks),
            limit='The values that the C scanner of json makes. "Scan with offsets" also keeps what every frame '
            "has: its text, and where it starts in bytes; to count them, it encodes text that is not ASCII again.",
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
