"""The report of a failure that this package raises ends in the user's own code."""

from __future__ import annotations

import pytest

TESTS = {
    "a call that a variation deceives": """
        from gemini_replay import Cassette, parse_stream
        import httpx

        URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"

        def hopeful():
            body = {"contents": [{"parts": [{"text": "?"}], "role": "user"}]}
            with httpx.stream("POST", URL, json=body) as response:
                return "".join(event.text for event in parse_stream(response.iter_bytes()))

        def test_it(check_gemini_client):
            Cassette.from_text("One two three. " * 30, prompt="?").save("story.jsonl")
            check_gemini_client(hopeful, "story.jsonl", rechunk=[], kinds=["eof"], most=1)  # here
    """,
    "a parser with a bug": """
        def parse(chunks):
            list(chunks)
            return []

        def test_it(check_gemini_parser):
            check_gemini_parser(parse, max_examples=1)  # here
    """,
    "one case that a parser gets wrong": """
        from gemini_replay.fuzz.testing import all_cases

        def test_it():
            next(all_cases()).check(lambda chunks: [])  # here
    """,
    "a wrong argument": """
        from gemini_replay import replay

        def test_it():
            replay("story.jsonl", speed="fast")  # here
    """,
    "a fixture of the user's": """
        import pytest
        from gemini_replay import Cassette

        @pytest.fixture
        def story():
            return Cassette.load("missing.jsonl")  # here

        def test_it(story): ...
    """,
}


@pytest.mark.parametrize("name", TESTS)
def test_the_last_line_of_code_is_the_users(pytester: pytest.Pytester, name: str) -> None:
    """The report shows no source of this package."""
    path = pytester.makepyfile(TESTS[name])
    shown = pytester.runpytest("-p", "no:xdist").stdout.str()
    assert "# here" in shown
    assert "gemini_replay/" not in shown.replace(str(path), "")
    assert "raise " not in shown


def test_an_error_in_our_fixture_shows_only_its_message(pytester: pytest.Pytester) -> None:
    """A server has no virtual time, and the message says what to do."""
    pytester.makepyfile(
        """
        import pytest
        from gemini_replay import Cassette

        Cassette.from_text("One two three.").save("cassettes/story.jsonl")

        @pytest.mark.gemini_cassette("story", speed="virtual")
        def test_it(gemini_server): ...
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["A server cannot play in virtual time: *", "*Use a factor such as 4, or *"])
    assert "gemini_replay/" not in result.stdout.str()
    assert "Error" not in result.stdout.str()


def test_a_bug_of_the_package_keeps_its_traceback(pytester: pytest.Pytester) -> None:
    """Only errors that are raised on purpose are clear without one."""
    pytester.makepyfile(
        """
        from gemini_replay import errors

        def test_it():
            errors.did_you_mean("x", [5])
        """
    )
    assert "gemini_replay/errors.py" in pytester.runpytest().stdout.str()
