"""The sources of a test's settings. For each setting, the nearest source wins."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from support.plugin_projects import STORY, cassettes

Run = Callable[..., pytest.RunResult]

SHOWS = """
import pytest

def test_it(gemini_cassette):
    print("speed", gemini_cassette.speed)
"""


def speed_of(result: pytest.RunResult) -> str:
    result.assert_outcomes(passed=1)
    return re.search(r"speed (\S+)", result.stdout.str())[1]  # type: ignore[index]


def test_the_nearest_source_wins(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """From farthest to nearest: ini file, a folder's fixture, an inner folder's, the marker, the command line."""
    test = SHOWS.replace("def test_it", "MARK\ndef test_it")
    project.makepyfile(test_it=test.replace("MARK", ""))
    ini = ["-s", "-o", "gemini_speed=2"]
    assert speed_of(project.runpytest(*ini)) == "2.0"

    config = "import pytest\n\n@pytest.fixture{}\ndef gemini_cassette_config():\n    return {{'speed': {}}}\n"
    project.makeconftest(config.format("(scope='session')", 3))
    assert speed_of(project.runpytest(*ini)) == "3.0"

    project.makepyfile(test_it=test.replace("MARK", config.format("", 4).replace("import pytest", "")))
    assert speed_of(project.runpytest(*ini)) == "4.0"

    marked = config.format("", 4) + "\n@pytest.mark.gemini_cassette(speed=5)"
    project.makepyfile(test_it=test.replace("MARK", marked.replace("import pytest", "")))
    assert speed_of(project.runpytest(*ini)) == "5.0"
    assert speed_of(project.runpytest(*ini, "--gemini-speed=6")) == "6.0"


def test_none_restores_the_default(project: pytest.Pytester) -> None:
    """A marker with None cancels the ini file's value."""
    project.makepyfile(test_it=SHOWS.replace("def test_it", "@pytest.mark.gemini_cassette(speed=None)\ndef test_it"))
    assert speed_of(project.runpytest("-s", "-o", "gemini_speed=2")) == "1.0"


def test_secrets_of_all_sources_are_redacted(
    project: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets of one source stay secret, whatever a nearer source adds."""
    monkeypatch.setenv("INTERNAL", "first-secret-word")
    project.makeconftest(
        """
        import pytest

        @pytest.fixture
        def gemini_cassette_config():
            return {"redact": "second-secret-word"}
        """
    )
    project.makepyfile(
        test_tale="""
        import pytest
        from asking import ask

        @pytest.mark.gemini_cassette("tale", redact=["third-secret-word"])
        def test_it():
            ask("first-secret-word second-secret-word third-secret-word")
        """
    )
    run("--gemini-record=once", "-o", "gemini_redact=INTERNAL").assert_outcomes(passed=1)
    stored = (project.path / "cassettes/tale.jsonl").read_text(encoding="utf-8")
    assert "secret-word" not in stored
    run("-o", "gemini_redact=INTERNAL").assert_outcomes(passed=1)


@pytest.mark.parametrize("source", ["ini", "fixture", "marker", "environment"])
def test_every_source_can_give_the_record_mode(
    project: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """The command line wins over all others."""
    arguments: list[str] = []
    project.makepyfile(test_tale=STORY)
    if source == "ini":
        arguments = ["-o", "gemini_record=once"]
    elif source == "environment":
        monkeypatch.setenv("GEMINI_REPLAY_RECORD", "once")
    elif source == "marker":
        project.makepyfile(test_tale="import pytest\npytestmark = pytest.mark.gemini_cassette(mode='once')\n" + STORY)
    else:
        project.makeconftest(
            "import pytest\n\n@pytest.fixture\ndef gemini_cassette_config():\n    return dict(mode='once')\n"
        )
    run(*arguments, "--gemini-record=none").assert_outcomes(failed=1)
    assert cassettes(project) == []
    run(*arguments).assert_outcomes(passed=1)
    assert cassettes(project) == ["test_tale/test_story.jsonl"]


def test_ci_records_only_if_the_command_line_says_so(
    project: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The summary reports a record mode that was left in another source by accident."""
    project.makepyfile(test_tale=STORY)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GEMINI_REPLAY_RECORD", "rewrite")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not followed: the record mode 'rewrite' (tests: 1), *--gemini-record rewrite"])
    assert cassettes(project) == []
    run("--gemini-record=rewrite").assert_outcomes(passed=1)
    assert cassettes(project) == ["test_tale/test_story.jsonl"]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("'recordings'", "recordings/deep/test_tale/test_story.jsonl"),
        ("'{folder}/cassettes'", "deep/cassettes/test_tale/test_story.jsonl"),
        ("lambda item: item.path.with_suffix('.' + item.name + '.jsonl')", "deep/test_tale.test_story.jsonl"),
        ("lambda item: 'elsewhere/' + item.name + '.jsonl'", "elsewhere/test_story.jsonl"),
    ],
    ids=["folder", "beside the test", "function", "function of a relative path"],
)
def test_the_project_decides_where_cassettes_are(
    project: pytest.Pytester, run: Run, place: str, expected: str
) -> None:
    """They may be below the root directory, beside the test, or where a function says."""
    project.makeconftest(
        f"import pytest\n\n@pytest.fixture\ndef gemini_cassette_config():\n    return dict(cassette_dir={place})\n"
    )
    folder = project.mkdir("deep")
    (folder / "test_tale.py").write_text(STORY, encoding="utf-8")
    run("--gemini-record=once").assert_outcomes(passed=1)
    assert (project.path / expected).is_file()
    run().assert_outcomes(passed=1)


