"""Measures what several contestants need for the same work, side by side.

A table is a module of this package with a function `benchmarks`. ``python -m benchmarks NAME`` measures it::

    def benchmarks(setting: Setting) -> Iterator[Benchmark]:
        body = b'{"text": "hello"}' * (10 if setting.quick else 1000)

        def prepare(library: str) -> Callable[[], object]:  # not timed: imports, data, connections
            loads = importlib.import_module(library).loads
            return lambda: loads(body)  # timed; returns what came out

        yield Benchmark("JSON", "MB/s", [
            Contestant("json", lambda: prepare("json")),
            Contestant("orjson", lambda: prepare("orjson"), environment="parsers",
                       targets=[at_least(2, times="json")]),
        ], floor="json", amount=len(body) / 1e6, limit="The objects that must be made.")

Every contestant has a process of its own (`benchmarks.worker`), so that no patch, cache or garbage of one reaches
another. It runs once to be checked: what it returns must equal what is expected, or it is refused. Then the
contestants take turns. If their work is short, a turn takes some 10 ms, and each third of the rounds has new
processes. A figure is the median of all turns, a ratio the median of the ratios to the floor's figure in the same
turn.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Run = Callable[[], object]
"""One call of the work. It returns its result in plain values (those that `marshal` writes), or a `Reading`."""

PEERS = "the best peer"
"""A target's `times`: the best figure of a contestant that is neither this one nor a floor."""

SAME = object()
"""A contestant's `expected`: the same as all others."""


@dataclass(frozen=True)
class Setting:
    """What a table is made for.

    Attributes:
        quick: True to see that it works, with little work and few rounds.
        folder: for files that contestants share; every process of one run has the same folder.
        closing: closes servers, loops and clients when the process ends.
    """

    quick: bool
    folder: Path
    closing: ExitStack = field(default_factory=ExitStack)

    def file(self, name: str, make: Callable[[Path], object]) -> Path:
        """A file that `make` writes when it is first needed."""
        path = self.folder / name
        if not path.exists():
            unfinished = path.with_name(f"{name}.unfinished")
            make(unfinished)
            unfinished.replace(path)
        return path


@dataclass(frozen=True)
class Reading:
    """What a run returns if it measures by itself, such as how late chunks were.

    Attributes:
        value: what came out, to be compared.
        figure: in the benchmark's unit.
        also: further figures by name, such as ``{"max, ms": 8.3}``: columns of their own.
    """

    value: object
    figure: float
    also: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """The target for a contestant's figure, see `at_most` and `at_least`."""

    bound: float
    least: bool
    times: str | None

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        return f"{sign} {self.bound:g}" + (f" × {self.times}" if self.times else "")

    def met(self, figure: float) -> bool:
        """Whether a figure, or a ratio if `times` is given, meets the target."""
        return figure >= self.bound if self.least else figure <= self.bound


def at_most(bound: float, *, times: str | None = None) -> Target:
    """A figure of `bound` or less; with `times`, that many times the figure of the contestant it names."""
    return Target(bound, False, times)


def at_least(bound: float, *, times: str | None = None) -> Target:
    """A figure of `bound` or more; with `times`, that many times the figure of the contestant it names."""
    return Target(bound, True, times)


@dataclass(frozen=True)
class Contestant:
    """One way to do the work.

    Attributes:
        name: unique in its benchmark.
        prepare: imports and makes what a run needs, and returns the run.
        environment: which of `benchmarks.environments` it runs in; empty for the present one.
        expected: what it returns, if that is not what all return; say why in `note`.
        note: what a reader must know to compare it, such as "one lump".
        targets: what is asked of it.
    """

    name: str
    prepare: Callable[[], Run]
    environment: str = ""
    expected: object = SAME
    note: str = ""
    targets: Sequence[Target] = ()


