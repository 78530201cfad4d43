"""The fixture `check_gemini_client`, in whole pytest runs."""

from __future__ import annotations

import pytest

CALLS = """
    import httpx
    import pytest

    import gemini_replay
    from gemini_replay import parse_stream

    URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"

    def events():
        body = {"contents": [{"parts": [{"text": "?"}], "role": "user"}]}
        with httpx.stream("POST", URL, json=body) as response:
            response.raise_for_status()
            yield from parse_stream(response.iter_bytes())

    def hopeful():
        return "".join(event.text for event in events())

    def careful():
        found = list(events())
        if not found or not found[-1].finish_reason:
            raise RuntimeError("half an answer")
        return "".join(event.text for event in found)

    @pytest.fixture(autouse=True, scope="module")
    def cassettes():
        gemini_replay.Cassette.from_text("One two three. " * 30, prompt="?").save("cassettes/story.jsonl")
"""


def test_a_careless_call_fails_with_every_fault_that_deceives_it(pytester: pytest.Pytester) -> None:
    """A careful call passes, and each fault is tried."""
    pytester.makepyfile(
        CALLS
        + """
    def test_hopeful(check_gemini_client):
        check_gemini_client(hopeful, "cassettes/story.jsonl")

    def test_careful(check_gemini_client):
        report = check_gemini_client(careful, "cassettes/story.jsonl")
        assert {one.value for one in report.results} > {"reset@head", "eof@event:1.5", "stall@event:2:60s", "refuse"}
"""
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*ClientBug: * variations of the recording make the call return a wrong result*",
            "*eof@event:1: short: 'One two*",
        ]
    )


def test_the_cassette_is_the_markers_own(pytester: pytest.Pytester) -> None:
    """The marker's cassette is used if no other is given."""
    pytester.makepyfile(
        CALLS
        + """
    @pytest.mark.gemini_cassette("story")
    def test_careful(check_gemini_client):
        assert check_gemini_client(careful, kinds=["eof"], most=2).results
"""
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_sweep_gives_a_test_id_to_each_fault(pytester: pytest.Pytester) -> None:
    """So a single fault can be run by its id."""
    pytester.makepyfile(
        CALLS
        + """
    from gemini_replay import faults

    gemini_replay.Cassette.from_text("One two three. " * 30, prompt="?").save("cassettes/swept.jsonl")

    @pytest.mark.parametrize("fault", faults.sweep("cassettes/swept.jsonl", kinds=["eof", "status"]))
    def test_careful(fault):
        with gemini_replay.replay("cassettes/swept.jsonl", fault=fault, speed="instant"):
            with pytest.raises((RuntimeError, httpx.HTTPStatusError)):
                careful()
"""
    )
    name = "test_a_sweep_gives_a_test_id_to_each_fault.py::test_careful"
    result = pytester.runpytest_inprocess("-v", f"{name}[eof@event:1.5]", f"{name}[status:429;retry-after=1]")
    result.assert_outcomes(passed=2)


def test_a_miss_in_a_sweep_names_the_cassette_itself(project: pytest.Pytester) -> None:
    """The cassette can be recorded again, the variation cannot."""
    project.makepyfile(
        test_tale="""
        from asking import ask
        from gemini_replay import Cassette

        Cassette.from_text("Once upon a time.", prompt="hello").save("cassettes/tale.jsonl")

        def test_it(check_gemini_client):
            check_gemini_client(lambda: ask("changed"), "cassettes/tale.jsonl")
        """
    )
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*Nearest in */cassettes/tale.jsonl*", "*gemini_replay.record(*cassettes/tale.jsonl*"]
    )
    assert "recorded.jsonl" not in result.stdout.str()


@pytest.mark.parametrize(
    "settings",
    ['ignore=["body.seed"]', 'match=("model", "action")', "normalize=without_seed"],
    ids=["ignore", "match", "normalize"],
)
@pytest.mark.parametrize("by", ["marker", "call"])
def test_the_settings_that_choose_a_recording_hold(pytester: pytest.Pytester, settings: str, by: str) -> None:
    """They are those of the test's marker, or of the call, which wins."""
    marker, call = (f", {settings}", "") if by == "marker" else (', match="body"', f", {settings}")
    if by == "call" and not settings.startswith("match"):
        call += ', match=("model", "body")'
    pytester.makepyfile(
        CALLS.replace('"role": "user"}]}', '"role": "user"}], "seed": next(SEEDS)}')
        + f"""
    import itertools
    import json
    from dataclasses import replace

    SEEDS = itertools.count()

    def without_seed(request):
        return replace(request, body=json.dumps({{**request.json, "seed": 0}}).encode())

    @pytest.mark.gemini_cassette("story"{marker})
    def test_careful(check_gemini_client):
        check_gemini_client(careful{call})
"""
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