def test_a_test_replays_from_several_cassettes_and_records_into_the_first(project: pytest.Pytester, run: Run) -> None:
    """A shared cassette of other tests is not changed."""
    project.makepyfile(
        test_tale="""
        import pytest
        from asking import ask

        @pytest.mark.gemini_cassette("shared")
        def test_first():
            ask("shared")

        @pytest.mark.gemini_cassette("mine", "shared")
        def test_second(gemini_cassette):
            assert len(ask("shared")) == 3
            assert len(ask("mine")) == 3
        """
    )
    run("--gemini-record=once").assert_outcomes(passed=2)
    shared = (project.path / "cassettes/shared.jsonl").read_bytes()
    assert b'"mine"' not in shared
    assert b'"shared"' not in (project.path / "cassettes/mine.jsonl").read_bytes().partition(b'"contents"')[2]
    result = run("--gemini-unused")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["* 0 unused; *"])
    run("--gemini-record=rewrite", "-k", "second").assert_outcomes(passed=1)
    assert (project.path / "cassettes/shared.jsonl").read_bytes() == shared


def test_the_settings_of_a_test_are_shown_with_their_sources(project: pytest.Pytester, run: Run) -> None:
    """Secrets are only counted."""
    project.makeconftest(
        """
        import pytest

        @pytest.fixture
        def gemini_cassette_config():
            return {"speed": 4, "redact": ["very-secret-word"]}
        """
    )
    project.makepyfile(
        test_tale="""
        import pytest
        from asking import ask

        @pytest.mark.gemini_cassette("tale", max_gap=1)
        def test_it():
            ask()
        """
    )
    result = run("--gemini-record=once", "--gemini-show-config", "-o", "gemini_rechunk=bytes")
    result.stdout.fnmatch_lines(
        [
            "settings of test_tale.py::test_it:",
            "  max_gap = 1  [[]marker]",
            "  mode = 'once'  [[]command line]",
            "  rechunk = 'bytes'  [[]ini file]",
            "  redact = (secret values: 1)  [[]gemini_cassette_config]",
            "  speed = 4  [[]gemini_cassette_config]",
        ]
    )
    assert "very-secret-word" not in result.stdout.str()


INNER = """
import pytest

@pytest.fixture{scope}
def gemini_cassette_config({asks}):
    return {returned}
"""


