"""``gemini-replay demo``: record a live stream on real sockets, replay it, and compare what the client saw."""

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
from .report import terminal
from .server import upstream

_RHYTHM_HOLDS_MS = 20.0
"""How far the median chunk may be off its time: a busy machine is forgiven, a lost rhythm is not."""

_MODEL = "gemini-2.5-flash"
_ASK = {"contents": [{"role": "user", "parts": [{"text": "给我讲一个关于月亮的小故事。"}]}]}


@dataclass
class Seen:
    """What the client saw of one stream: each chunk, and its moment in seconds since the request."""

    chunks: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def run(*, speed: str = "1", keep: Path | None = None) -> int:
    """Record, replay, print both as they stream, and compare.

    Returns:
        0 only if bytes, boundaries and rhythm are the same and the replay sent nothing to the server.
    """
    factor = parse_real_speed(speed, subject="The demo", hint='Use a factor such as 4, or "instant".')
    console = terminal.console()
    with tempfile.TemporaryDirectory() as folder:
        path = keep or Path(folder) / "story.jsonl"
        with upstream.start("story") as server, httpx.Client(headers={"x-goog-api-key": "demo-key"}) as client:
            model = f"{server.url}/v1beta/models/{_MODEL}"
            client.get(model)  # the connection is made before anything is compared
            console.rule("recording, live", align="left")
            with record(path):
                live = _stream(client, model)
            asked = len(server.app.requests)
            console.rule("replaying, from the cassette", align="left")
            with replay(path, speed=factor):
                again = _stream(client, model)
            asked_again = len(server.app.requests) - asked

    late = [
        abs(b - a / factor) * 1000 if factor != INSTANT else b * 1000
        for a, b in zip(live.times, again.times, strict=False)
    ]
    whole = b"".join(live.chunks) == b"".join(again.chunks) and bool(live.chunks)
    boundaries = live.chunks == again.chunks
    median, worst = (statistics.median(late), max(late)) if late else (0.0, 0.0)
    rhythm = bool(late) and median <= _RHYTHM_HOLDS_MS
    rows = [
        ("bytes", f"{sum(map(len, live.chunks))} live, {sum(map(len, again.chunks))} replayed", _yes(whole)),
        ("chunk boundaries", f"{len(live.chunks)} live, {len(again.chunks)} replayed", _yes(boundaries)),
        ("time of each chunk", f"off by {median:.2f} ms (p50), {worst:.2f} ms (max)", _yes(rhythm)),
        ("requests on replay", f"{asked_again} reached the server", _yes(asked_again == 0)),
    ]
    console.print(terminal.table("live against replay", ("what", "measured", "true"), rows))
    if keep is not None:
        print(f"The cassette is {plain(str(keep))}")
    return 0 if whole and boundaries and rhythm and asked_again == 0 else 1


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


def _yes(true: bool) -> str:
    return "yes" if true else "NO"
