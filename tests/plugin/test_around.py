"""Requests around the session of a test: its fixtures of wider scopes, and what comes before ours and after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.ways_out import Landing, landing

STAND_IN = """
import os
import socket

import httpx
import pytest

real = socket.getaddrinfo

def look_up(host, *args, **kwargs):
    return real("127.0.0.1" if host == "generativelanguage.googleapis.com" else host, *args, **kwargs)

socket.getaddrinfo = look_up

def ask():
    url = f"http://generativelanguage.googleapis.com:{os.environ['PORT']}"
    with httpx.Client() as client:
        return client.get(url + "/v1beta/models").status_code
"""

CASES = {
    "module": """
        import pytest
        from stand_in import ask

        @pytest.fixture(scope="module")
        def story():
            return ask()

        def test_story(story, gemini_cassette):
            pass
        """,
    "module-marker": """
        import pytest
        from stand_in import ask

        @pytest.fixture(scope="module")
        def story():
            return ask()

        @pytest.mark.gemini_cassette
        def test_story(story):
            pass
        """,
    "before-ours": """
        import pytest
        from stand_in import ask

        @pytest.fixture
        def story():
            return ask()

        def test_story(story, gemini_cassette):
            pass
        """,
    "swallowed": """
        import pytest
        from stand_in import ask

        @pytest.fixture(scope="class")
        def story():
            try:
                ask()
            except Exception:
                pass

        def test_story(story, gemini_cassette):
            pass
        """,
    "setUpClass": """
        import unittest
        import pytest
        from stand_in import ask

        @pytest.mark.gemini_cassette
        class TestStory(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                ask()

            def test_story(self):
                pass
        """,
    "teardown": """
        import pytest
        from stand_in import ask

        @pytest.fixture
        def story():
            yield
            ask()

        def test_story(story, gemini_cassette):
            pass
        """,
    "server": """
        import pytest
        from stand_in import ask

        @pytest.fixture(scope="module")
        def story():
            return ask()

        def test_story(story, gemini_server):
            pass
        """,
}


@pytest.fixture
def google() -> Iterator[Landing]:
    with landing() as there:
        yield there


@pytest.fixture
def around(project: pytest.Pytester, google: Landing, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project in which Google's host is a server of the test."""
    project.makepyfile(stand_in=STAND_IN)
    monkeypatch.setenv("PORT", str(google.port))
    return project


@pytest.mark.parametrize("case", CASES)
def test_nothing_leaves_around_the_session(around: pytest.Pytester, google: Landing, case: str) -> None:
    """The error names the session that would own the request, and what to do."""
    around.makepyfile(test_tale=CASES[case])
    result = around.runpytest_subprocess("-q")
    when = "no longer open" if case == "teardown" else "not open yet"
    assert google.connections == 0
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*stopped before it left*", f"*which would own it, is {when}*", "*in the test*"])


@pytest.mark.parametrize("case", ["module", "setUpClass", "teardown"])
def test_a_request_around_a_session_that_records_fails_the_test(
    around: pytest.Pytester, google: Landing, case: str
) -> None:
    """The client has its answer; nobody takes the run for one that has recorded it."""
    around.makepyfile(test_tale=CASES[case])
    result = around.runpytest_subprocess(
        "-q", "--gemini-record=once", f"--gemini-upstream=http://127.0.0.1:{google.port}"
    )
    assert google.connections == 1
    assert result.ret == 1
    when = "no longer open" if case == "teardown" else "not open yet"
    result.stdout.fnmatch_lines(["*generativelanguage.googleapis.com* was not recorded*", f"*{when}*"])


def test_other_tests_are_left_alone(around: pytest.Pytester, google: Landing) -> None:
    """Those before and after a test that replays, in the same run; and all where the mode is live."""
    around.makepyfile(
        test_tale="""
        import socket
        import stand_in

        def test_before():
            assert socket.getaddrinfo is stand_in.look_up
            assert stand_in.ask() == 200

        def test_replaying(gemini_cassette):
            assert socket.getaddrinfo is not stand_in.look_up or gemini_cassette.mode == "live"

        def test_after():
            test_before()
        """
    )
    around.runpytest_subprocess("-q").assert_outcomes(passed=3)
    around.runpytest_subprocess("-q", "--gemini-record=live").assert_outcomes(passed=3)
    assert google.connections == 4


def test_a_client_of_another_process_is_not_seen(around: pytest.Pytester, google: Landing) -> None:
    """The summary says that the test has made no request; one that failed is not named."""
    around.makepyfile(
        test_tale="""
        import subprocess
        import sys

        def test_elsewhere(gemini_cassette):
            subprocess.run([sys.executable, "-c", "import stand_in; stand_in.ask()"], check=True)

        def test_failing(gemini_cassette):
            assert False
        """
    )
    result = around.runpytest_subprocess("-q")
    assert google.connections == 1
    result.stdout.fnmatch_lines(["asked for a cassette and made no request*: test_tale.py::test_elsewhere"])
