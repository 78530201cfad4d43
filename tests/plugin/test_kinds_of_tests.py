"""Tests of every kind can have cassettes: by marker, in classes, with parameters, async."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import KEY, cassettes

from gemini_replay import Cassette

pytestmark = pytest.mark.usefixtures("project")


def test_the_marker_names_a_cassette_and_needs_no_fixture(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """Two tests may share a cassette on purpose. The first records it, and the second adds to it."""
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
    run().stdout.fnmatch_lines(
        ["3 replayed, 0 recorded, 0 unused*"]
    )  # each test keeps the recordings that the others use


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
    """Fixture and marker work for coroutines on both backends."""
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
    """Fixture and marker work for coroutines under pytest-asyncio."""
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


@pytest.mark.parametrize("plugin", ["terminal", "capture", "warnings", "monkeypatch"])
def test_a_run_without_one_of_pytests_own_plugins_ends_as_usual(project: pytest.Pytester, plugin: str) -> None:
    """Tests with and without a cassette fail with their own errors."""
    project.makepyfile(
        test_tale="""
        from asking import ask

        def test_plain():
            assert False, "plain failure"

        def test_with_a_cassette(gemini_cassette):
            ask()

        def test_that_passes(gemini_cassettes):
            with gemini_cassettes("some"): pass
        """
    )
    result = project.runpytest_subprocess("-p", f"no:{plugin}", "--junitxml=report.xml")
    assert result.ret == pytest.ExitCode.TESTS_FAILED, result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    report = (project.path / "report.xml").read_text()
    assert "plain failure" in report
    assert "No recording answers" in report
    assert "not found" not in report
