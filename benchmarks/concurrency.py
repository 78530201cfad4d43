"""How late chunks are when many streams play at once: ``python benchmarks/concurrency.py``.

One cassette is played from ``gemini-replay serve`` over real sockets (the server is a process of its own, its clients
are another one) and in process (many clients in one event loop, or each in a thread), beside the least that Python
can do of the same. Every stream must be complete and equal to the recording, byte for byte and chunk for chunk, or
there are no figures at all. With ``--markdown docs/fidelity.md`` the table of that page is written anew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import in_process
import sockets
from story import Story, Stream, raise_file_limit
from support.processes import announced, listening

from gemini_replay import interception
from gemini_replay.report.terminal import table
from gemini_replay.session import Session

HEAD = 0.4
"""Seconds to the head: a usual figure for gemini-2.5-flash without thinking."""

BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
COLUMNS = ("from", "streams", "begun", "p50", "p99", "max", "drift", "CPU")
BARE_SERVER = Path(__file__).with_name("bare_server.py")


@dataclass(frozen=True)
class Row:
    """The figures of one way to play, with so many streams at once; times in ms, `cpu` in microseconds a chunk."""

    name: str
    streams: int
    ramp: float
    p50: float
    p99: float
    most: float
    drift: float
    cpu: float | None

    @classmethod
    def of(cls, name: str, ramp: float, story: Story, streams: list[Stream], cpu: float | None) -> Row:
        """Once each stream has been found true."""
        each = [story.lateness(stream) for stream in streams]
        late = sorted(ms for one in each for ms in one)
        tenth = max(1, len(story.chunks) // 10)
        drift = statistics.median(statistics.mean(one[-tenth:]) - statistics.mean(one[:tenth]) for one in each)
        per_chunk = None if cpu is None else cpu / len(late) * 1e6
        p50, p99 = (late[int(len(late) * part)] for part in (0.5, 0.99))
        return cls(name, len(each), ramp, p50, p99, late[-1], drift, per_chunk)

    def cells(self) -> tuple[str, ...]:
        """As text."""
        begun = f"within {self.ramp:g} s" if self.ramp else "at once"
        figures = (f"{value:.2f}" for value in (self.p50, self.p99, self.most))
        drift = "0.00" if abs(self.drift) < 0.005 else f"{self.drift:+.2f}"
        cpu = "" if self.cpu is None else f"{self.cpu:.0f}"
        return (self.name, str(self.streams), begun if self.streams > 1 else "", *figures, drift, cpu)


@dataclass(frozen=True)
class Run:
    """What is asked of every way to play.

    Attributes:
        path: the cassette.
        story: what it holds.
        counts: how many streams, one after the other.
        ramp: seconds within which they begin; the largest count is tried with 0 as well.
    """

    path: Path
    story: Story
    counts: list[int]
    ramp: float

    def cells(self, most: int | None = None) -> Iterator[tuple[int, float]]:
        """Numbers of streams, none above `most`, each with the seconds in which they begin."""
        for count in self.counts:
            if most is None or count <= most:
                yield count, self.ramp
        if most is None and self.ramp and max(self.counts) > 1:
            yield max(self.counts), 0.0

    def over_sockets(
        self, name: str, server: contextlib.AbstractContextManager[tuple[subprocess.Popen[str], str]]
    ) -> Iterator[Row]:
        """From a server in a process of its own."""
        with server as (process, url):
            asyncio.run(sockets.warm(url))
            for count, ramp in self.cells():
                before = cpu_of(process.pid)
                streams = asyncio.run(sockets.play(url, count, ramp))
                after = cpu_of(process.pid)
                cpu = None if before is None or after is None else after - before
                yield Row.of(name, ramp, self.story, streams, cpu)

    def in_process(self, name: str, player: in_process.Player, most: int | None = None) -> Iterator[Row]:
        """From a session in this process."""
        if player is not in_process.BARE:  # what a first call loads is not what is measured
            with interception.intercepted(Session.replaying(self.path, speed="instant")):
                in_process.play(player, self.story, 1, 0.0)
        with interception.intercepted(Session.replaying(self.path, repeat=True)):
            for count, ramp in self.cells(most):
                streams, cpu = in_process.play(player, self.story, count, ramp)
                yield Row.of(name, ramp, self.story, streams, cpu)

    def rows(self, threads: int) -> Iterator[Row]:
        """Every way to play, in the order of the table."""
        bare = announced([sys.executable, BARE_SERVER, self.path])
        yield from self.over_sockets("sockets: bare asyncio server", bare)
        yield from self.over_sockets("sockets: `gemini-replay serve`", listening("serve", self.path))
        yield from self.in_process("one loop: bare timers", in_process.BARE)
        for library, player in in_process.LOOPS.items():
            yield from self.in_process(f"one loop: {library}", player)
        for library, player in in_process.THREADS.items():
            yield from self.in_process(f"threads: {library}", player, threads)


def cpu_of(pid: int) -> float | None:
    """Seconds of processor time that a process of one thread has used, where the system tells (Linux)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except OSError:
        return None


def machine() -> str:
    """What the figures depend on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ("gemini-replay", "uvicorn", "h11", "httpx2", "aiohttp", "requests")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    load = f"; load average at the start {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else ""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{cores} cores ({processor_name()}), {platform.system()}, {python}{load}; {versions}"


def processor_name() -> str:
    """The processor's name, else its kind."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def write_page(page: Path, about: str, rows: Iterable[Row]) -> None:
    """Put the table between the marks of a page.

    Raises:
        SystemExit: it has no marks.
    """
    text = page.read_text(encoding="utf-8")
    start, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page} has no lines {BEGIN.strip()} and {END.strip()}, between which the table would go.")
    table = [COLUMNS, ("---", *("--:" for _ in COLUMNS[1:])), *(row.cells() for row in rows)]
    lines = [f"| {' | '.join(cells)} |" for cells in table]
    page.write_text("\n".join([start + begin + "\n" + about + "\n", *lines, "\n" + end + after]), encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Measure every way to play, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", nargs="+", type=int, default=[1, 100, 1000], help="how many at once")
    parser.add_argument("--threads", type=int, default=100, help="the most threads (default 100)")
    parser.add_argument("--ramp", type=float, default=2.0, help="seconds within which the streams begin (default 2)")
    parser.add_argument("--events", type=int, default=60, help="of each stream (default 60)")
    parser.add_argument("--gap", type=float, default=0.1, help="seconds between them (default 0.1)")
    parser.add_argument("--markdown", type=Path, metavar="PAGE", help="write the table into this page")
    chosen = parser.parse_args(arguments)
    raise_file_limit(max(chosen.streams))
    story = Story(chosen.events, chosen.gap, HEAD)
    about = (
        f"{datetime.date.today().isoformat()}: {machine()}. Each stream: the head after {HEAD:g} s, then "
        f"{chosen.events} events, {chosen.gap * 1000:g} ms apart."
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "story.jsonl"
        story.save(path)
        for row in Run(path, story, chosen.streams, chosen.ramp).rows(chosen.threads):
            print(*row.cells(), sep="  ", file=sys.stderr, flush=True)
            rows.append(row)
    if chosen.markdown:
        write_page(chosen.markdown, about, rows)
    print(f"{about}\n{table(COLUMNS, [row.cells() for row in rows])}")


if __name__ == "__main__":
    main()
