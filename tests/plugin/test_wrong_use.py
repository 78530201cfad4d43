"""Wrong markers, options and cassettes: each error says what is wrong, and no file changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.plugin_projects import STORY


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ('"story", spede=4', ["Unknown setting 'spede' from the marker", "Did you mean 'speed'?"]),
        ('"a", "b"', ["b.jsonl", "does not exist"]),
        ('speed="fast"', ["Unknown speed 'fast'"]),
        ('match="bodi"', ["bodi"]),
        ("17", ["17 cannot be the name of a cassette"]),
    ],
    ids=["unknown", "no-such-cassette", "bad-speed", "bad-match", "bad-name"],
)
def test_a_wrong_marker_says_what_is_wrong(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], marker: str, words: list[str]
) -> None:
    """The error also says what was probably meant."""
    project.makepyfile(
        test_tale=f"""
        import pytest

        @pytest.mark.gemini_cassette({marker})
        def test_story():
            pass
        """
    )
    result = run()
    result.assert_outcomes(errors=1)
    for word in words:
        assert word in result.stdout.str()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--gemini-record=onec"], "Did you mean 'once'?"),
        (["--gemini-speed=fast"], "Unknown speed 'fast'"),
        (["--gemini-upstream=localhost:1"], "is not a base URL"),
        (["-o", "gemini_match=modle"], "modle"),
    ],
    ids=["mode", "speed", "upstream", "match"],
)
def test_a_wrong_option_ends_the_run_at_once(project: pytest.Pytester, arguments: list[str], words: str) -> None:
    """The run ends before any test, with the valid values."""
    project.makepyfile(test_tale=STORY)
    result = project.runpytest(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in result.stderr.str() + result.stdout.str()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"interactions: []\n", "cassette"),
        (b'{"cassette": 99}\n', "99"),
        (b'{"cassette": 1}\n{"request": {"method": "POST", "url": "http://x/"}}\n', "salvage"),
    ],
    ids=["empty", "yaml", "newer", "truncated"],
)
@pytest.mark.parametrize("mode", ["none", "once", "new"])
def test_a_broken_cassette_is_an_error_and_stays_as_it_is(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], content: bytes, words: str, mode: str
) -> None:
    """This holds in every mode that reads the cassette."""
    project.makepyfile(test_tale=STORY)
    path: Path = project.path / "cassettes/test_tale/test_story.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    result = run(f"--gemini-record={mode}")
    result.assert_outcomes(errors=1)
    assert words in result.stdout.str()
    assert path.read_bytes() == content


def test_a_marker_that_a_fixture_adds_comes_too_late(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """The test fails before it can ask the real API. The error says what works, and that does."""
    late = "request.node.add_marker(pytest.mark.gemini_cassette)"
    test = """
import pytest
from asking import ask

@pytest.fixture(autouse=True)
def replayed(request):
    ADDS

def test_story():
    ask()
"""
    project.makepyfile(test_tale=test.replace("ADDS", late))
    result = run("--gemini-record=once")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*marker gemini_cassette after its setup had begun*",
            'Add the marker in a hook*getfixturevalue("gemini_cassette")*',
        ]
    )
    assert not (project.path / "cassettes").exists()
    project.makepyfile(test_tale=test.replace("ADDS", 'request.getfixturevalue("gemini_cassette")'))
    run("--gemini-record=once").assert_outcomes(passed=1)


@pytest.mark.parametrize("fault", ["refuse", "tls", "timeout:connect", "timeout:pool", "reset@head"])
def test_a_request_that_a_fault_leaves_without_a_connection_is_a_request(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], fault: str
) -> None:
    """The summary does not say that the test made none."""
    project.makepyfile(
        test_tale=f"""
        import httpx, pytest
        from asking import ask

        @pytest.mark.gemini_cassette("story")
        def test_whole():
            ask()

        @pytest.mark.gemini_cassette("story", fault={fault!r}, speed="instant")
        def test_broken():
            with pytest.raises(httpx.TransportError):
                ask()
        """
    )
    run("--gemini-record=once").assert_outcomes(passed=2)
    result = run()
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*made no request*")


def test_params_that_a_marked_test_was_not_made_for(pytester: pytest.Pytester) -> None:
    """The error says so, and a test that names the fixture gets each of them."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(params=["instant", "virtual"])
        def gemini_cassette_config(request): return {"speed": request.param}

        def test_fixture(gemini_cassette): pass

        @pytest.mark.gemini_cassette
        def test_marker(): pass

        @pytest.mark.gemini_cassette
        def test_both(gemini_cassette_config): pass
        """
    )
    result = pytester.runpytest("-p", "no:randomly")
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(
        ["*The fixture gemini_cassette_config (*test_params*.py:3) has params, and this test, which*"]
    )
    assert "no parameter defined" not in result.stdout.str()
