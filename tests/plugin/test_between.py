"""What the plugin leaves between tests, and what it does for tests without a cassette: nothing that they can see."""

from __future__ import annotations

import pytest
from support.cassettes import recorded
from support.clients import ASK
from support.streams import GOOGLE, events

ASKING = f"""
import httpcore
import httpx
import pytest

original = httpcore.ConnectionPool.handle_request

def ask():
    with httpx.Client() as client:
        assert b"data: " in client.post({GOOGLE!r}, json={ASK!r}).content
"""


@pytest.fixture
def stories(project: pytest.Pytester) -> pytest.Pytester:
    """A project with a cassette that answers `ask` any number of times."""
    recorded(project.path / "cassettes/story.jsonl", events(3))
    project.makeini("[pytest]\ngemini_speed = instant\ngemini_repeat = true\ngemini_match = model action\n")
    project.makepyfile(asking=ASKING)
    return project


def test_clients_are_the_librarys_own_in_a_test_without_a_cassette(stories: pytest.Pytester) -> None:
    """That holds from the setup of its fixtures on, also between tests with a cassette and after a server."""
    stories.makepyfile(
        """
        from asking import ask, httpcore, original, pytest

        @pytest.fixture
        def own():
            assert httpcore.ConnectionPool.handle_request is original
            yield
            assert httpcore.ConnectionPool.handle_request is original

        replays = pytest.mark.gemini_cassette("story")

        @replays
        def test_first(): ask()
        def test_after_one(own): pass
        @replays
        def test_second(): ask()
        @replays
        def test_third(): ask()
        def test_after_two(own): pass
        @replays
        def test_server(gemini_server): assert httpcore.ConnectionPool.handle_request is original
        def test_after_a_server(own): pass
        """
    )
    stories.runpytest_subprocess("-q").assert_outcomes(passed=7)


def test_the_cassette_answers_under_a_fixtures_own_patch(stories: pytest.Pytester) -> None:
    """A fixture replaces what sends requests before the session opens, and puts it back, in test after test."""
    stories.makepyfile(
        """
        from asking import ask, httpcore, original, pytest

        def refuse(pool, request):
            raise AssertionError("the patch of the fixture was called")

        @pytest.fixture
        def patched():
            before = httpcore.ConnectionPool.handle_request
            httpcore.ConnectionPool.handle_request = refuse
            yield
            httpcore.ConnectionPool.handle_request = before

        @pytest.fixture
        def gemini_cassette_config():
            return {"cassette_dir": lambda test: "cassettes/story.jsonl"}

        @pytest.mark.parametrize("number", range(3))
        def test_story(number, patched, gemini_cassette): ask()

        def test_unpatched(gemini_cassette): ask()

        def test_without(): assert httpcore.ConnectionPool.handle_request is original
        """
    )
    stories.runpytest_subprocess("-q").assert_outcomes(passed=5)


def test_a_patch_of_the_test_itself_wins(stories: pytest.Pytester) -> None:
    """It is set after the session has opened, so it gets the requests, in each of several tests."""
    stories.makepyfile(
        """
        from asking import ask, httpcore, pytest

        class Called(Exception): pass

        def call(pool, request): raise Called

        @pytest.mark.parametrize("number", range(3))
        @pytest.mark.gemini_cassette("story")
        def test_story(number, monkeypatch):
            ask()
            monkeypatch.setattr(httpcore.ConnectionPool, "handle_request", call)
            with pytest.raises(Called): ask()
        """
    )
    stories.runpytest_subprocess("-q").assert_outcomes(passed=3)


def test_a_test_without_a_cassette_sets_up_no_fixture(stories: pytest.Pytester) -> None:
    """A test with the marker sets up the fixture alone."""
    stories.makepyfile(
        """
        from asking import ask, pytest

        def test_plain(): pass

        @pytest.mark.gemini_cassette("story")
        def test_marked(): ask()
        """
    )
    shown = stories.runpytest_subprocess("-q", "--setup-show", "-p", "no:asyncio").stdout.str()
    plain, marked = shown.split("test_plain", 1)[1].split("test_marked", 1)
    assert "SETUP" not in shown.split("test_plain", 1)[0]
    assert "gemini" not in plain.split("SETUP", 1)[0]
    assert marked.count("SETUP") == 0
    assert "gemini_cassette" in plain


def test_a_marker_that_a_hook_adds_activates_replay(stories: pytest.Pytester) -> None:
    """`pytest_runtest_setup` of a `conftest.py` may add it, and so may the hook that gets the collected tests."""
    stories.makeconftest(
        """
        import pytest

        def pytest_runtest_setup(item):
            if item.name == "test_one":
                item.add_marker(pytest.mark.gemini_cassette("story"))

        def pytest_collection_modifyitems(items):
            items[1].add_marker(pytest.mark.gemini_cassette("story"))
        """
    )
    stories.makepyfile(
        """
        from asking import ask

        def test_one(): ask()
        def test_two(): ask()
        """
    )
    stories.runpytest_subprocess("-q").assert_outcomes(passed=2)
