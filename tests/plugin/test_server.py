"""The fixture ``gemini_server`` serves the test's cassette to clients in other processes and languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.streams import PATH, events

from gemini_replay import Cassette
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

KEY = "AIzaSyD-0123456789abcdefghijklmnopqrstuv"

STORY = f"""
import os, subprocess, sys

CHILD = '''
import os, sys, urllib.request
url = os.environ["GOOGLE_GEMINI_BASE_URL"] + {PATH!r}
key = {{"x-goog-api-key": {KEY!r}}}
body = b'{{"contents": [{{"parts": [{{"text": "%s"}}]}}]}}' % sys.argv[1].encode()
try:
    print(urllib.request.urlopen(urllib.request.Request(url, body, key)).read().count(b"data: "))
except urllib.error.HTTPError as error:
    print(error.code)
'''

def ask(text="hello"):
    return int(subprocess.run([sys.executable, "-c", CHILD, text], capture_output=True, text=True, check=True).stdout)

def test_story(gemini_server):
    assert os.environ["GOOGLE_GEMINI_BASE_URL"] == gemini_server
    assert ask() == 3
"""


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a test whose client is another process, and no key in the environment."""
    pytester.makepyfile(test_tale=STORY)
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return pytester


@pytest.fixture
def server() -> Iterator[upstream.RunningUpstream]:
    with upstream.start(Scenario.from_chunks(events(3), gaps=[0.002] * 3), key=None) as running:
        yield running


@pytest.fixture
def run(project: pytest.Pytester, server: upstream.RunningUpstream) -> Callable[..., pytest.RunResult]:
    def run(*arguments: str) -> pytest.RunResult:
        return project.runpytest("-q", f"--gemini-upstream={server.url}", *arguments)

    return run


def test_record_once_then_replay_for_ever(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], server: upstream.RunningUpstream
) -> None:
    """Names, modes and summary are those of ``gemini_cassette``; the recorded URL is Google's, without the key."""
    run("--gemini-record=once").assert_outcomes(passed=1)
    path = project.path / "cassettes/test_tale/test_story.jsonl"
    saved = Cassette.load(path)
    assert saved.test == "test_tale.py::test_story"
    assert saved.interactions[0].request.url == f"https://generativelanguage.googleapis.com{PATH}"
    assert saved.interactions[0].end.kind == "eof"
    assert KEY.encode() not in path.read_bytes()
    for mode in ("none", "once", "new"):
        result = run(f"--gemini-record={mode}")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["1 replayed, 0 recorded, 0 unused; * s of model time"])
    assert len(server.requests) == 1
    run("--gemini-record=rewrite").stdout.fnmatch_lines(["0 replayed, 1 recorded, 0 unused"])
    assert len(server.requests) == 2


def test_a_cassette_serves_both_fixtures(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """It is recorded through the server and played in the process."""
    run("--gemini-record=once").assert_outcomes(passed=1)
    project.makepyfile(
        test_other=f"""
        import httpx, pytest

        @pytest.mark.gemini_cassette("test_tale/test_story")
        def test_story():
            url = "https://generativelanguage.googleapis.com{PATH}"
            answer = httpx.post(url, json={{"contents": [{{"parts": [{{"text": "hello"}}]}}]}})
            assert answer.text.count("data: ") == 3
        """
    )
    run("test_other.py").assert_outcomes(passed=1)


def test_a_miss_fails_the_test_although_its_client_saw_only_a_404(
    run: Callable[..., pytest.RunResult], server: upstream.RunningUpstream, project: pytest.Pytester
) -> None:
    """The test fails at its end, with the command that records. Nothing reaches the upstream."""
    project.makepyfile(test_tale=STORY.replace("== 3", "== 404"))
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*No recording answers POST gemini-2.5-flash:streamGenerateContent?alt=sse.",
            '*pytest "test_tale.py::test_story" --gemini-record once',
        ]
    )
    assert server.requests == []


