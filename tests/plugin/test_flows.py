"""Whole flows of the plugin: record, replay, miss, mend. Each test is a project of its own, run by pytest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import KEY, STORY, cassettes

from gemini_replay import Cassette
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

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
        result.stdout.fnmatch_lines(["1 replayed, 0 recorded, 0 unused; * s of model time in * s"])
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
    """With the same message."""
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


def test_a_failed_test_leaves_the_old_cassette_and_keeps_what_came(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """The recording of a failed test lies beside the cassette, which did not change."""
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
    """What is there is replayed, and stays."""
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
    """Requests go where the code sends them."""
    project.makepyfile(
        test_tale=STORY.replace("ask()", f"ask.__globals__.update(URL={server.url + '/x'!r}) or ask()")
    )
    project.runpytest("--gemini-record=live").assert_outcomes(passed=1)
    assert len(server.app.requests) == 1
    assert not (project.path / "cassettes").exists()


def test_the_marker_names_a_cassette_and_needs_no_fixture(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """Two tests may share a cassette on purpose; the first records it, the second adds to it."""
    project.makepyfile(
        test_tale="""
        import pytest
        from asking import ask

        @pytest.mark.gemini_cassette("shared", speed="instant")
        def test_one():
            assert len(ask()) == 3

        @pytest.mark.gemini_cassette("shared", match=["model", "body"])
        def test_two():
            assert len(ask("two")) == 3

        @pytest.mark.gemini_cassette("deep/er.jsonl")
        class TestClass:
            def test_three(self):
                assert len(ask("three")) == 3
        """
    )
    for mode in ("once", "rewrite"):
        run(f"--gemini-record={mode}").assert_outcomes(passed=3)
        assert cassettes(project) == ["deep/er.jsonl", "shared.jsonl"]
        assert len(Cassette.load(project.path / "cassettes/shared.jsonl").interactions) == 2
    run().assert_outcomes(passed=3)
    run().stdout.fnmatch_lines(["3 replayed, 0 recorded, 0 unused*"])  # each test leaves what the others use


def test_classes_and_parameters_have_cassettes_of_their_own(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """Whatever their names hold, no two tests share a file by accident."""
    project.makepyfile(
        test_tale="""
        import pytest
        from asking import ask

        @pytest.mark.parametrize("name", ["a", "A", "a/b", "a?b", "月", "x" * 200])
        def test_story(gemini_cassette, name):
            assert ask(name)

        class TestTale:
            def test_story(self, gemini_cassette):
                assert ask("class")
        """
    )
    run("--gemini-record=once").assert_outcomes(passed=7)
    found = cassettes(project)
    assert len(found) == len({name.lower() for name in found}) == 7
    run().assert_outcomes(passed=7)


@pytest.mark.usefixtures("async_plugins")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_tests_of_anyio(project: pytest.Pytester, run: Callable[..., pytest.RunResult], backend: str) -> None:
    """The fixture and the marker serve coroutines on both loops."""
    project.makepyfile(
        test_tale=f"""
        import httpx, pytest
        from asking import URL

        @pytest.fixture
        def anyio_backend():
            return {backend!r}

        @pytest.mark.anyio
        @pytest.mark.gemini_cassette
        async def test_story():
            async with httpx.AsyncClient(headers={{"x-goog-api-key": {KEY!r}}}) as client:
                async with client.stream("POST", URL, json={{"contents": []}}) as response:
                    assert len([chunk async for chunk in response.aiter_raw()]) == 3
        """
    )
    run("--gemini-record=once").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


@pytest.mark.usefixtures("async_plugins")
def test_async_tests_of_pytest_asyncio(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """And those of pytest-asyncio."""
    project.makepyfile(
        test_tale=f"""
        import httpx, pytest
        from asking import URL

        @pytest.mark.asyncio
        async def test_story(gemini_cassette):
            async with httpx.AsyncClient(headers={{"x-goog-api-key": {KEY!r}}}) as client:
                async with client.stream("POST", URL, json={{"contents": []}}) as response:
                    assert len([chunk async for chunk in response.aiter_raw()]) == 3
        """
    )
    run("--gemini-record=once").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_a_gateway_is_recognised_by_its_path(project: pytest.Pytester, server: upstream.RunningUpstream) -> None:
    """A base URL of another host, with a bearer token, is recorded and replayed all the same."""
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
    """A recording that no test asks for any more is said to be so."""
    project.makepyfile(test_tale=STORY.replace("len(ask()) == 3", "ask() and ask('b')"))
    run("--gemini-record=once")
    project.makepyfile(test_tale=STORY)
    result = run("--gemini-unused")
    result.stdout.fnmatch_lines(
        ["1 replayed, 0 recorded, 1 unused*", "unused: *test_story.jsonl: interaction 2 of 2: POST*"]
    )


def test_a_placeholder_key_lets_clients_be_built_where_nothing_is_recorded(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """Offline CI has no key; a real one is never replaced."""
    project.makepyfile(
        test_tale="""
        import os

        def test_key(gemini_cassette):
            assert os.environ["GEMINI_API_KEY"]

        def test_own(monkeypatch, request):
            monkeypatch.setenv("GOOGLE_API_KEY", "mine")
            request.getfixturevalue("gemini_cassette")
            assert "GEMINI_API_KEY" not in os.environ

        def test_recording(gemini_cassette, pytestconfig):
            if pytestconfig.option.gemini_record:
                assert "GEMINI_API_KEY" not in os.environ
        """
    )
    run().assert_outcomes(passed=3)
    run("--gemini-record=rewrite", "-k", "recording").assert_outcomes(passed=1)


def test_a_refused_key_is_explained(project: pytest.Pytester) -> None:
    """The recording fails if the upstream refuses the key; no cassette is made."""
    project.makepyfile(test_tale=STORY)
    with upstream.start("story", key="another-key-than-the-clients") as server:
        result = project.runpytest("--gemini-record=once", f"--gemini-upstream={server.url}")
    result.assert_outcomes(failed=1)
    assert not (project.path / "cassettes/test_tale/test_story.jsonl").exists()


def test_block_network_covers_tests_without_a_cassette(project: pytest.Pytester) -> None:
    """A Gemini host is refused where no fixture is; other hosts are not."""
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


def test_no_secret_of_a_run_is_in_any_file_or_message(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Header, query, bearer, environment, and echoed by the server cut in two: none is stored or printed."""
    secrets = {
        "header": KEY,
        "query": "query-key-9876543210-abcdefghijk",
        "bearer": "bearer-token-abcdefghijklmnop-0123",
        "environment": "environment-value-0123456789-zyx",
    }
    monkeypatch.setenv("MY_SERVICE_API_KEY", secrets["environment"])
    project.makepyfile(
        hidden=f"""
        import asking

        SECRETS = {secrets!r}

        def ask(place, more=""):  # takes no secret: pytest prints the arguments of functions in tracebacks
            asking.URL = asking.URL.partition("&")[0] + ("&key=" + SECRETS["query"] if place == "query" else "")
            bearer = {{"authorization": "Bearer " + SECRETS["bearer"]}} if place == "bearer" else {{}}
            asking.HIDDEN = {{"text": (SECRETS[place] if place == "environment" else place) + more, **bearer}}
            asking.ask_hidden()
        """,
        test_tale="""
        import hidden, pytest

        @pytest.mark.parametrize("place", ["header", "query", "bearer", "environment"])
        @pytest.mark.parametrize("fails", [False, True])
        def test_secret(gemini_cassette, place, fails):
            hidden.ask(place)
            if fails:
                hidden.ask(place, " another")
                assert not fails
        """,
    )
    halves = [
        part
        for secret in secrets.values()
        for part in (
            f'data: {{"candidates": [{{"content": {{"parts": [{{"text": "it is {secret[:9]}'.encode(),
            f'{secret[9:]} so"}}]}}}}]}}\r\n\r\n'.encode(),
        )
    ]
    with upstream.start(Scenario.from_chunks(halves, gaps=[0.002] * len(halves))) as server:
        recording = project.runpytest("--gemini-record=new", f"--gemini-upstream={server.url}", "-vv", "-rA")
    recording.assert_outcomes(passed=4, failed=4)
    replaying = project.runpytest("-vv", "-rA")
    replaying.assert_outcomes(passed=4, failed=4)
    assert "No recording answers" in replaying.stdout.str()
    written = b"".join(path.read_bytes() for path in project.path.rglob("*.jsonl*") if path.is_file())
    printed = "".join(run.stdout.str() + run.stderr.str() for run in (recording, replaying))
    assert b"it is " in written
    for place, secret in secrets.items():
        assert secret.encode() not in written, place
        assert secret not in printed, place
