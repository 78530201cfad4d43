"""Lets the contestants of a benchmark take turns, each in a process of its own."""

from __future__ import annotations

import base64
import importlib
import json
import marshal
import math
import os
import reprlib
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks.harness import SAME, Benchmark, Contestant, Result, Row, Setting

ROOT = Path(__file__).parent.parent
ROUND_SECONDS, QUICK_SECONDS = 0.1, 0.005
QUICK_ROUNDS = 3
PROCESSES = 3
"""Of short work, a contestant has three processes: some are faster than others, from the first run to the last."""
TURNS = 10
"""Of short work, a round has up to ten turns: all contestants have theirs within one moment of the machine."""
CLOSING_SECONDS = 30

Pythons = Callable[[str], str]
"""Gives the interpreter of an environment by its name; raises `Refused` if there is none."""


class Refused(Exception):
    """A contestant gets no figures; the message says why."""


class Worker:
    """The process of one contestant."""

    def __init__(self, python: str, module: str, benchmark: str, contestant: str, setting: Setting) -> None:
        asked: dict[str, object] = {"module": module, "benchmark": benchmark, "contestant": contestant}
        asked |= {"quick": setting.quick, "folder": str(setting.folder)}
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", json.dumps(asked)],
            cwd=setting.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the contestant close its resources."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        with self._process:
            pass

    def ask(self, **request: object) -> None:
        """Begin something; `answer` waits for it."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # its process has ended, which `answer` reports
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The next answer of the process.

        Raises:
            Refused: it failed, or it ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Refused(f"its process ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "missing" in answer:
            raise Refused(f"not installed: {answer['missing']}")
        if "problem" in answer:
            raise Refused(f"{answer['problem']}\n{answer['trace']}")
        return answer


@dataclass
class _Figures:
    """What was measured of a contestant so far, or why it was refused."""

    contestant: Contestant
    rounds: list[float] = field(default_factory=list)
    also: dict[str, list[float]] = field(default_factory=dict)
    refused: str = ""

    def row(self) -> Row:
        """The results of all rounds."""
        if self.refused:
            return Row(self.contestant, refused=self.refused)
        return Row(self.contestant, self.rounds, {name: statistics.median(each) for name, each in self.also.items()})


@dataclass
class _Turn:
    """A contestant's process that passed the check.

    Attributes:
        seconds: how long one run takes; of one that measures itself, a whole round.
        calls: how many runs it makes in one turn.
    """

    figures: _Figures
    worker: Worker
    seconds: float
    calls: int = 1

    def take(self, benchmark: Benchmark) -> None:
        """One round, unless an earlier one failed."""
        if self.figures.refused:
            return
        try:
            self.worker.ask(calls=self.calls)
            answer = self.worker.answer()
        except Refused as why:
            self.figures.refused = str(why)
            return
        if "figure" in answer:
            self.figures.rounds.append(answer["figure"])
        else:
            self.figures.rounds.append(benchmark.figure(answer[benchmark.measures] / self.calls))
        for name, figure in answer.get("also", {}).items():
            self.figures.also.setdefault(name, []).append(figure)


class Contest:
    """One benchmark of a module, measured.

    Args:
        module: where the benchmark is defined.
        benchmark: the description.
        setting: the setting of the table.
        pythons: finds the interpreters of environments.
    """

    def __init__(self, module: str, benchmark: Benchmark, setting: Setting, pythons: Pythons) -> None:
        self._module = module
        self._benchmark = benchmark
        self._setting = setting
        self._pythons = pythons
        self._expected = benchmark.expected

    def result(self) -> Result:
        """Check each contestant, then measure those that passed, round by round."""
        rows = self._memory_rows() if self._benchmark.measures == "memory" else self._timed_rows()
        order = [contestant.name for contestant in self._benchmark.contestants]
        return Result(self._benchmark, sorted(rows, key=lambda row: order.index(row.contestant.name)))

    def _floor_first(self) -> Iterable[Contestant]:
        """The floor's result is the one that the others are compared with."""
        return sorted(self._benchmark.contestants, key=lambda one: one.name != self._benchmark.floor)

    def _rounds(self) -> int:
        return min(self._benchmark.rounds, QUICK_ROUNDS) if self._setting.quick else self._benchmark.rounds

    def _timed_rows(self) -> list[Row]:
        figures = [_Figures(contestant) for contestant in self._floor_first()]
        left = self._rounds()
        while left:
            left -= self._measure(figures, left)
        return [one.row() for one in figures]

    def _measure(self, figures: Sequence[_Figures], left: int) -> int:
        """Start a process for each that was not refused, and let them take turns; return for how many rounds."""
        with ExitStack() as workers:
            turns: list[_Turn] = []
            for one in figures:
                if not one.refused:
                    try:
                        turns.append(self._turn(one, workers))
                    except Refused as why:
                        one.refused = str(why)
            count = self._turns(turns)
            rounds = left if count == 1 or self._setting.quick else min(left, math.ceil(self._rounds() / PROCESSES))
            for number in range(rounds * count):
                for turn in turns[number % len(turns) :] + turns[: number % len(turns)] if turns else ():
                    turn.take(self._benchmark)
        return rounds

    def _worker(self, contestant: Contestant) -> Worker:
        python = self._pythons(contestant.environment) if contestant.environment else sys.executable
        return Worker(python, self._module, self._benchmark.name, contestant.name, self._setting)

    def _turn(self, figures: _Figures, workers: ExitStack) -> _Turn:
        """Start a process of a contestant, and check it."""
        worker = workers.enter_context(self._worker(figures.contestant))
        worker.answer()
        if self._checked(figures.contestant, worker)["read"]:
            return _Turn(figures, worker, ROUND_SECONDS)
        worker.ask(calls=1)
        return _Turn(figures, worker, max(worker.answer()["wall"], 1e-6))

    def _turns(self, turns: Sequence[_Turn]) -> int:
        """Decide how many runs each contestant makes in a turn, and how many turns a round has."""
        seconds = QUICK_SECONDS if self._setting.quick else ROUND_SECONDS
        longest = max((turn.seconds for turn in turns), default=seconds)
        count = max(1, min(TURNS, int(seconds / longest)))
        for turn in turns:
            turn.calls = max(1, int(seconds / count / turn.seconds))
        return count

    def _memory_rows(self) -> list[Row]:
        growths: dict[str, list[float]] = {}
        refused: dict[str, str] = {}
        for _ in range(self._rounds()):
            for contestant in self._floor_first():
                if contestant.name not in refused:
                    try:
                        with self._worker(contestant) as worker:
                            worker.answer()
                            growth = self._checked(contestant, worker)["growth"]
                            growths.setdefault(contestant.name, []).append(growth)
                    except Refused as why:
                        refused[contestant.name] = str(why)
        return [
            Row(one, refused=refused[one.name]) if one.name in refused else Row(one, growths[one.name])
            for one in self._benchmark.contestants
        ]

    def _checked(self, contestant: Contestant, worker: Worker) -> dict[str, Any]:
        """Let the contestant run once, and compare its result."""
        worker.ask()
        answer = worker.answer()
        value = marshal.loads(base64.b64decode(answer["value"]))
        if contestant.expected is not SAME:
            expected = contestant.expected
        elif self._expected is SAME:
            expected = self._expected = value
        else:
            expected = self._expected
        if value != expected:
            raise Refused(f"wrong: {difference(value, expected)}")
        return answer