def test_a_failed_test_keeps_no_recording(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """This is as with `gemini_cassette`."""
    project.makepyfile(test_tale=STORY.replace("== 3", "== 4"))
    run("--gemini-record=once").stdout.fnmatch_lines(["not recorded: test_tale.py::test_story did not pass*"])
    assert not (project.path / "cassettes/test_tale/test_story.jsonl").exists()


def test_the_marker_names_the_cassette_and_intercepts_nothing(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], server: upstream.RunningUpstream
) -> None:
    """The server also answers a supported client in this process, and only the server does."""
    project.makepyfile(
        test_tale=f"""
        import httpx, pytest

        @pytest.mark.gemini_cassette("shared", speed="instant")
        def test_story(gemini_server):
            answer = httpx.post(gemini_server + {PATH!r}, json={{}})
            assert answer.text.count("data: ") == 3
            assert "network_stream" in answer.extensions  # it came over a socket
        """
    )
    run("--gemini-record=once").assert_outcomes(passed=1)
    assert len(Cassette.load(project.path / "cassettes/shared.jsonl").interactions) == 1
    run().assert_outcomes(passed=1)
    assert len(server.requests) == 1


@pytest.mark.parametrize("options", [[], ["--gemini-block-network"]], ids=["plain", "blocked"])
def test_google_cannot_be_reached_while_replaying(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], options: list[str]
) -> None:
    """A client that ignores the base URL fails the test, even if the code swallows the error."""
    run("--gemini-record=once").assert_outcomes(passed=1)
    project.makepyfile(
        test_tale=STORY
        + """
    import socket
    try:
        socket.getaddrinfo("generativelanguage.googleapis.com", 443)
    except Exception:
        pass

def test_other():
    import socket
    assert hasattr(socket.getaddrinfo, "__wrapped__") is BLOCKED  # afterwards all is as it was
""".replace("BLOCKED", str(bool(options)))
    )
    result = project.runpytest("-q", *options)
    result.stdout.fnmatch_lines(["*A request to generativelanguage.googleapis.com was stopped*"])
    result.assert_outcomes(passed=1, failed=1)


def test_live_gives_the_upstream_itself(project: pytest.Pytester, server: upstream.RunningUpstream) -> None:
    """There is neither a cassette nor a server. Without an upstream, the URL is Google's."""
    project.makepyfile(
        test_tale=f"""
        import os

        def test_url(gemini_server):
            assert gemini_server == os.environ["GOOGLE_GEMINI_BASE_URL"]
            assert gemini_server in ({server.url!r}, "https://generativelanguage.googleapis.com")
        """
    )
    project.runpytest("--gemini-record=live", f"--gemini-upstream={server.url}").assert_outcomes(passed=1)
    project.runpytest("--gemini-record=live").assert_outcomes(passed=1)


def test_both_fixtures_in_one_test_are_an_error(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """Otherwise one fixture would answer requests that the other waits for."""
    project.makepyfile(test_tale="def test_story(gemini_cassette, gemini_server): pass")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*uses both gemini_cassette and gemini_server*"])


def test_a_placeholder_key_and_the_base_url_are_gone_afterwards(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """Clients can be built without a key, and the environment is restored."""
    project.makepyfile(
        test_tale="""
        import os

        def test_one(gemini_server):
            assert os.environ["GEMINI_API_KEY"]

        def test_two():
            assert "GEMINI_API_KEY" not in os.environ
            assert "GOOGLE_GEMINI_BASE_URL" not in os.environ
        """
    )
    run().assert_outcomes(passed=2)


def test_google_genai_takes_the_base_url_from_the_environment(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """Unchanged code works over real sockets."""
    pytest.importorskip("google.genai")
    project.makepyfile(
        test_tale="""
        from google import genai

        def test_story(gemini_server):
            client = genai.Client(api_key="a-key-of-no-account")
            stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="hello")
            assert "".join(chunk.text for chunk in stream).count("🌙") == 3
        """
    )
    run("--gemini-record=once").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_a_client_of_this_process_that_does_not_ask_the_server_is_told_of_it(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """The error names the base URL, since nothing is wrong with the client."""
    run("--gemini-record=once").assert_outcomes(passed=1)
    project.makepyfile(
        test_tale=STORY
        + f"""
    import httpx
    httpx.post("https://generativelanguage.googleapis.com" + {PATH!r}, json={{}})
"""
    )
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*is served at http://127.0.0.1:*, and no client of this process is intercepted.*"])
