"""Benchmarks for the tests of the harness.

Each contestant that is named after a letter writes it into a file whenever it runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from benchmarks.harness import PEERS, Benchmark, Contestant, Reading, Run, Setting, at_least, at_most


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """One for each fact that a test states."""
    log = setting.folder / "log"

    def noted(letter: str) -> Run:
        def run() -> Reading:
            with log.open("a") as lines:
                lines.write(letter)
            return Reading("same", {"a": 1.0, "b": 2.0, "c": 4.0}[letter], {"letter": ord(letter)})

        return run

    def closed() -> Run:
        setting.closing.callback(log.write_text, "closed")
        return lambda: 1

    def fails_later() -> Run:
        values = iter([1, Reading(1, 5.0)])
        return lambda: next(values)

    def started() -> Run:
        with (setting.folder / "started").open("a") as lines:
            lines.write(f"{os.getpid()} ")
        return lambda: Reading("same", 1.0)

    letters = {letter: (lambda letter=letter: noted(letter)) for letter in "abc"}
    targets = [at_most(2, times="a"), at_most(3), at_least(1, times="gone")]
    best = [at_most(1, times=PEERS)]
    gone = Contestant("gone", lambda: __import__("no_such_module").run)
    yield Benchmark(
        "turns",
        "ms",
        [
            Contestant("a", letters["a"]),
            Contestant("b", letters["b"], targets=targets),
            Contestant("c", letters["c"], targets=best),
            gone,
        ],
        floor="a",
    )
    yield Benchmark(
        "wrong",
        "µs",
        [
            Contestant("differs", lambda: lambda: [b"one", b"twx"]),
            Contestant("floor", lambda: lambda: [b"one", b"two"]),
            Contestant("lump", lambda: lambda: [b"onetwo"], expected=[b"onetwo"], note="one lump"),
            Contestant("object", lambda: lambda: object()),
            Contestant("fails", lambda: lambda: 1 / 0),
            Contestant("exits", lambda: lambda: exit(3)),
            Contestant("fails later", fails_later, expected=1),
            Contestant("dies", lambda: lambda: os._exit(3)),
        ],
        floor="floor",
    )
    yield Benchmark("expected", "ms", [Contestant("one", lambda: lambda: 1)], expected=2)
    yield Benchmark("closed", "ms", [Contestant("one", closed)])
    yield Benchmark("started", "ms", [Contestant("one", started)])
    yield Benchmark("printed", "ms", [Contestant("one", lambda: lambda: Reading(print("hello"), 1.0))])
    yield Benchmark("process", "MB/s", [Contestant("json", lambda: lambda: json.loads("[1]"))], amount=3e-6)
    large = Contestant("large", lambda: lambda: len(bytes(bytearray(b"x") * 30_000_000)))
    small = Contestant("small", lambda: lambda: 30_000_000)
    yield Benchmark("memory", "MB", [large, small], measures="memory")
