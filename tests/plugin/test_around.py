"""Requests before and after a test's session: in wider fixtures, and in fixtures around ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from support.ways_out.stage import Landing, landing

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
    "module_marker": """
        import pytest
        from stand_in import ask

        @pytest.fixture(scope="module")
        def story():
            return ask()

        @pytest.mark.gemini_cassette
        def test_story(story):
            pass
        """,
    "before_ours": """
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
    """A project in which a server of the test plays Google's host."""
    project.makepyfile(stand_in=STAND_IN)
    monkeypatch.setenv("PORT", str(google.port))
    return project


def write(around: pytest.Pytester, cases: Iterable[str]) -> dict[str, str]:
    """Write a module for each case; returns what the message must say about the session."""
    around.makepyfile(**{f"test_{case}": CASES[case] for case in cases})
    when = {case: "no longer open" if case == "teardown" else "not open yet" for case in cases}
    return {case: f"*which would own it, is {when[case]}: * opens it for test_{case}.py::*" for case in cases}


def test_no_request_reaches_the_network_around_the_session(around: pytest.Pytester, google: Landing) -> None:
    """The error names the session that would own the request, and what to do."""
    sessions = write(around, CASES)
    result = around.runpytest_subprocess("-q")
    assert google.connections == 0
    for case, session in sessions.items():
        result.stdout.re_match_lines_random([rf"(ERROR|FAILED) test_{case}\.py::"])
        result.stdout.fnmatch_lines_random(["*stopped before it left*", session, "*in the test*"])


def test_a_request_around_a_session_that_records_fails_the_test(around: pytest.Pytester, google: Landing) -> None:
    """The client gets its answer, but the test fails, since the answer was not recorded."""
    sessions = write(around, ("module", "setUpClass", "teardown"))
    result = around.runpytest_subprocess(
        "-q", "--gemini-record=once", f"--gemini-upstream=http://127.0.0.1:{google.port}"
    )
    assert google.connections == 3
    for case, session in sessions.items():
        result.stdout.re_match_lines_random([rf"(ERROR|FAILED) test_{case}\.py::"])
        result.stdout.fnmatch_lines_random(["*generativelanguage.googleapis.com* was not recorded*", session])


def test_other_tests_are_left_alone(around: pytest.Pytester, google: Landing) -> None:
    """These are tests before and after one that replays, and all tests in the mode live."""
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
    """The summary says that the test made no request. It does not name tests that failed."""
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
