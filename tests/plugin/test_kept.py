"""Which tests count as passed, so that their recordings make a new cassette. Other tests leave it unchanged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.kept_tests import HEAD, KEPT, NOT_KEPT
from support.plugin_projects import KEY, asked, cassettes

from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

Run = Callable[..., pytest.RunResult]


def write(project: pytest.Pytester, test: str, prompt: str) -> None:
    if "subtests" in test and pytest.version_tuple < (9, 0):
        pytest.skip("pytest 9 brings the fixture subtests")
    project.makepyfile(test_tale=HEAD + f"PROMPT, NEW = {prompt!r}, {prompt == 'new'}\n" + test)


@pytest.mark.usefixtures("async_plugins")
@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("mode", ["once", "rewrite"])
def test_a_passed_test_makes_the_cassette(project: pytest.Pytester, run: Run, name: str, mode: str) -> None:
    """A test that fails as expected makes it too, since its stream was the one it needs."""
    write(project, KEPT[name], "old")
    result = run(f"--gemini-record={mode}")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["0 replayed, 1 recorded, 0 unused"])
    assert cassettes(project) == ["shared.jsonl"]
    replayed = run()
    assert replayed.ret == 0
    assert replayed.parseoutcomes() == result.parseoutcomes()


ASYNC = """
import asyncio, httpx, pytest
from asking import URL

@pytest.fixture
def anyio_backend():
    return "trio"

{marks}
@pytest.mark.gemini_cassette("shared")
async def test_it():
    async with httpx.AsyncClient(headers={{"x-goog-api-key": {key!r}}}) as client:
        async with client.stream("POST", URL, json={{"contents": []}}) as response:
            assert len([chunk async for chunk in response.aiter_raw()]) == {count}
"""


@pytest.mark.usefixtures("async_plugins")
@pytest.mark.parametrize(
    ("marks", "mode"),
    [
        ("@pytest.mark.asyncio", "strict"),
        ("", "auto"),
        ("@pytest.mark.asyncio(loop_scope='module')", "strict"),
        ("@pytest.mark.anyio", "strict"),
    ],
    ids=["asyncio", "asyncio-auto", "asyncio-module", "anyio-trio"],
)
def test_coroutines_are_kept_if_they_pass(project: pytest.Pytester, run: Run, marks: str, mode: str) -> None:
    """This holds in both modes of pytest-asyncio, and on trio."""
    for count, outcome in ((4, {"failed": 1}), (3, {"passed": 1})):
        project.makepyfile(test_tale=ASYNC.format(marks=marks, key=KEY, count=count))
        result = run("--gemini-record=once", "-o", f"asyncio_mode={mode}")
        assert result.parseoutcomes() == outcome
        assert ("shared.jsonl" in cassettes(project)) is (count == 3)
    replayed = run("-o", f"asyncio_mode={mode}")
    assert replayed.parseoutcomes() == {"passed": 1}


@pytest.mark.usefixtures("async_plugins")
@pytest.mark.parametrize("name", NOT_KEPT)
def test_any_other_test_leaves_the_cassette_as_it_is(
    project: pytest.Pytester, run: Run, server: upstream.RunningUpstream, name: str
) -> None:
    """The journal is beside it, and the summary says so."""
    write(project, NOT_KEPT[name], "old")
    assert run("--gemini-record=once").ret == 0
    before = (project.path / "cassettes/shared.jsonl").read_bytes()
    write(project, NOT_KEPT[name], "new")
    if name == "interrupt in the teardown":  # this test's process keeps the session open
        result = project.runpytest_subprocess("-q", "--gemini-record=rewrite", f"--gemini-upstream={server.url}")
    else:
        result = run("--gemini-record=rewrite", no_reraise_ctrlc=True)
    assert (project.path / "cassettes/shared.jsonl").read_bytes() == before
    result.stdout.fnmatch_lines(
        ["not recorded: test_tale.py::*test_it*, so */shared.jsonl has not changed; what was recorded is in *"]
    )
    parts = ["shared.jsonl.2.part"] if name == "anyio" else []  # a test for each backend
    assert cassettes(project) == ["shared.jsonl", *parts, "shared.jsonl.part"]
    assert asked(project, "shared.jsonl") == ["old"]


def test_an_expected_failure_with_a_key_that_was_refused_is_not_kept(project: pytest.Pytester) -> None:
    """A refused key is not the expected failure, and the recording would have no answer of the model."""
    project.makepyfile(
        test_tale="""
        import httpx, pytest
        from asking import URL

        @pytest.mark.xfail
        @pytest.mark.gemini_cassette("shared")
        def test_it():
            answer = httpx.post(URL, json={}, headers={"authorization": "Bearer a-token-that-is-wrong"})
            assert "another" in answer.text
        """
    )
    with upstream.start("story", key="another-key-than-the-clients", gateway=True) as server:
        result = project.runpytest("--gemini-record=once", f"--gemini-upstream={server.url}/gateway")
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["not recorded: *was not made*", "*The upstream answered 401*"])
    assert cassettes(project) == ["shared.jsonl.part"]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("fixture", ["gemini_cassette", "gemini_server"])
def test_a_recording_that_fails_on_our_side_fails_the_test(
    project: pytest.Pytester, fixture: str, fails: bool
) -> None:
    """A full disk does not disturb the client; the test fails, and the summary says that nothing was recorded."""
    pytest.importorskip("resource")
    project.makepyfile(
        test_tale=f"""
        import httpx, resource, signal
        from asking import URL

        def test_it({fixture}):
            base = {fixture} if {fixture == "gemini_server"} else URL.partition("/v1beta")[0]
            url = base + "/v1beta" + URL.partition("/v1beta")[2]
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
            try:
                answer = httpx.post(url, json={{"contents": []}}, headers={{"x-goog-api-key": {KEY!r}}})
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert answer.content.count(b"data: ") == 3
            assert not {fails}
        """
    )
    chunks = [b'data: {"pad": "' + b"x" * 20_000 + b'"}\r\n\r\n'] * 3
    with upstream.start(Scenario.from_chunks(chunks, gaps=[0.0] * 3)) as server:
        result = project.runpytest_subprocess(
            "-p", "no:cacheprovider", "--gemini-record=once", f"--gemini-upstream={server.url}"
        )
    result.stdout.fnmatch_lines(["*The recording of POST *failed: *", "not recorded: *could not be recorded, so *"])
    result.assert_outcomes(failed=1)
    assert "test_tale/test_it.jsonl" not in cassettes(project)
