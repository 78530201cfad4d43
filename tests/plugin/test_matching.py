"""Settings of matching in the ini file, the fixture and the marker; and what reports say about them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import STORY

Run = Callable[..., pytest.RunResult]
IGNORED = "body.contents[*].parts[*].text"
HOOKS = """
from dataclasses import replace

def no_body(request):
    return replace(request, body=b"")

def broken(recorded, asked):
    return recorded.json["nothing"] == asked.json["nothing"]
"""
SWALLOWS = """
import pytest
from asking import ask
from hooks import broken

@pytest.mark.gemini_cassette(match=["model", broken])
def test_story():
    try:
        ask()
    except Exception:
        pass
"""


@pytest.fixture
def other(project: pytest.Pytester, run: Run) -> pytest.Pytester:
    """A project whose test asks for something that was not recorded."""
    project.makepyfile(hooks=HOOKS, test_tale=STORY)
    run("--gemini-record=once").assert_outcomes(passed=1)
    project.makepyfile(test_tale=STORY.replace("ask()", "ask('bye')"))
    return project


def test_a_miss_has_the_setting_to_copy(other: pytest.Pytester, run: Run) -> None:
    """With this setting in the ini file, the test passes."""
    run().stdout.fnmatch_lines(
        [
            '*body.contents[[]0].parts[[]0].text: recorded "hello", asked "bye"*',
            "*record it again with: pytest *test_tale.py::test_story* --gemini-record rewrite*",
            '*If it varies from run to run: ignore=[[]"body.contents[[]0].parts[[]0].text"[]]*',
        ]
    )
    other.makeini(f"[pytest]\ngemini_ignore =\n    body.seed\n    {IGNORED}\n")
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize("setting", [f"ignore=['{IGNORED}']", "normalize=hooks.no_body", "match=['model', 'action']"])
@pytest.mark.parametrize("source", ["fixture", "marker"])
def test_fixture_and_marker_give_the_settings(other: pytest.Pytester, run: Run, source: str, setting: str) -> None:
    """The settings may be functions."""
    if source == "fixture":
        other.makeconftest(
            f"import hooks, pytest\n\n@pytest.fixture\ndef gemini_cassette_config():\n    return dict({setting})\n"
        )
    else:
        test = STORY.replace("ask()", "ask('bye')").replace(
            "def test", f"@pytest.mark.gemini_cassette({setting})\ndef test"
        )
        other.makepyfile(test_tale=f"import hooks, pytest\n{test}")
    run().assert_outcomes(passed=1)


def test_a_failing_function_is_reported_with_its_line(other: pytest.Pytester, run: Run) -> None:
    """This holds even if the code under test swallows the error. The report ends in the user's own code."""
    other.makepyfile(test_tale=SWALLOWS)
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*broken, which the setting match names, raised KeyError: 'nothing' (at *hooks.py:7)*"]
    )
    other.makepyfile(
        test_tale=SWALLOWS.replace("    try:\n        ask()\n    except Exception:\n        pass", "    ask()")
    )
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["hooks.py:7: in broken", "*KeyError*", "*direct cause*", "asking.py:8: in ask", "*HookError*"]
    )
    assert "matcher.py" not in result.stdout.str()


def test_a_function_is_shown_by_its_name(other: pytest.Pytester, run: Run) -> None:
    """The list of a test's settings has the name."""
    other.makepyfile(test_tale=SWALLOWS)
    run("--gemini-show-config").stdout.fnmatch_lines(["*match = [[]'model', hooks.broken[]]*marker*"])


def test_the_ini_file_cannot_name_a_function(project: pytest.Pytester, run: Run) -> None:
    """The error lists the possible values, and says that functions are given in Python."""
    project.makepyfile(test_tale=STORY)
    result = run("-o", "gemini_match=model hooks:broken")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*match names 'hooks:broken'*", "*functions that are called with (recorded, asked)*"]
    )
    assert "ignore names 'contents'" in run("-o", "gemini_ignore=contents").stderr.str()
