"""Whole flows of the plugin: record, replay, miss, record again. Each test runs pytest in a new project."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import STORY, cassettes

from gemini_replay import Cassette
from gemini_replay.server import upstream

pytestmark = pytest.mark.usefixtures("project")


@pytest.mark.usefixtures("with_installed_plugins")
def test_record_once_then_replay_for_ever(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], server: upstream.RunningUpstream
) -> None:
    """The cassette is named by module and test; replaying sends nothing."""
    project.makepyfile(test_tale=STORY)
    run("--gemini-record=once").assert_outcomes(passed=1)
    assert cassettes(project) == ["test_tale/test_story.jsonl"]
    assert len(server.app.requests) == 1
    for mode in ("once", "none", "new"):
        result = run(f"--gemini-record={mode}")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["1 replayed, 0 recorded, 0 unused; * s of model time"])
    assert len(server.app.requests) == 1
    run("--gemini-record=rewrite").stdout.fnmatch_lines(["0 replayed, 1 recorded, 0 unused"])
    assert len(server.app.requests) == 2
    saved = Cassette.load(project.path / "cassettes/test_tale/test_story.jsonl")
    assert saved.test == "test_tale.py::test_story"


def test_without_a_cassette_the_test_fails_and_says_how_to_record(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], server: upstream.RunningUpstream
) -> None:
    """Nothing reaches the network."""
    project.makepyfile(test_tale=STORY)
    result = run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*MissError: No recording answers POST gemini-2.5-flash:streamGenerateContent?alt=sse.",
            "*There is no cassette at *test_story.jsonl.",
            '*pytest "test_tale.py::test_story" --gemini-record once',
        ]
    )
    assert server.app.requests == []


def test_a_miss_that_the_code_swallowed_fails_the_test(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """The message is the same as for other misses."""
    project.makepyfile(
        test_tale="""
        from asking import ask

        def test_story(gemini_cassette):
            try:
                ask()
            except Exception:
                pass
        """
    )
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*No recording answers POST*"])


def test_a_failed_test_leaves_the_old_cassette_and_a_journal(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """The failed test's journal is beside the cassette, which is unchanged."""
    project.makepyfile(test_tale=STORY)
    run("--gemini-record=once")
    path = project.path / "cassettes/test_tale/test_story.jsonl"
    before = path.read_bytes()
    project.makepyfile(test_tale=STORY.replace("== 3", "== 4"))
    result = run("--gemini-record=rewrite")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not recorded: test_tale.py::test_story did not pass, *test_story.jsonl.part"])
    assert path.read_bytes() == before
    assert path.with_name("test_story.jsonl.part").exists()


def test_new_appends_what_is_missing(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], server: upstream.RunningUpstream
) -> None:
    """Old recordings are replayed and stay."""
    project.makepyfile(test_tale=STORY)
    run("--gemini-record=once")
    project.makepyfile(
        test_tale="""
        from asking import ask

        def test_story(gemini_cassette):
            assert ask() == ask("something new")
        """
    )
    run().assert_outcomes(failed=1)
    run("--gemini-record=new").stdout.fnmatch_lines(["1 replayed, 1 recorded*"])
    run().assert_outcomes(passed=1)
    assert len(server.app.requests) == 2


def test_live_uses_no_cassette(project: pytest.Pytester, server: upstream.RunningUpstream) -> None:
    """Requests reach the servers that the code names."""
    project.makepyfile(
        test_tale=STORY.replace("ask()", f"ask.__globals__.update(URL={server.url + '/x'!r}) or ask()")
    )
    result = project.runpytest("--gemini-record=live")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["live, without cassettes: 1 tests (record mode 'live')"])
    assert len(server.app.requests) == 1
    assert not (project.path / "cassettes").exists()


def test_live_goes_to_the_upstream(project: pytest.Pytester, server: upstream.RunningUpstream) -> None:
    """If an upstream is given, requests go to it, and nothing is recorded."""
    project.makepyfile(test_tale=STORY)
    project.runpytest("--gemini-record=live", f"--gemini-upstream={server.url}").assert_outcomes(passed=1)
    assert len(server.app.requests) == 1
    assert not (project.path / "cassettes").exists()


def test_a_gateway_is_recognised_by_its_path(project: pytest.Pytester, server: upstream.RunningUpstream) -> None:
    """Requests to another host with a bearer token are recorded and replayed too."""
    url = f"{server.url}/gateway/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    project.makepyfile(
        test_tale=STORY.replace(
            "ask()", f"(ask.__globals__.update(URL={url!r}), ask(authorization='Bearer secret-of-the-gateway'))[1]"
        )
    )
    project.runpytest("--gemini-record=once").assert_outcomes(passed=1)
    assert len(server.app.requests) == 1
    project.runpytest().assert_outcomes(passed=1)
    assert len(server.app.requests) == 1


def test_unused_recordings_are_counted_and_listed_on_request(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """These are recordings that no test asks for any more."""
    project.makepyfile(test_tale=STORY.replace("len(ask()) == 3", "ask() and ask('b')"))
    run("--gemini-record=once")
    project.makepyfile(test_tale=STORY)
    result = run("--gemini-unused")
    result.stdout.fnmatch_lines(
        [
            "1 replayed, 0 recorded, 1 unused*",
            "unused: *test_story.jsonl: interaction 2 of 2: POST* (recorded by test_tale.py::test_story)",
        ]
    )


def test_block_network_covers_tests_without_a_cassette(project: pytest.Pytester) -> None:
    """Gemini's hosts are refused in tests without the fixture; other hosts are not."""
    project.makepyfile(
        test_tale="""
        import socket
        import pytest
        from asking import ask

        def test_gemini():
            with pytest.raises(Exception, match="stopped before it left"):
                ask()

        def test_other():
            assert socket.getaddrinfo("localhost", 80)
        """
    )
    project.runpytest("--gemini-block-network").assert_outcomes(passed=2)
