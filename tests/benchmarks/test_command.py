"""``python -m benchmarks`` measures, prints and writes, and a page holds what was measured before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import machine, report

for library in ("aiohttp", "httpx2", "requests", "rich"):
    pytest.importorskip(library, reason=f"{library} is not installed")

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The output of a quick run of one table, and its figures."""
    figures = tmp_path_factory.mktemp("figures") / "figures.json"
    arguments = [sys.executable, "-m", "benchmarks", "lateness", "--quick", "--json", str(figures)]
    done = subprocess.run(arguments, capture_output=True, text=True, encoding="utf-8", timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(figures.read_text(encoding="utf-8"))


def test_a_quick_run_has_a_figure_for_each_contestant(quick: tuple[str, dict[str, Any]]) -> None:
    """Each was correct and was measured three times; the table names them all."""
    printed, tables = quick
    (benchmark,) = tables["lateness"]["benchmarks"]
    names = [row["name"] for row in benchmark["rows"]]
    assert names == ["bare timers", *(f"one loop: {library}" for library in ("httpx2", "aiohttp")), *names[3:]]
    assert [(row["refused"], len(row["rounds"])) for row in benchmark["rows"]] == [("", 3)] * len(names)
    assert all(name in printed for name in names)


def test_a_run_says_where_it_ran(quick: tuple[str, dict[str, Any]]) -> None:
    """The machine, its load, the interpreter and the versions of the libraries."""
    _, tables = quick
    table = tables["lateness"]
    assert table["quick"]
    assert set(table["about"]) == {"date", "machine", "python", "load", "loop", "warning"}
    assert {"gemini-replay", "httpx2", "aiohttp"} <= set(table["versions"])


def test_a_page_has_every_table_that_was_measured(quick: tuple[str, dict[str, Any]]) -> None:
    """Each table has its title, its text and its figures."""
    module, other = ModuleType("lateness", "How late.\n\nWords of it."), ModuleType("other", "Another.")
    page = report.page({"lateness": module, "other": other}, quick[1])
    assert "## How late\n" in page
    assert "Words of it.\n" in page
    assert "**A quick run, to see that it works.**" in page
    assert "| bare timers (floor) | " in page
    assert "Another" not in page


def test_a_page_has_remarks_on_what_was_measured_since(quick: tuple[str, dict[str, Any]]) -> None:
    """They stand before the table that they are about, and go when it is made again."""
    module, tables = ModuleType("lateness", "How late."), quick[1]
    remark = "on a slower machine, it was twice as late."
    page = report.page({"lateness": module}, {"lateness": {**tables["lateness"], "since": [remark]}})
    assert page.index(f"Since then: {remark}") < page.index("| bare timers (floor) | ")
    assert "Since then" not in report.page({"lateness": module}, tables)


def test_a_page_keeps_what_was_measured_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: tuple[str, dict[str, Any]]
) -> None:
    """Only tables that are measured now are replaced."""
    monkeypatch.setattr(command, "DATA", tmp_path / "benchmarks.json")
    monkeypatch.setattr(command, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(command, "measured", lambda name, quick_run: quick[1]["lateness"])
    monkeypatch.setattr(machine, "compile_all", lambda: None)
    command.main(["serving", "--write-docs"])
    command.main(["lateness", "--write-docs"])
    assert set(json.loads(command.DATA.read_text(encoding="utf-8"))) == {"serving", "lateness"}
    assert command.PAGE.read_text(encoding="utf-8").count("| bare timers (floor) | ") == 2


def test_the_page_is_made_of_its_data() -> None:
    """The page in docs/ is written by the command, not by hand."""
    data = json.loads(command.DATA.read_text(encoding="utf-8"))
    assert command.PAGE.read_text(encoding="utf-8") == report.page(command.modules(), data)


@pytest.mark.parametrize(("load", "warned"), [(0.1, False), (5.0, True), (None, False)])
def test_a_busy_machine_is_named(monkeypatch: pytest.MonkeyPatch, load: float | None, warned: bool) -> None:
    """This works where the system shows its load."""
    monkeypatch.setattr(machine, "load", lambda: load)
    assert bool(machine.busy()) == warned
    assert machine.about()["warning"] == machine.busy()


def test_a_verdict_on_a_target() -> None:
    """A target is met, missed, or not measured because the other contestant has no figures."""
    assert report.verdict({"target": "≤ 2 × a", "met": True, "found": 1.5}) == "≤ 2 × a: met (1.50)"
    assert report.verdict({"target": "≤ 2 × a", "met": False, "found": 2.5}) == "≤ 2 × a: **missed** (2.50)"
    assert report.verdict({"target": "≤ 2 × a", "met": None, "found": None}) == "≤ 2 × a: not measured"
