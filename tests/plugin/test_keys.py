"""Keys in a run: placeholders, refused keys, and no secret in any file or message."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import KEY, STORY

from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

pytestmark = pytest.mark.usefixtures("project")


def test_a_placeholder_key_lets_clients_be_built_for_replay(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """Offline CI has no key. A real key is never replaced."""
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


def test_no_secret_of_a_run_is_in_any_file_or_message(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets in header, query, bearer token and environment, or cut in two in an echo, are not stored or shown."""
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
