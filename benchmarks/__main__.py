"""``python -m benchmarks [TABLE…]``: measures, prints, and writes the page of results."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import environments, machine, report
from benchmarks.contest import ROOT, contest
from benchmarks.harness import Benchmark, Setting

TABLES = (
    "replay",
    "suites",
    "lateness",
    "serving",
    "clients",
    "recording",
    "memory",
    "parsing",
    "cassettes",
    "checking",
    "startup",
    "fuzzing",
    "job",
)
"""Modules of this package with a function `benchmarks`, in the order of the page."""

PAGE, DATA = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.json"
WIDTH = 150
"""The width of tables that are printed into a file or a pipe."""

COMMON = ("gemini-replay", *environments.CLIENTS, "respx", "uvicorn", "h11")


def main(arguments: list[str] | None = None) -> None:
    """Measure the tables named on the command line."""
    there = modules()
    chosen = _options(there).parse_args(arguments)
    print(f"{machine.cores()} cores, load average {machine.load() or 0:.2f}", file=sys.stderr)
    if machine.busy():
        print(machine.busy(), file=sys.stderr)
    machine.compile_all()
    tables = {name: measured(name, chosen.quick) for name in chosen.tables or there}
    if chosen.json:
        chosen.json.write_text(json.dumps(tables, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if chosen.write_docs:
        before = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}
        write_docs({**before, **tables})


def modules() -> dict[str, ModuleType]:
    """The tables' modules, by name, in the order of the page."""
    there = [name for name in TABLES if importlib.util.find_spec(f"benchmarks.{name}")]
    return {name: importlib.import_module(f"benchmarks.{name}") for name in there}


def _options(there: Iterable[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures tables and prints them.")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(there)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="little work, few rounds: to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures of this run")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/benchmarks.md")
    return parser


def measured(name: str, quick: bool) -> dict[str, Any]:
    """Measure one table; print each of its benchmarks as soon as it is done."""
    from rich.console import Console

    console, about = Console(), machine.about()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    benchmarks, used = [], set[str]()
    with tempfile.TemporaryDirectory() as folder:
        for result in contest(f"benchmarks.{name}", Setting(quick, Path(folder)), environments.python_of):
            benchmarks.append(report.as_json(result))
            used |= _environments(result.benchmark)
            console.print(report.terminal_table(benchmarks[-1]))
    return {"about": about, "quick": quick, "versions": _versions(used), "benchmarks": benchmarks}


def _environments(benchmark: Benchmark) -> set[str]:
    return {one.environment for one in benchmark.contestants if one.environment}


def _versions(used: set[str]) -> dict[str, str]:
    found = machine.versions(sys.executable, COMMON)
    for name in sorted(used):
        found |= environments.versions(name)
    return found


def write_docs(tables: dict[str, Any]) -> None:
    """Write the data, and the page made from it."""
    DATA.write_text(json.dumps(tables, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(report.page(modules(), tables), encoding="utf-8")


if __name__ == "__main__":
    main()
