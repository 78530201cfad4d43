"""The settings fault, rechunk and max_gap in the marker: whole flows, each in a project of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.streams import GOOGLE, PATH, events

from gemini_replay import Cassette
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

CLIENT = f"""
import httpx

def ask(url={GOOGLE!r}):
    body = {{"contents": [{{"parts": [{{"text": "hello"}}]}}]}}
    chunks = []
    try:
        with httpx.stream("POST", url, json=body, headers={{"x-goog-api-key": "a-key"}}, timeout=20) as response:
            for chunk in response.iter_raw():
                chunks.append(chunk)
    except httpx.TransportError as error:
        return len(chunks), type(error).__name__
    return len(chunks), response.status_code
"""

STORY = """
from asking import ask

def test_story(gemini_cassette):
    assert ask() == (3, 200)
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a client, and no key in the environment."""
    pytester.makepyfile(asking=CLIENT, test_story=STORY)
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(pytester.path)
    return pytester


@pytest.fixture
def server() -> Iterator[upstream.RunningUpstream]:
    with upstream.start(Scenario.from_chunks(events(3), gaps=[0.002] * 3)) as running:
        yield running


@pytest.fixture
def run(project: pytest.Pytester, server: upstream.RunningUpstream) -> Run:
    """Run the project after the story has been recorded."""

    def run(*arguments: str) -> pytest.RunResult:
        return project.runpytest("-q", f"--gemini-upstream={server.url}", *arguments)

    run("--gemini-record=once", "test_story.py").assert_outcomes(passed=1)
    return run


def test_the_marker_takes_fault_rechunk_and_max_gap(project: pytest.Pytester, run: Run) -> None:
    """Each raises the library's own error. A list, several in one text, and the closest marker are tried."""
    project.makepyfile(
        test_faults="""
        import pytest
        from asking import ask

        STORY = "test_story/test_story"

        @pytest.mark.gemini_cassette(STORY, fault="reset@event:2")
        def test_reset():
            assert ask() == (2, "ReadError")

        @pytest.mark.gemini_cassette(STORY, fault=["stall@event:1:30s", "slow:x2"], speed="instant")
        def test_stall(gemini_cassette):
            assert ask() == (1, "ReadTimeout")
            assert [str(fault) for fault in gemini_cassette.faults] == ["stall@event:1:30s", "slow:x2"]

        @pytest.mark.gemini_cassette(STORY, fault="status:503;times=2, refuse;request=3")
        def test_retries():
            assert [ask()[1] for _ in range(4)] == [503, 503, "ConnectError", 200]

        @pytest.mark.gemini_cassette(STORY, rechunk=100, max_gap=0)
        def test_chunks(gemini_cassette):
            assert ask() == (-(-len(gemini_cassette.played[0].body) // 100), 200)

        @pytest.mark.gemini_cassette(STORY, fault="reset@head")
        class TestClass:
            def test_as_the_class_says(self):
                assert ask() == (0, "ReadError")

            @pytest.mark.gemini_cassette(fault="eof@event:1")
            def test_as_it_says_itself(self):
                assert ask() == (1, 200)

            @pytest.mark.gemini_cassette(fault=None)
            def test_none(self):
                assert ask() == (3, 200)
        """
    )
    run("test_faults.py").assert_outcomes(passed=7)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ('fault="rest@event:2"', ["*Unknown fault 'rest@event:2'.", "*Did you mean something like 'reset@event:3'?"]),
        (
            'fault="stall@event:2"',
            ["*it needs a duration such as 30s or 500ms."],
        ),
        ('rechunk="byte"', ["*Unknown value for rechunk: 'byte'.", "*Did you mean 'bytes'?"]),
        ('max_gap="long"', ["*max_gap cannot be 'long'.", "*Give seconds, 0 or more."]),
        (
            'faults="refuse"',
            ["*Unknown setting 'faults' from the marker gemini_cassette.*", "*Did you mean 'fault'?"],
        ),
    ],
    ids=["kind", "argument", "chunks", "gap", "name"],
)
def test_a_misspelled_setting_says_what_to_write(
    project: pytest.Pytester, run: Run, arguments: str, words: list[str]
) -> None:
    """The error comes before the test runs."""
    project.makepyfile(
        test_faults=f"""
        import pytest

        @pytest.mark.gemini_cassette("test_story/test_story", {arguments})
        def test_it(gemini_cassette):
            raise AssertionError("it ran")
        """
    )
    result = run("test_faults.py")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(words)


