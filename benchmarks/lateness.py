"""How late chunks are when many streams play at once, in the process of the client.

One cassette is played to many clients in one event loop, or each in a thread, beside the floor: timers of the same
loop, with no client and no replay. Every stream must be complete, byte for byte and chunk for chunk, and no chunk may
come before its time. The figure is the 99th percentile of all chunks of all streams. "Drift" is the lateness of a
stream's last tenth less that of its first; "CPU" is processor time for each chunk, the client's own included.

Crowds of 1,000 and more also play without Python's garbage collector, which stops every stream while it visits all
objects: about 60 to 70 for each open stream. "Mocked" is what the same clients need without any
replay: httpx2 on its own `MockTransport`, whose streams only sleep, and aiohttp on real `ResponseHandler`s, which
timers of the loop feed with ready bytes. They have 48 and 58 objects for each open stream. No replay can be less late
than they are.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting, Target, at_most
from benchmarks.story import Story, Stream, raise_file_limit

HEAD = 0.4
"""Seconds to the head: a usual figure for gemini-2.5-flash without thinking."""


@dataclass(frozen=True)
class Crowd:
    """A number of streams, begun within `ramp` seconds, each with a number of events `gap` seconds apart."""

    streams: int
    ramp: float
    events: int = 60
    gap: float = 0.1

    def __str__(self) -> str:
        begun = "" if self.streams == 1 else f" within {self.ramp:g} s" if self.ramp else " at once"
        plural = "s" if self.streams > 1 else ""
        return f"{self.streams:,} stream{plural}{begun}, an event in {self.gap * 1000:g} ms"

    @property
    def story(self) -> Story:
        """What each of them plays."""
        return Story(self.events, self.gap, HEAD)


CROWDS = [Crowd(1, 0), Crowd(100, 2), Crowd(1000, 2), Crowd(1000, 0), Crowd(5000, 5, 20, 0.5)]
QUICK = [Crowd(5, 0.05, 5, 0.01)]
TARGETS: dict[Crowd, Sequence[Target]] = {CROWDS[2]: [at_most(3)], CROWDS[4]: [at_most(20)]}
MOST_THREADS = 100
LARGE = 1000
PLAYED = {"httpx2", "aiohttp", "httpx2, threads", "requests, threads"}
"""The players whose requests gemini-replay answers."""


def reading(story: Story, streams: Sequence[Stream], cpu: float | None) -> Reading:
    """The figures of streams, after a check that all are correct, with their seconds of processor time."""
    each = [story.lateness(stream) for stream in streams]
    late = sorted(ms for one in each for ms in one)
    tenth = max(1, len(story.chunks) // 10)
    drift = statistics.median(statistics.mean(one[-tenth:]) - statistics.mean(one[:tenth]) for one in each)
    also = {"p50": late[len(late) // 2], "max": late[-1], "drift": drift}
    if cpu is not None:
        also["CPU, µs/chunk"] = cpu / len(late) * 1e6
    return Reading(len(late), late[int(len(late) * 0.99)], also)


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """One for each crowd."""
    for crowd in QUICK if setting.quick else CROWDS:
        targets = TARGETS.get(crowd, ())
        in_loop = [
            Contestant(f"one loop: {library}", _player(setting, crowd, library), targets=targets)
            for library in ("httpx2", "aiohttp")
        ]
        without_collector = [
            Contestant(f"one loop: {library}, no collector", _without_collector(_player(setting, crowd, library)))
            for library in ("httpx2", "aiohttp")
        ]
        mocked = [
            Contestant(f"one loop: {library}, mocked", _player(setting, crowd, f"{library}, mocked"))
            for library in ("httpx2", "aiohttp")
        ]
        in_threads = [
            Contestant(f"threads: {library}", _player(setting, crowd, f"{library}, threads"))
            for library in ("httpx2", "requests")
        ]
        yield Benchmark(
            f"Lateness of {crowd}",
            "ms, p99",
            [
                Contestant("bare timers", _player(setting, crowd, "bare")),
                *in_loop,
                *([*mocked, *without_collector] if crowd.streams >= LARGE else ()),
                *(in_threads if crowd.streams <= MOST_THREADS else ()),
            ],
            floor="bare timers",
            measures="reading",
            expected=crowd.streams * crowd.events,
            rounds=3,
            limit=(
                "The processor time for each chunk, times the chunks that are due in a second: a loop has one core. "
                "From 1,000 streams on, the garbage collector, which visits the clients' objects: see the mocks. "
                "Where the bare timers are late, the machine is."
            ),
        )


def _player(setting: Setting, crowd: Crowd, name: str) -> Callable[[], Run]:
    def prepare() -> Run:
        from benchmarks import in_process
        from gemini_replay import interception
        from gemini_replay.session import Session

        raise_file_limit(crowd.streams)
        story, player = crowd.story, in_process.PLAYERS[name]
        if name in PLAYED:
            path = setting.file(f"{crowd.events}-events.jsonl", story.save)
            with interception.intercepted(Session.replaying(path, speed="instant")):
                in_process.play(player, story, 1, 0.0)  # modules that the first call loads are not measured
            setting.closing.enter_context(interception.intercepted(Session.replaying(path, repeat=True)))
        return lambda: reading(story, *in_process.play(player, story, crowd.streams, crowd.ramp))

    return prepare


def _without_collector(prepare: Callable[[], Run]) -> Callable[[], Run]:
    def prepared() -> Run:
        run = prepare()

        def run_without_collector() -> object:
            gc.disable()
            try:
                return run()
            finally:
                gc.enable()

        return run_without_collector

    return prepared
