"""``gemini-replay demo``: record a live stream over real sockets, replay it, and compare what the client received."""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from . import clocks
from .engine.timing import INSTANT, parse_real_speed
from .gemini import StreamParser
from .interception import record, replay
from .plain_text import plain, plain_lines
from .report.terminal import table
from .server import upstream

_LARGEST_MEDIAN_MS = 20.0
"""How late the median chunk can be. A busy machine passes, a wrong rhythm does not."""

_MODEL = "gemini-2.5-flash"
_ASK = {"contents": [{"role": "user", "parts": [{"text": "给我讲一个关于月亮的小故事。"}]}]}


@dataclass
class Seen:
    """What the client received: each chunk, and its time in seconds since the request."""

    chunks: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def run(*, speed: str = "1", keep: Path | None = None) -> int:
    """Record and replay a story, print both while they stream, and compare them.

    Returns:
        0 if bytes, boundaries and rhythm are the same and the replay made no request to the server; else 1.
    """
    factor = parse_real_speed(speed, subject="The demo", hint='Use a factor such as 4, or "instant".')
    with tempfile.TemporaryDirectory() as folder:
        path = keep or Path(folder) / "story.jsonl"
        with upstream.start("story") as server, httpx.Client(headers={"x-goog-api-key": "demo-key"}) as client:
            model = f"{server.url}/v1beta/models/{_MODEL}"
            client.get(model)  # connects before anything is measured
            print("--- recording, live")
            with record(path):
                live = _stream(client, model)
            asked = len(server.app.requests)
            print("--- replaying, from the cassette")
            with replay(path, speed=factor):
                again = _stream(client, model)
            asked_again = len(server.app.requests) - asked
    rows = _compared(live, again, factor, asked_again)
    print(f"--- live and replayed\n{table(('what', 'measured', 'same'), rows)}")
    if keep is not None:
        print(f"The cassette is {plain(str(keep))}")
    return 0 if all(same == "yes" for _, _, same in rows) else 1


def _compared(live: Seen, again: Seen, factor: float, asked_again: int) -> list[tuple[str, str, str]]:
    whole = b"".join(live.chunks) == b"".join(again.chunks) and bool(live.chunks)
    if factor == INSTANT:
        rhythm = again.times[-1:] < live.times[-1:]
        times = (
            f"the last after {sum(again.times[-1:]) * 1000:.2f} ms, live after {sum(live.times[-1:]) * 1000:.2f} ms"
        )
    else:
        late = [abs(b - a / factor) * 1000 for a, b in zip(live.times, again.times, strict=False)] or [0.0]
        rhythm = statistics.median(late) <= _LARGEST_MEDIAN_MS
        times = f"off by {statistics.median(late):.2f} ms (p50), {max(late):.2f} ms (max)"
    rows = [
        ("bytes", f"{sum(map(len, live.chunks))} live, {sum(map(len, again.chunks))} replayed", whole),
        ("chunk boundaries", f"{len(live.chunks)} live, {len(again.chunks)} replayed", live.chunks == again.chunks),
        ("time of each chunk", times, rhythm),
        ("requests on replay", f"{asked_again} reached the server", asked_again == 0),
    ]
    return [(what, measured, "yes" if same else "NO") for what, measured, same in rows]


def _stream(client: httpx.Client, model: str) -> Seen:
    seen = Seen()
    parser = StreamParser()
    started = clocks.now()
    with client.stream("POST", f"{model}:streamGenerateContent?alt=sse", json=_ASK, timeout=30) as response:
        response.raise_for_status()
        for chunk in response.iter_raw():
            seen.times.append(clocks.now() - started)
            seen.chunks.append(chunk)
            for event in parser.feed(chunk):
                print(plain_lines(event.text), end="", flush=True)
    print()
    return seen
