"""The summary says how long tests waited, if it was five seconds or more, and which setting avoids it."""

from __future__ import annotations

import pytest
from support.rhythms import MINUTE, cassette

from gemini_replay.pytest_plugin import summary

TESTS = """
import pytest, subprocess, sys
from asking import URL

def hear(url=URL):
    import httpx
    with httpx.stream("POST", url, json={ask!r}) as response:
        return list(response.iter_raw())

@pytest.mark.gemini_cassette("minute", speed={speed})
def test_here():
    hear()

@pytest.mark.gemini_cassette("minute", speed={served})
def test_served(gemini_server):
    hear(URL.replace("https://generativelanguage.googleapis.com", gemini_server))
"""


@pytest.fixture(autouse=True)
def _little_is_much(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limit from five seconds to half a second."""
    monkeypatch.setattr(summary, "_TELLING", 0.3)
    cassette(project.mkdir("cassettes") / "minute.jsonl", MINUTE)


def lines(project: pytest.Pytester, *arguments: str, speed: object = 100, served: object = "'instant'") -> str:
    from support.clients import ASK

    project.makepyfile(test_tale=TESTS.format(ask=ASK, speed=speed, served=served))
    result = project.runpytest(*arguments)
    assert result.ret == 0, result.stdout.str()
    return result.stdout.str()


def test_the_wait_is_reported_with_the_settings_that_avoid_it(project: pytest.Pytester) -> None:
    """A minute is played a hundred times as fast."""
    shown = lines(project, "-k", "here")
    assert "0.6 s of waiting in the recorded rhythm; with gemini_speed = virtual or instant, there is none" in shown
    assert "test_tale.py::test_here" not in shown


def test_tests_that_cannot_have_virtual_time_are_named(project: pytest.Pytester) -> None:
    """These are tests with a server, whose clients have clocks of their own."""
    shown = lines(project, served=100)
    assert "1.2 s of waiting in the recorded rhythm; with gemini_speed = virtual or instant, there is none" in shown
    assert "0.6 s of that by tests with gemini_server" in shown
    assert 'they can have speed="instant": test_tale.py::test_served' in shown


def test_only_settings_that_help_are_advised(project: pytest.Pytester) -> None:
    """If only servers made the run wait, instant speed is the one that helps."""
    shown = lines(project, speed="'virtual'", served=100)
    assert "0.6 s of waiting in the recorded rhythm; with gemini_speed = instant, there is none" in shown


@pytest.mark.parametrize(("speed", "served"), [("'virtual'", "'instant'"), ("'instant'", 1000), (1000, 1000)])
def test_short_waits_are_not_reported(project: pytest.Pytester, speed: object, served: object) -> None:
    """A run without waits has no such line either."""
    assert "of waiting" not in lines(project, speed=speed, served=served)
