"""How true each client's recordings and replays are, with one stream.

Real sockets: the embedded upstream runs in the client's process, so that what was sent and what was seen are stamped
by the same clock. Every stream must have the bytes and boundaries that were sent. Figures are medians over the chunks
of a stream.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting

SLOW = 0.12
"""Seconds for which a slow consumer holds each chunk."""

Measure = Callable[["Fetched"], Reading]


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """Recording, a slow consumer, and replaying, for each client of the tests."""
    from support.every_client import EVERY_CLIENT

    measures: list[tuple[str, Measure, str]] = [
        (
            "Recording: from sent to seen",
            Fetched.recorded,
            "The column without recording: sockets, the library, and the thread or task that reads ahead.",
        ),
        (
            "Recorded times, if the consumer is slow: off by",
            Fetched.slowly,
            "Chunks are stamped by a reader of their own, which the consumer does not hold up.",
        ),
        ("Replay: late by", Fetched.replayed, "The loop's timers, or `time.sleep` in blocking clients."),
    ]
    for name, measure, limit in measures:
        contestants = [Contestant(one.name, _prepared(setting, one.name, measure)) for one in EVERY_CLIENT]
        yield Benchmark(name, "ms", contestants, measures="reading", rounds=3, limit=limit)


class Fetched:
    """One client that fetches the same stream again and again.

    Args:
        setting: closes the upstream.
        name: of the client.
    """

    def __init__(self, setting: Setting, name: str) -> None:
        from support.every_client import EVERY_CLIENT
        from support.streams import PATH, events

        from gemini_replay.server import upstream
        from gemini_replay.server.upstream.scenarios import Scenario

        count, gap = (5, 0.02) if setting.quick else (40, 0.05)
        (self._client,) = (one for one in EVERY_CLIENT if one.name == name)
        self._chunks = events(count)
        scenario = Scenario.from_chunks(self._chunks, gaps=[gap] * count)
        self._server = setting.closing.enter_context(upstream.start(scenario))
        self._url = self._server.url + PATH
        self._host = self._server.url.removeprefix("http://")
        self._path = setting.folder / f"{name}.jsonl"
        self._client.fetch(self._url)  # imports and connections of the first call are not measured

    def recorded(self) -> Reading:
        """How much later than it was sent a chunk is seen, with and without recording."""
        import gemini_replay

        plain = self._delay()
        with gemini_replay.record(self._path):
            recorded = self._delay()
        return self._reading(recorded, {"without recording": statistics.median(plain)})

    def slowly(self) -> Reading:
        """How far recorded times are from those of the wire, if the client holds each chunk for a while."""
        import gemini_replay

        with gemini_replay.record(self._path):
            self._client.fetch(self._url, consume=SLOW)
        times, sent = self._moments(), [one.at for one in self._server.app.sent[-1]]
        pairs = zip(times, sent, strict=True)
        return self._reading([abs((at - times[0]) - (true - sent[0])) * 1000 for at, true in pairs], {})

    def replayed(self) -> Reading:
        """How much later than recorded a chunk is seen, from when the transport was asked."""
        import gemini_replay

        if not self._path.exists():
            with gemini_replay.record(self._path):
                self._delay()
        with gemini_replay.replay(self._path, hosts=[self._host]) as session:
            decide, asked = session.decide, list[float]()

            def noted(request: Any) -> Any:
                asked.append(time.perf_counter())
                return decide(request)

            vars(session)["decide"] = noted
            seen = self._client.fetch(self._url)
        assert seen.chunks == self._chunks
        late = [(at - asked[0] - due) * 1000 for at, due in zip(seen.times, self._moments(), strict=True)]
        return self._reading(late, {})

    def _delay(self) -> list[float]:
        seen = self._client.fetch(self._url)
        assert seen.chunks == self._chunks
        return [(at - sent.at) * 1000 for at, sent in zip(seen.times, self._server.app.sent[-1], strict=True)]

    def _moments(self) -> list[float]:
        """When each recorded chunk came, in seconds since the request was sent."""
        from gemini_replay import Cassette

        recording = Cassette.load(self._path).interactions[0]
        assert [chunk.data for chunk in recording.chunks] == self._chunks
        assert recording.response is not None
        return list(accumulate((chunk.after for chunk in recording.chunks), initial=recording.response.after))[1:]

    def _reading(self, values: Sequence[float], also: dict[str, float]) -> Reading:
        return Reading(len(values), statistics.median(values), {**also, "max": max(values)})


def _prepared(setting: Setting, name: str, measure: Measure) -> Callable[[], Run]:
    def prepare() -> Run:
        client = Fetched(setting, name)
        return lambda: measure(client)

    return prepare
