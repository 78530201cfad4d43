"""The page of a run: ``--gemini-report``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.plugin_projects import KEY

Run = Callable[..., pytest.RunResult]

TESTS = """
import pytest
from asking import ask

@pytest.mark.gemini_cassette("shared")
def test_one(gemini_cassette):
    ask("one")

@pytest.mark.gemini_cassette("shared")
def test_again(gemini_cassette):
    ask("one")

@pytest.mark.gemini_cassette("shared")
def test_other(gemini_cassette):
    WANTED

def test_without():
    pass
"""


def page(project: pytest.Pytester, name: str = "report.html") -> dict[str, Any]:
    """The data of a page."""
    text = (project.path / name).read_text(encoding="utf-8")
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert KEY not in text
    data: dict[str, Any] = json.loads(found)
    return data


def told(data: dict[str, Any]) -> dict[str, list[str]]:
    """What became of the requests of each test."""
    return {
        group["name"].rpartition("::")[2]: [entry["use"] for entry in group["entries"]]
        for group in data["page"]["groups"]
    }


@pytest.fixture
def recorded(project: pytest.Pytester, run: Run) -> pytest.Pytester:
    """A project whose tests share a cassette, with the page of the run that has recorded it."""
    project.makepyfile(test_tale=TESTS.replace("WANTED", "ask('other')"))
    run("--gemini-record=new", "--gemini-report=report.html").assert_outcomes(passed=4)
    return project


def test_what_was_recorded_is_told(recorded: pytest.Pytester) -> None:
    """With its test, its cassette and the whole interaction."""
    data = page(recorded)
    assert told(data) == {"test_one": ["recorded"], "test_again": ["replayed"], "test_other": ["recorded"]}
    about = dict(data["page"]["groups"][0]["about"])
    assert about["outcome"] == "passed"
    assert about["record mode"] == "new"
    assert Path(about["cassette"]) == recorded.path / "cassettes" / "shared.jsonl"
    assert data["interactions"][0]["asked"] == [["user", "one"]]
    assert len(data["interactions"][0]["events"]) == 3


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_what_was_replayed_and_missed_is_told(recorded: pytest.Pytester, run: Run, workers: tuple[str, ...]) -> None:
    """Also by the workers of pytest-xdist; misses stand first, with their differences; a replay is there once."""
    recorded.makepyfile(test_tale=TESTS.replace("WANTED", "ask('one'); ask('another')"))
    result = run("--gemini-report=pages/report.html", *workers)
    assert result.parseoutcomes() == {"passed": 3, "failed": 1}
    result.stdout.fnmatch_lines(["*page of the run: *pages*report.html"])
    data = page(recorded, "pages/report.html")
    found = told(data)
    assert found == {"test_other": ["missed", "replayed"], "test_one": ["replayed"], "test_again": ["replayed"]}
    assert next(iter(found)) == "test_other"
    assert len(data["interactions"]) == 1
    miss = data["page"]["groups"][0]["entries"][0]["problem"]
    assert miss["message"].startswith("No recording answers POST gemini-")
    assert [line for line in miss["differences"] if "another" in line]
    assert "--gemini-record" in miss["hint"]
    assert dict(data["page"]["groups"][0]["about"])["outcome"] == "did not pass"


def test_what_a_failed_test_recorded_is_told(project: pytest.Pytester, run: Run) -> None:
    """And that it was not kept."""
    project.makepyfile(test_tale=TESTS.replace("WANTED", "ask('other'); assert False"))
    run("--gemini-record=new", "--gemini-report=report.html", "-k", "other").assert_outcomes(failed=1)
    assert told(page(project)) == {"test_other": ["not kept"]}


def test_a_run_without_cassettes_says_so(project: pytest.Pytester, run: Run) -> None:
    """The page is there all the same."""
    project.makepyfile(test_tale="def test_it(): pass")
    run("--gemini-report=report.html").assert_outcomes(passed=1)
    data = page(project)
    assert data["page"]["groups"] == []
    assert "no request met a cassette" in data["page"]["nothing"]


def test_cassettes_of_wider_scope_are_told(project: pytest.Pytester, run: Run) -> None:
    """By the name of the cassette, since no test has it alone."""
    project.makepyfile(
        test_tale="""
        import pytest
        from asking import ask

        @pytest.fixture(scope="module")
        def warm(gemini_cassettes):
            with gemini_cassettes("warm"):
                ask("one")

        def test_it(warm): ...
        """
    )
    run("--gemini-record=once", "--gemini-report=report.html").assert_outcomes(passed=1)
    assert told(page(project)) == {"gemini_cassettes('warm')": ["recorded"]}


def test_the_ini_file_gives_the_place_too(recorded: pytest.Pytester, run: Run) -> None:
    """From the root directory; the option counts more, from the folder of the command."""
    recorded.makeini("[pytest]\ngemini_report = ini/page.html\n")
    run().assert_outcomes(passed=4)
    assert told(page(recorded, "ini/page.html"))
    run("--gemini-report=option.html").assert_outcomes(passed=4)
    assert told(page(recorded, "option.html"))


def test_a_page_that_cannot_be_written_is_told(recorded: pytest.Pytester, run: Run) -> None:
    """A folder at once; what fails in the end by the exit status, and all tests have run."""
    assert run("--gemini-report=cassettes").ret == pytest.ExitCode.USAGE_ERROR
    result = run("--gemini-report=report.html/page.html")
    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*cannot be written*"])


@pytest.mark.parametrize("name", ["test_tale.py", "cassettes/shared.jsonl", "new.jsonl", "-"])
def test_no_other_file_is_overwritten(recorded: pytest.Pytester, run: Run, name: str) -> None:
    """No test runs then."""
    before = {path: path.read_bytes() for path in recorded.path.rglob("*") if path.suffix in (".py", ".jsonl")}
    result = run("--gemini-report", name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.outlines == []
    result.stderr.fnmatch_lines(["ERROR: * page *"])
    assert {path: path.read_bytes() for path in before} == before
    recorded.makeini(f"[pytest]\ngemini_report = {name}\n")
    assert run().ret == pytest.ExitCode.USAGE_ERROR
    assert {path: path.read_bytes() for path in before} == before


def test_answers_that_were_compared_are_called_so(recorded: pytest.Pytester, run: Run) -> None:
    """In the mode "verify", nothing is recorded."""
    run("--gemini-record=verify", "--gemini-report=report.html").assert_outcomes(passed=4)
    assert {use for uses in told(page(recorded)).values() for use in uses} == {"compared"}
