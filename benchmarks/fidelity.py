"""How true recording and replaying are, measured in one run: ``python benchmarks/fidelity.py``.

Real sockets: the embedded upstream in this process, so that what was sent and what was seen are stamped by the same
clock. Every figure comes with the assertion that the bytes and boundaries were right.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.clients import CLIENTS, Client, Seen
from support.streams import PATH, events

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.report.terminal import table
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

COUNT, GAP = 40, 0.05
CHUNKS = events(COUNT)


def main() -> None:
    """Measure every client and print one table."""
    rows = []
    scenario = Scenario.from_chunks(CHUNKS, gaps=[GAP] * COUNT)
    with tempfile.TemporaryDirectory() as folder, upstream.start(scenario) as server:
        url = server.url + PATH
        for client in CLIENTS:
            path = Path(folder) / f"{client.name}.jsonl"
            client.fetch(url)  # imports and connections of the first call are not what is measured
            plain = _latency(server, client.fetch(url))
            with gemini_replay.record(path):
                recorded = _latency(server, client.fetch(url))
            with gemini_replay.replay(path) as session:
                late = _lateness(path, session, client, url)
            with gemini_replay.record(path):
                client.fetch(url, consume=0.12)
            off = _off(server, path)
            rows.append((client.name, *(_figures(values) for values in (plain, recorded, off, late))))
    columns = (
        "client",
        "sent to seen, plain",
        "sent to seen, recording",
        "recorded times off, slow consumer",
        "replay late",
    )
    title = f"{COUNT} chunks, {GAP * 1000:.0f} ms apart; p50 / max in ms"
    print(f"{title}\n{table(columns, rows)}")


def _latency(server: upstream.RunningUpstream, seen: Seen) -> list[float]:
    assert seen.chunks == CHUNKS
    return [(at - sent.at) * 1000 for at, sent in zip(seen.times, server.app.sent[-1], strict=True)]


def _off(server: upstream.RunningUpstream, path: Path) -> list[float]:
    recording = Cassette.load(path).interactions[0]
    assert [chunk.data for chunk in recording.chunks] == CHUNKS
    sent = [sent.at for sent in server.app.sent[-1]]
    times = list(_sums(chunk.after for chunk in recording.chunks))
    return [abs((at - times[0]) - (true - sent[0])) * 1000 for at, true in zip(times, sent, strict=True)]


def _lateness(path: Path, session: gemini_replay.Session, client: Client, url: str) -> list[float]:
    """Against the moment when the client's transport was asked; what the client does before is its own."""
    decide, asked = session.decide, []
    vars(session)["decide"] = lambda request: (asked.append(time.perf_counter()), decide(request))[1]
    seen = client.fetch(url)
    recording = Cassette.load(path).interactions[0]
    assert seen.chunks == CHUNKS
    assert recording.response is not None
    due = [recording.response.after + at for at in _sums(chunk.after for chunk in recording.chunks)]
    return [(at - asked[0] - moment) * 1000 for at, moment in zip(seen.times, due, strict=True)]


def _sums(gaps: Iterable[float]) -> Iterable[float]:
    total = 0.0
    for gap in gaps:
        total += gap
        yield total


def _figures(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} / {max(values):.2f}"


if __name__ == "__main__":
    main()
