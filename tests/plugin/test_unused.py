"""Tests that must use all of their recordings: ``allow_unused=False``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
TWICE = """
import pytest
from asking import ask

MARK
def test_story(gemini_cassette):
    ask("one")
    ask("two")
"""


@pytest.fixture
def fewer(project: pytest.Pytester, run: Run) -> Callable[..., None]:
    """A project whose test used to make two requests and makes one."""

    def written(mark: str = "", end: str = "") -> None:
        project.makepyfile(test_tale=TWICE.replace("MARK", mark).replace('    ask("two")', f"    {end}"))

    project.makepyfile(test_tale=TWICE.replace("MARK", ""))
    run("--gemini-record=once").assert_outcomes(passed=1)
    written()
    return written


def test_a_test_that_leaves_a_recording_fails(fewer: Callable[..., None], run: Run) -> None:
    """The ini file or the marker asks for this, and the marker wins. By default, the test passes."""
    run().assert_outcomes(passed=1)
    result = run("-o", "gemini_allow_unused=false")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*Recordings that nothing asked for: 1.*",
            "*test_story.jsonl: interaction 2 of 2: POST gemini-*",
            '*Record again what is used with: pytest "test_tale.py::test_story" --gemini-record rewrite*',
        ]
    )
    fewer("@pytest.mark.gemini_cassette(allow_unused=True)")
    run("-o", "gemini_allow_unused=false").assert_outcomes(passed=1)
    run("--gemini-record=rewrite").assert_outcomes(passed=1)
    run("-o", "gemini_allow_unused=false").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "end", "outcome"),
    [
        ("", "assert False", {"failed": 1}),
        ("", "pytest.skip('enough')", {"skipped": 1}),
        ("@pytest.mark.xfail", "assert False", {"xfailed": 1}),
    ],
)
def test_a_test_that_stops_early_has_no_such_error(
    fewer: Callable[..., None], run: Run, mark: str, end: str, outcome: dict[str, int]
) -> None:
    """It has another outcome, and could not use the other recordings."""
    fewer(mark, end)
    result = run("-o", "gemini_allow_unused=false")
    result.assert_outcomes(**outcome)
    assert "nothing asked for" not in result.stdout.str()


WIDE = """
import pytest
from asking import ask

@pytest.fixture(scope="module")
def warm(gemini_cassettes):
    with gemini_cassettes("warm", allow_unused=False):
        ask("one")
        ask("two")

def test_it(warm): ...
"""


def test_a_wider_fixture_fails_at_the_end_of_its_block(project: pytest.Pytester, run: Run) -> None:
    """Its recordings must be used by the end of the block."""
    project.makepyfile(test_tale=WIDE)
    run("--gemini-record=once").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)
    project.makepyfile(test_tale=WIDE.replace('ask("two")', ""))
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*Recordings that nothing asked for: 1.*"])