def difference(got: object, expected: object) -> str:
    """The first difference of two values, in one line."""
    if isinstance(got, list | tuple) and isinstance(expected, list | tuple):
        if len(got) != len(expected):
            return f"{len(got)} items, not {len(expected)}"
        for number, (one, other) in enumerate(zip(got, expected, strict=True)):
            if one != other:
                return f"item {number}: {difference(one, other)}"
    if isinstance(got, bytes | str) and isinstance(expected, bytes | str) and type(got) is type(expected):
        pairs = enumerate(zip(got, expected, strict=False))
        at = next((at for at, (one, other) in pairs if one != other), min(len(got), len(expected)))
        size = f"{len(got)} long, not {len(expected)}; " if len(got) != len(expected) else ""
        return f"{size}from {at} on {reprlib.repr(got[at:])}, not {reprlib.repr(expected[at:])}"
    if isinstance(got, dict) and isinstance(expected, dict):
        for key in [*expected, *got]:
            if key not in got or key not in expected:
                return f"key {key!r} is {'missing' if key not in got else 'too many'}"
            if got[key] != expected[key]:
                return f"at {key!r}: {difference(got[key], expected[key])}"
    return f"{reprlib.repr(got)}, not {reprlib.repr(expected)}"


def contest(module: str, setting: Setting, pythons: Pythons) -> Iterable[Result]:
    """Measure each benchmark of a module, one after the other."""
    with setting.closing:
        for benchmark in importlib.import_module(module).benchmarks(setting):
            yield Contest(module, benchmark, setting, pythons).result()
