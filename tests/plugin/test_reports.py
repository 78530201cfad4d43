"""The report of each test with a miss shows it, whatever else happens in the test."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import pytest
from support.missing_tests import FAILING, HEAD
from support.plugin_projects import KEY

Run = Callable[..., pytest.RunResult]

MISS = "No recording answers POST gemini-2.5-flash:streamGenerateContent?alt=sse."


def reported(shown: str) -> list[str]:
    """The lines of the reports that mention a miss, without the short summary."""
    found = [line for line in shown.splitlines() if line.startswith(MISS) or line.endswith(MISS)]
    return [line for line in found if not line.startswith(("FAILED", "ERROR", "SUBFAILED"))]


def write(project: pytest.Pytester, test: str) -> None:
    if "subtests" in test and pytest.version_tuple < (9, 0):
        pytest.skip("pytest 9 brings the fixture subtests")
    project.makepyfile(test_tale=HEAD + test)


@pytest.mark.usefixtures("async_plugins")
@pytest.mark.parametrize("name", FAILING)
def test_a_miss_is_reported_once_and_fails_the_test(project: pytest.Pytester, name: str) -> None:
    """This holds for any phase and any outcome of the test, in the terminal and in JUnit's file."""
    write(project, FAILING[name])
    result = project.runpytest("-v", "-rA", "--show-capture=no", "--junitxml=junit.xml")
    assert result.ret == 1
    shown = result.stdout.str()
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) >= 1
    assert not {"skipped", "xfailed", "xpassed"} & set(outcomes) or name == "xfail, in the teardown"
    assert len(reported(shown)) == 1, shown
    written = "".join(ElementTree.parse(project.path / "junit.xml").getroot().itertext())
    assert written.count(MISS) == 1
    assert KEY not in shown
    assert KEY not in written


def test_workers_report_misses_too(project: pytest.Pytester) -> None:
    """The controller of pytest-xdist gets the whole reports."""
    names = ("call", "setup", "teardown", "passed", "skip", "xfail, swallowed", "unittest")
    project.makepyfile(**{f"test_{number}": HEAD + FAILING[name] for number, name in enumerate(names)})
    result = project.runpytest_subprocess("-n1", "--show-capture=no")
    assert result.ret == 1
    assert len(reported(result.stdout.str())) == len(names)


@pytest.mark.parametrize("style", ["auto", "long", "short", "native", "line", "no"])
def test_every_style_of_traceback_shows_the_miss(project: pytest.Pytester, style: str) -> None:
    """If tracebacks are hidden, the summary says which test missed what."""
    write(project, FAILING["call"])
    result = project.runpytest(f"--tb={style}")
    result.assert_outcomes(failed=1)
    line = f"test_tale.py::test_it: {MISS}" if style in {"line", "no"} else MISS
    result.stdout.fnmatch_lines([line])


def test_every_miss_is_reported_and_a_repeated_one_once_with_a_count(project: pytest.Pytester, run: Run) -> None:
    """Retries of an SDK count as one miss."""
    test = """
def test_it(gemini_cassette):
    for text in TEXTS:
        swallow(text)
    ask(TEXTS[-1])
"""
    write(project, f"TEXTS = ['story']\n{test}")
    run("--gemini-record=once").assert_outcomes(passed=1)
    write(project, f"TEXTS = ['first', 'second', 'first', 'first', 'third', 'third']\n{test}")
    result = run()
    result.assert_outcomes(failed=1)
    shown = result.stdout.str()
    assert [shown.count(f'asked "{text}"') for text in ("first", "second")] == [1, 1], shown
    assert shown.count("\nThis happened 3 times.") == shown.count("This happened") == 1
    assert shown.count(f"{MISS}\n") == 3


RETRIES = """
class ConnectionFailed(Exception):
    pass

def sdk(text, retries):
    for _ in range(retries):
        try:
            return ask(text)
        except Exception as error:
            last = error
    raise ConnectionFailed("Connection error.") from last

def test_it(gemini_cassette):
    sdk("{first}", 3)

def test_both(gemini_cassette):
    for text in ("{first}", "{second}"):
        try:
            sdk(text, 4)
        except ConnectionFailed:
            pass
"""


def test_a_miss_that_an_sdk_retries_is_reported_once(project: pytest.Pytester, run: Run) -> None:
    """This holds in the test's report and in the summary. Two different misses are both reported."""
    write(project, RETRIES.format(first="story", second="tale"))
    run("--gemini-record=once").assert_outcomes(passed=2)
    write(project, RETRIES.format(first="one", second="two"))
    for style, first, second in (("auto", 2, 1), ("no", 2, 1)):
        result = run(f"--tb={style}")
        result.assert_outcomes(failed=2)
        shown = result.stdout.str()
        assert [shown.count(f'asked "{text}"') for text in ("one", "two")] == [first, second], shown


def test_a_miss_in_one_test_is_not_reported_in_the_next(project: pytest.Pytester) -> None:
    """Each report is about its own test."""
    write(project, FAILING["call"] + "\ndef test_other(gemini_cassette):\n    assert 1 == 2\n")
    result = project.runpytest()
    result.assert_outcomes(failed=2)
    assert result.stdout.str().count(f"\n{MISS}\n") == 1


def test_a_doctest_reports_its_miss(project: pytest.Pytester) -> None:
    """A doctest's report has another form."""
    project.makefile(
        ".txt",
        test_guide="""
        >>> session = getfixture("gemini_cassette")
        >>> from asking import ask
        >>> try: ask()
        ... except Exception: print("sorry")
        an answer
        """,
    )
    result = project.runpytest("--doctest-glob=*.txt")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{MISS}"])


def test_an_unused_fault_is_in_the_report_of_a_failed_test(project: pytest.Pytester, run: Run) -> None:
    """It may be the reason for the failure. A skipped test reports no unused fault."""
    write(
        project,
        """
@pytest.mark.gemini_cassette("shared")
def test_record():
    ask()

@pytest.mark.gemini_cassette("shared", fault="reset@event:99")
def test_fails():
    ask()
    assert 1 == 2

@pytest.mark.gemini_cassette("shared", fault="reset@event:99")
def test_skips():
    pytest.skip("not today")
""",
    )
    run("--gemini-record=once", "-k", "record").assert_outcomes(passed=1)
    result = run("-k", "not record")
    result.assert_outcomes(failed=1, skipped=1)
    assert result.stdout.str().count("\nThe fault reset@event:99 was never applied.") == 1