@dataclass(frozen=True)
class Benchmark:
    """The same work for several contestants.

    Attributes:
        name: unique in its table.
        unit: ``"s"``, ``"ms"`` or ``"µs"``, alone or for each thing (``"µs/event"``); a rate, which ends with
            ``"/s"`` (``"MB/s"``); or ``"MB"`` for memory. Of readings, any unit.
        contestants: in the order of the table.
        floor: the contestant whose figure the others' are divided by.
        other_floors: contestants that do the least too, under other conditions: no peers.
        amount: how many things (events, MB) one run is about.
        measures: processor time, that of finished children included; wall-clock time; the growth of the peak of
            resident memory during the first run of a new process; or what the runs read: see `Reading`.
        expected: what each run returns; by default what the floor's, or else the first contestant's, returned.
        rounds: how often each contestant is measured for a tenth of a second, or for one run if that takes longer.
            If all runs are shorter, a round has up to ten turns for each contestant.
        limit: what limits the figures, for the page of results.
    """

    name: str
    unit: str
    contestants: Sequence[Contestant]
    floor: str = ""
    other_floors: Sequence[str] = ()
    amount: float = 1.0
    measures: Literal["cpu", "wall", "memory", "reading"] = "cpu"
    expected: object = SAME
    rounds: int = 15
    limit: str = ""

    def figure(self, seconds: float) -> float:
        """The duration of a run, converted to the benchmark's unit."""
        if self.unit.endswith("/s"):
            return self.amount / max(seconds, 1e-9)
        return seconds / self.amount * {"s": 1.0, "ms": 1e3, "µs": 1e6}[self.unit.partition("/")[0]]


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of the rounds' figures."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of one or more values."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))


def ratio(figures: Sequence[float], others: Sequence[float]) -> Spread:
    """The ratios of figures to those of another contestant in the same rounds."""
    return Spread.of([one / max(other, 1e-12) for one, other in zip(figures, others, strict=True)])


@dataclass(frozen=True)
class Verdict:
    """Whether a target was met.

    Attributes:
        target: the target.
        found: the figure or ratio that was compared; None if the other contestant has no figures.
    """

    target: Target
    found: float | None

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None if it could not be compared."""
        return None if self.found is None else self.target.met(self.found)


@dataclass(frozen=True)
class Row:
    """The figures of one contestant.

    Attributes:
        contestant: the contestant.
        rounds: its figure in each round, in the benchmark's unit.
        also: further figures by name, the median of the rounds.
        refused: why it has no figures: a wrong value, a failure, or what could not be installed.
    """

    contestant: Contestant
    rounds: Sequence[float] = ()
    also: Mapping[str, float] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True)
class Result:
    """The results of a benchmark."""

    benchmark: Benchmark
    rows: Sequence[Row]

    def rounds(self, name: str) -> Sequence[float]:
        """The figures of a contestant in each round; none if it was refused or does not take part."""
        return next((row.rounds for row in self.rows if row.contestant.name == name), ())

    def ratio(self, row: Row) -> Spread | None:
        """The ratio to the floor; None if one of the two has no figures."""
        floor = self.rounds(self.benchmark.floor)
        return ratio(row.rounds, floor) if row.rounds and floor else None

    def verdicts(self, row: Row) -> list[Verdict]:
        """The verdicts on a contestant's targets."""
        return [Verdict(target, self._found(row, target)) for target in row.contestant.targets]

    def _found(self, row: Row, target: Target) -> float | None:
        if not row.rounds or target.times is None:
            return Spread.of(row.rounds).median if row.rounds else None
        others = self._peers(row, target) if target.times == PEERS else self.rounds(target.times)
        return ratio(row.rounds, others).median if others else None

    def _peers(self, row: Row, target: Target) -> Sequence[float]:
        floors = {self.benchmark.floor, *self.benchmark.other_floors}
        peers = [one.rounds for one in self.rows if one is not row and one.contestant.name not in floors]
        best = max if target.least else min
        return best(filter(None, peers), key=statistics.median, default=())
