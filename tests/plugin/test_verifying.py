"""``--gemini-record verify``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import KEY, STORY, cassettes
from support.schemas import changed, with_billing

from gemini_replay.server import upstream

pytestmark = pytest.mark.usefixtures("project")

Verify = Callable[..., pytest.RunResult]
DRIFT = "*body.usageMetadata.billedUnits: new (number)*"


@pytest.fixture
def verify(project: pytest.Pytester) -> Verify:
    """Runs the project's tests, whose one test has a cassette, in mode "verify" against a changed API or the same."""

    def verify(*arguments: str, drift: bool = True) -> pytest.RunResult:
        scenario = changed("story", with_billing) if drift else "story"
        with upstream.start(scenario, pace=0, seed=5) as server:
            return project.runpytest("-q", f"--gemini-upstream={server.url}", *arguments)

    project.makepyfile(test_tale=STORY.replace("assert len(ask()) == 3", "assert b''.join(ask())"))
    verify("--gemini-record=once", drift=False).assert_outcomes(passed=1)
    assert cassettes(project) == ["test_tale/test_story.jsonl"]
    return verify


def test_drift_fails_the_test_and_the_cassette_stays(project: pytest.Pytester, verify: Verify) -> None:
    """The report has the paths and what to do; without drift, the test passes."""
    path = project.path / "cassettes/test_tale/test_story.jsonl"
    before = path.read_bytes()
    result = verify("--gemini-record=verify", drift=False)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["0 replayed, 0 recorded, 0 unused", "compared with live answers: 1 (record mode 'verify'); no drift"]
    )
    result = verify("--gemini-record=verify")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            f"*What came live has drifted from {path}.",
            DRIFT,
            '*pytest "test_tale.py::test_story" --gemini-record rewrite',
            "*gemini-replay explain drift*",
            "compared with live answers: 1 (record mode 'verify'); tests with drift: 1",
        ]
    )
    assert "not recorded" not in result.stdout.str()
    assert KEY not in result.stdout.str()
    assert cassettes(project) == ["test_tale/test_story.jsonl"]
    assert path.read_bytes() == before


def test_the_environment_and_the_marker_can_ask_for_it(
    project: pytest.Pytester, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In continuous integration, only the command line can."""
    monkeypatch.setenv("GEMINI_REPLAY_RECORD", "verify")
    verify().assert_outcomes(passed=1, errors=1)
    verify("-o", "gemini_ignore_drift=body.usageMetadata.billedUnits").assert_outcomes(passed=1)
    monkeypatch.setenv("CI", "true")
    result = verify()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 replayed*", "not followed: the record mode 'verify'*"])
    verify("--gemini-record=verify").assert_outcomes(passed=1, errors=1)
    monkeypatch.delenv("CI")
    monkeypatch.delenv("GEMINI_REPLAY_RECORD")
    marked = "import pytest\n@pytest.mark.gemini_cassette(mode='verify')\n"
    project.makepyfile(test_tale=STORY.replace("def test", f"{marked}def test").replace("len(ask()) == 3", "ask()"))
    verify().assert_outcomes(passed=1, errors=1)


def test_a_test_that_fails_is_told_of_drift_as_well(project: pytest.Pytester, verify: Verify) -> None:
    """It may be why."""
    project.makepyfile(test_tale=STORY.replace("assert len(ask()) == 3", "ask()\n    assert False"))
    result = verify("--gemini-record=verify")
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines([DRIFT])
    assert "not recorded" not in result.stdout.str()


def test_without_a_cassette_the_test_fails(project: pytest.Pytester, verify: Verify) -> None:
    """And says how to record."""
    (project.path / "cassettes/test_tale/test_story.jsonl").unlink()
    result = verify("--gemini-record=verify")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the cassette does not exist*", "*--gemini-record once*"])


def test_a_test_with_a_fault_only_replays(project: pytest.Pytester, verify: Verify) -> None:
    """As in every mode that records."""
    marked = "import pytest\n@pytest.mark.gemini_cassette(fault='chop@100')\n"
    project.makepyfile(test_tale=STORY.replace("def test", f"{marked}def test").replace("len(ask()) == 3", "True"))
    result = verify("--gemini-record=verify")
    assert "compared with live" not in result.stdout.str()


def test_wider_fixtures_and_servers_verify_too(project: pytest.Pytester, verify: Verify) -> None:
    """`gemini_cassettes` at the end of its block, `gemini_server` at the end of its test."""
    project.makepyfile(
        test_tale="""
        import httpx, pytest
        from asking import KEY, URL, ask

        @pytest.fixture(scope="module")
        def warm(gemini_cassettes):
            with gemini_cassettes("warm"):
                ask()

        def test_wide(warm): ...

        def test_served(gemini_server):
            path = URL.partition(".com")[2]
            body = {"contents": [{"parts": [{"text": "hello"}]}]}
            assert httpx.post(gemini_server + path, json=body, headers={"x-goog-api-key": KEY}).status_code == 200
        """
    )
    verify("--gemini-record=once", drift=False).assert_outcomes(passed=2)
    verify("--gemini-record=verify", drift=False).assert_outcomes(passed=2)
    result = verify("--gemini-record=verify")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["compared with live answers: 2 (record mode 'verify'); tests with drift: 2"])


def test_workers_tell_their_controller(project: pytest.Pytester, verify: Verify) -> None:
    """Under pytest-xdist."""
    result = verify("--gemini-record=verify", "-n1")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([DRIFT, "compared with live answers: 1 *; tests with drift: 1"])
