"""`before_record` and `before_replay` in pytest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import STORY, cassettes

from gemini_replay import Cassette

Run = Callable[..., pytest.RunResult]
CONFIG = """
import pytest
from dataclasses import replace

def short(interaction):
    return replace(interaction, chunks=interaction.chunks[:1])

def none(interaction):
    return None

def broken(interaction):
    return interaction.nothing

def first(interaction, seen=[]):
    seen.append(interaction)
    return interaction if len(seen) == 1 else None

@pytest.fixture
def gemini_cassette_config():
    return {SETTINGS}
"""
COUNTS = """
from asking import ask

def test_story(gemini_cassette):
    print("chunks", len(ask()))
"""


@pytest.fixture
def configured(project: pytest.Pytester) -> Callable[[str], None]:
    def configured(settings: str) -> None:
        project.makeconftest(CONFIG.replace("SETTINGS", settings))

    project.makepyfile(test_tale=COUNTS)
    return configured


def test_before_record_changes_the_cassette(
    configured: Callable[[str], None], project: pytest.Pytester, run: Run
) -> None:
    """The client gets the live response, and the cassette gets what the function returns."""
    configured("'before_record': short")
    run("-s", "--gemini-record=once").stdout.fnmatch_lines(["*chunks 3*", "*1 recorded*"])
    assert len(Cassette.load(project.path / "cassettes/test_tale/test_story.jsonl").interactions[0].chunks) == 1
    run("-s").stdout.fnmatch_lines(["*chunks 1*"])


def test_before_replay_changes_the_replay(configured: Callable[[str], None], run: Run) -> None:
    """The cassette stays unchanged."""
    configured("")
    run("--gemini-record=once").assert_outcomes(passed=1)
    configured("'before_replay': short")
    run("-s").stdout.fnmatch_lines(["*chunks 1*"])


def test_leaving_out_everything_makes_no_cassette(
    configured: Callable[[str], None], project: pytest.Pytester, run: Run
) -> None:
    """Nothing counts as recorded, and the summary gives the reason."""
    configured("'before_record': none")
    result = run("--gemini-record=once")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "0 replayed, 0 recorded*",
            "left out by before_record: 1 recordings",
            "before_record left everything out, so the cassette stays as it is: test_tale.py::test_story",
        ]
    )
    result.stdout.no_fnmatch_line("*asked for a cassette*")
    assert cassettes(project) == []


def test_leaving_out_a_part_is_reported(
    configured: Callable[[str], None], project: pytest.Pytester, run: Run
) -> None:
    """The summary counts the recordings that were left out."""
    configured("'before_record': first")
    project.makepyfile(test_tale=COUNTS + "    ask('again')\n")
    result = run("--gemini-record=once")
    result.stdout.fnmatch_lines(["0 replayed, 1 recorded*", "left out by before_record: 1 recordings"])
    result.stdout.no_fnmatch_line("*everything*")


def test_a_function_that_fails_fails_the_test(
    configured: Callable[[str], None], project: pytest.Pytester, run: Run
) -> None:
    """The error has the line, and the recording stays as a journal."""
    configured("'before_record': broken")
    result = run("--gemini-record=once")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*broken, which the setting before_record names, raised AttributeError*conftest.py:11*"]
    )
    assert cassettes(project) == ["test_tale/test_story.jsonl.part"]
    project.makepyfile(test_tale=STORY)
    configured("")
    run("--gemini-record=once").assert_outcomes(passed=1)
    configured("'before_replay': broken")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*broken, which the setting before_replay names, raised AttributeError*conftest.py:11*"]
    )