def test_a_fault_that_is_never_applied_fails_the_test(project: pytest.Pytester, run: Run) -> None:
    """Otherwise the test would pass without the fault. A test that fails shows its own error."""
    project.makepyfile(
        test_faults="""
        import pytest
        from asking import ask

        @pytest.mark.gemini_cassette("test_story/test_story", fault="reset@event:9")
        def test_passes():
            ask()

        @pytest.mark.gemini_cassette("test_story/test_story", fault="reset@event:9")
        def test_fails():
            assert ask() == "something else"

        @pytest.mark.gemini_cassette("test_story/test_story", fault="reset@event:1")
        def test_asks_nothing():
            pass
        """
    )
    result = run("test_faults.py")
    result.assert_outcomes(passed=2, failed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*The fault reset@event:9 was never applied.",
            "1 request was answered; the longest answer has 3 events and * bytes in 3 chunks.",
            "*The fault reset@event:1 was never applied.",
            "No requests were answered.",
        ]
    )


@pytest.mark.parametrize("mode", ["rewrite", "new", "once", "live"])
def test_a_test_with_a_fault_replays_in_every_mode(
    project: pytest.Pytester, run: Run, server: upstream.RunningUpstream, mode: str
) -> None:
    """In a run that records, only the test without the fault replaces the cassette."""
    project.makepyfile(
        test_faults="""
        import pytest
        from asking import ask

        @pytest.mark.gemini_cassette("test_story/test_story", fault="reset@event:2")
        def test_reset(gemini_cassette):
            assert ask() == (2, "ReadError")
        """
    )
    path = project.path / "cassettes/test_story/test_story.jsonl"
    before, asked = path.read_bytes(), len(server.requests)
    run(f"--gemini-record={mode}", "test_faults.py").assert_outcomes(passed=1)
    assert path.read_bytes() == before
    assert len(server.requests) == asked
    if mode == "rewrite":
        run("--gemini-record=rewrite").assert_outcomes(passed=2)
        assert len(server.requests) == asked + 1
        assert Cassette.load(path).interactions[0].end.kind == "eof"


def test_faults_are_parameters_like_any_other(project: pytest.Pytester, run: Run) -> None:
    """They can be passed to `replay`, or given as marks of parameters."""
    project.makepyfile(
        test_faults="""
        import gemini_replay, pytest
        from asking import ask

        FAULTS = {"reset@event:1": (1, "ReadError"), "tls": (0, "ConnectError"), "status:429": (1, 429)}

        @pytest.mark.parametrize("fault", FAULTS)
        def test_by_argument(fault):
            with gemini_replay.replay("cassettes/test_story/test_story.jsonl", fault=fault):
                assert ask() == FAULTS[fault]

        def marked(fault):
            return pytest.param(fault, marks=pytest.mark.gemini_cassette("test_story/test_story", fault=fault))

        @pytest.mark.parametrize("fault", map(marked, FAULTS))
        def test_by_mark(fault):
            assert ask() == FAULTS[fault]
        """
    )
    run("test_faults.py").assert_outcomes(passed=6)


def test_the_server_uses_the_same_marker(project: pytest.Pytester, run: Run) -> None:
    """A fault that a server cannot cause is an error in the test. One that is never applied fails it."""
    project.makepyfile(
        test_faults=f"""
        import pytest
        from asking import ask

        STORY = "test_story/test_story"

        @pytest.mark.gemini_cassette(STORY, fault="reset@event:2", rechunk="events")
        def test_reset(gemini_server):
            assert ask(gemini_server + {PATH!r}) == (2, "ReadError")

        @pytest.mark.gemini_cassette(STORY, rechunk="bytes", max_gap=0.001)
        def test_bytes(gemini_server):
            count, status = ask(gemini_server + {PATH!r})
            assert count > 100

        @pytest.mark.gemini_cassette(STORY, fault="status:429;once, refuse;request=2")
        def test_status(gemini_server):
            assert [ask(gemini_server + {PATH!r})[1] for _ in range(3)] == [429, "ReadError", 200]

        @pytest.mark.gemini_cassette(STORY, fault="reset@event:9")
        def test_nothing(gemini_server):
            assert ask(gemini_server + {PATH!r}) == (3, 200)

        @pytest.mark.gemini_cassette(STORY, fault="tls")
        def test_tls(gemini_server):
            raise AssertionError("it ran")
        """
    )
    result = run("test_faults.py")
    result.assert_outcomes(passed=4, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*The fault reset@event:9 was never applied.",
            "*A server cannot cause the fault tls.",
        ]
    )


def test_a_fault_without_a_recording_says_how_to_make_one(project: pytest.Pytester, run: Run) -> None:
    """This holds in any mode, since a test with a fault never records."""
    project.makepyfile(
        test_faults="""
        import pytest
        from asking import ask

        @pytest.mark.gemini_cassette(fault="reset@event:2")
        def test_reset():
            ask()
        """
    )
    result = run("test_faults.py", "--gemini-record=once")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*There is no cassette at *test_reset.jsonl.",
            '*pytest "test_faults.py::test_reset" --gemini-record once',
            "*Leave out the fault reset@event:2 for that: a session with a fault only replays.",
        ]
    )