@pytest.mark.parametrize(
    ("scope", "asks", "returned"),
    [
        ("", "", "{'max_gap': 2}"),
        ("(scope='package')", "", "{'max_gap': 2}"),
        ("", "gemini_cassette_config", "{**gemini_cassette_config, 'max_gap': 2}"),
        ("", "", "{'max_gap': 2, 'redact': ['inner-secret-word']}"),
        ("", "gemini_cassette_config", "{**gemini_cassette_config, 'max_gap': 2, 'redact': ['inner-secret-word']}"),
    ],
)
@pytest.mark.parametrize("uses", ["fixture", "marker"])
def test_a_nearer_config_adds_to_farther_ones(
    project: pytest.Pytester, run: Run, scope: str, asks: str, returned: str, uses: str
) -> None:
    """Settings are merged one by one and secrets add up, whether or not it asks for the farther fixture."""
    outer = "{'redact': ['outer-secret-word'], 'max_gap': 1, 'speed': 4}"
    project.makeconftest(INNER.format(scope="(scope='session')", asks="", returned=outer))
    inner = project.mkpydir("inner")
    (inner / "conftest.py").write_text(INNER.format(scope=scope, asks=asks, returned=returned))
    test = {
        "fixture": "def test_it(gemini_cassette):",
        "marker": "import pytest\n@pytest.mark.gemini_cassette('it')\ndef test_it():",
    }[uses]
    (inner / "test_it.py").write_text(f"from asking import ask\n{test}\n    ask('say outer-secret-word')\n")
    result = run("--gemini-record=once", "--gemini-show-config", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["  max_gap = 2  [[]gemini_cassette_config of inner*", "  redact = *", "  speed = 4 *"]
    )
    count = 2 if "inner-secret" in returned else 1
    result.stdout.fnmatch_lines([f"  redact = (secret values: {count}) *"])
    stored = "".join((project.path / "cassettes" / name).read_text() for name in cassettes(project))
    assert "outer-secret-word" not in stored


def test_a_parametrized_config_is_refused(project: pytest.Pytester, run: Run) -> None:
    """It would replace the fixture's settings. So the test fails and says what to do."""
    project.makeconftest(INNER.format(scope="", asks="", returned="{'redact': ['outer-secret-word']}"))
    project.makepyfile(
        test_tale="""
        import pytest

        @pytest.mark.parametrize("gemini_cassette_config", [{"speed": 4}])
        def test_it(gemini_cassette): ...
        """
    )
    result = run("--gemini-record=once")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*sets gemini_cassette_config with parametrize*"])


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("{'sped': 4}", "Unknown setting 'sped' from the fixture gemini_cassette_config ("),
        ("5", "A dict of settings was expected from the fixture gemini_cassette_config ("),
        ("{'speed': 'fast'}", "Unknown speed 'fast'."),
        ("{'cassette_dir': 5}", "cassette_dir is 5."),
    ],
)
def test_a_wrong_config_is_a_short_error(project: pytest.Pytester, run: Run, returned: str, words: str) -> None:
    """The error says what the setting takes."""
    project.makeconftest(f"import pytest\n\n@pytest.fixture\ndef gemini_cassette_config():\n    return {returned}\n")
    project.makepyfile(test_tale=STORY)
    result = run()
    result.assert_outcomes(errors=1)
    assert words in result.stdout.str()
    assert len(result.stdout.lines) < 15


def test_hosts_that_are_allowed_are_not_blocked(project: pytest.Pytester) -> None:
    """Other hosts are blocked, also if only the ini file asks for it."""
    project.makepyfile(
        test_tale="""
        import sys
        import pytest

        @pytest.mark.parametrize("host", ["generativelanguage", "us-central1-aiplatform"])
        def test_it(host):
            sys.audit("socket.getaddrinfo", f"{host}.googleapis.com", 443, 0, 0, 0)
        """
    )
    settings = ["-o", "gemini_block_network=true", "-o", "gemini_allow_hosts=*-aiplatform.googleapis.com"]
    result = project.runpytest(*settings)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*A request to generativelanguage.googleapis.com was stopped*"])
