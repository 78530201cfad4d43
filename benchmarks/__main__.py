"""``python -m benchmarks [TABLE…]``: measures tables and prints them."""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from pathlib import Path

from benchmarks.contest import contest
from benchmarks.environments import python_of
from benchmarks.harness import Result, Setting, Spread

TABLES = ("parsing", "replay", "recording", "cassettes")
"""Modules of this package with a function `benchmarks`, in the order of the page."""


def main() -> None:
    """Measure what is asked for."""
    there = [name for name in TABLES if importlib.util.find_spec(f"benchmarks.{name}")]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures tables and prints them.")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"one of {', '.join(there)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="little work, few rounds: to see that it works")
    chosen = parser.parse_args()
    for name in chosen.tables or there:
        with tempfile.TemporaryDirectory() as folder:
            for result in contest(f"benchmarks.{name}", Setting(chosen.quick, Path(folder)), python_of):
                show(result)


def show(result: Result) -> None:
    """Print one benchmark."""
    print(f"\n{result.benchmark.name} ({result.benchmark.unit})")
    for row in result.rows:
        if row.refused:
            print(f"  {row.contestant.name:30} {row.refused}")
            continue
        spread, ratio = Spread.of(row.rounds), result.ratio(row)
        figures = f"{spread.median:10.4g}  {spread.low:.4g} … {spread.high:.4g}"
        times = f"  {ratio.median:.2f} ×" if ratio else ""
        verdicts = "".join(f"  {one.target} ({one.found}): {one.met}" for one in result.verdicts(row))
        print(f"  {row.contestant.name:30} {figures}{times}{verdicts}")


if __name__ == "__main__":
    main()
