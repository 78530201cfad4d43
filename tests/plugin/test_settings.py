"""Options, ini settings and the marker's arguments: their effect, and the errors for wrong ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import KEY, cassettes

from gemini_replay.server import upstream

Run = Callable[..., pytest.RunResult]

pytestmark = pytest.mark.usefixtures("project")


@pytest.mark.parametrize("value", ["127.0.0.1", "127.0.0.1:{port}", "127.*"])
def test_requests_to_ignored_hosts_are_left_alone(
    project: pytest.Pytester, server: upstream.RunningUpstream, value: str
) -> None:
    """An ignored gateway is neither recorded nor refused, although its path would be recognized."""
    project.makepyfile(
        test_tale=f"""
        import httpx

        def test_it(gemini_cassette):
            url = "{server.url}/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
            answer = httpx.post(url, json={{}}, headers={{"x-goog-api-key": {KEY!r}}})
            assert answer.text.count("data: ") == 3
        """
    )
    setting = f"gemini_ignore_hosts={value.format(port=server.port)}"
    for mode in ("rewrite", "none"):
        project.runpytest("-o", setting, f"--gemini-record={mode}").assert_outcomes(passed=1)
    assert cassettes(project) == []
    assert len(server.app.requests) == 2


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("gemini_hosts=http://host/", "hosts names 'http://host/'"),
        ("gemini_redact_patterns=(", "redact_patterns"),
        ("gemini_keep_headers=authorization", "keep_headers"),
        ("gemini_ignore_hosts=host:99999", "ignore_hosts names 'host:99999'"),
        ("gemini_ignore_hosts=*.googleapis.com", "takes in Gemini's own hosts"),
        ("gemini_match=modle", "'modle'"),
        ("gemini_speed=fast", "'fast'"),
    ],
)
def test_a_wrong_setting_ends_the_run_before_any_test(project: pytest.Pytester, setting: str, words: str) -> None:
    """The error has the setting's name or its value."""
    project.makepyfile(test_tale="def test_it(gemini_cassette): pass")
    result = project.runpytest("-o", setting)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in result.stderr.str() + result.stdout.str()


def test_a_variable_whose_value_is_too_short_is_named(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a short value would be found everywhere."""
    monkeypatch.setenv("SHORT", "ab")
    project.makepyfile(test_tale="def test_it(gemini_cassette): pass")
    result = project.runpytest("-o", "gemini_redact=SHORT")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["gemini_redact names the environment variable SHORT.", "*2 characters*"])


@pytest.mark.parametrize(
    ("marker", "argument"),
    [
        ("match=5", "match"),
        ("match=[5]", "match"),
        ("match=[]", "match"),
        ("speed=[]", "speed"),
        ("speed=-1", "speed"),
        ("max_gap='long'", "max_gap"),
        ("rechunk=[3]", "rechunk"),
        ("rechunk=-3", "rechunk"),
        ("fault=5", "fault"),
        ("fault=[5]", "fault"),
        ("name=5", "name of a cassette"),
        ("spede=4", "spede"),
        ("mode='onec'", "record mode"),
        ("ignore_hosts=['http://x']", "ignore_hosts"),
        ("test='x'", "'test'"),
    ],
)
def test_a_wrong_argument_of_the_marker_is_named(
    project: pytest.Pytester, run: Run, marker: str, argument: str
) -> None:
    """The error is ours, with a few lines and without a traceback."""
    project.makepyfile(
        test_tale=f"""
        import pytest

        @pytest.mark.gemini_cassette({marker})
        def test_it():
            pass
        """
    )
    for mode in ("none", "rewrite"):
        result = run(f"--gemini-record={mode}")
        result.assert_outcomes(errors=1)
        shown = result.stdout.str().partition("= ERRORS =")[2]
        assert argument in shown
        assert "gemini-replay explain usage" in shown
        assert "Traceback" not in shown
        assert "TypeError" not in shown
        assert "gemini_replay/" not in shown.partition("short test summary")[0]


def test_arguments_of_several_markers_are_merged(project: pytest.Pytester, run: Run) -> None:
    """The closest marker wins. None counts as not given."""
    project.makepyfile(
        test_tale="""
        import pytest
        from asking import ask

        pytestmark = pytest.mark.gemini_cassette("module", speed=7, match=["model"])

        @pytest.mark.gemini_cassette("test", speed=None)
        def test_it(gemini_cassette):
            assert len(ask()) == 3
            assert gemini_cassette.path.name == "test.jsonl"
            assert gemini_cassette.speed == 1
        """
    )
    run("--gemini-record=once").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_ini_settings_name_secrets(project: pytest.Pytester, server: upstream.RunningUpstream) -> None:
    """They apply to recording and replay."""
    project.makepyfile(
        test_tale="""
        from asking import ask

        def test_it(gemini_cassette):
            assert len(ask("see case-1234", **{"x-tenant": "blue"})) == 3
        """
    )
    settings = ["-o", "gemini_keep_headers=x-tenant", "-o", r"gemini_redact_patterns=case-(\d{4})"]
    upstream_option = f"--gemini-upstream={server.url}"
    project.runpytest(*settings, upstream_option, "--gemini-record=once").assert_outcomes(passed=1)
    project.runpytest(*settings).assert_outcomes(passed=1)
    (cassette,) = (project.path / "cassettes").rglob("*.jsonl")
    text = cassette.read_text(encoding="utf-8")
    assert "1234" not in text
    assert '["x-tenant", "blue"]' in text


def test_a_variable_to_redact_that_is_not_set_is_an_error_while_recording(project: pytest.Pytester) -> None:
    """Otherwise its value would be stored unnoticed. A replay does not need the variable."""
    project.makepyfile(test_tale="def test_it(gemini_cassette): pass")
    recording = project.runpytest("-o", "gemini_redact=NO_SUCH_VARIABLE", "--gemini-record=once")
    recording.assert_outcomes(errors=1)
    recording.stdout.fnmatch_lines(["*environment variable NO_SUCH_VARIABLE, which is not set*"])
    project.runpytest("-o", "gemini_redact=NO_SUCH_VARIABLE").assert_outcomes(passed=1)


@pytest.mark.parametrize("setting", ["gemini_allow_unused", "gemini_block_network"])
def test_an_error_about_a_wrong_truth_value_names_its_setting(project: pytest.Pytester, setting: str) -> None:
    """Pytest's own error does not name the setting."""
    project.makeini(f"[pytest]\n{setting} = maybe\n")
    result = project.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"The ini setting {setting} cannot be read: invalid truth value 'maybe'." in result.stderr.str()
