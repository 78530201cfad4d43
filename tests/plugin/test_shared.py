"""One cassette for many tests: in one run, in several, and in workers of pytest-xdist."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import asked, cassettes

from gemini_replay.server import upstream

Run = Callable[..., pytest.RunResult]

FOUR = """
import os, pytest
from asking import ask

@pytest.mark.gemini_cassette("shared")
@pytest.mark.parametrize("number", range(4))
def test_it(number):
    assert len(ask(f"{os.environ.get('WORDS', 'number')} {number}")) == 3
"""
THREE = """
import pathlib, pytest, time
from asking import ask

def recorded(text):
    path = pathlib.Path("cassettes/shared.jsonl")
    for _ in range(2000):
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.01)

@pytest.fixture(scope="module")
def late():
    recorded("first")

@pytest.mark.gemini_cassette("shared")
def test_first():
    assert len(ask("first")) == 3

@pytest.mark.gemini_cassette("shared")
def test_second():  # its session may open before the first has recorded, and is used after that
    recorded("first")
    assert len(ask("second")) == 3

@pytest.mark.gemini_cassette("shared")
def test_third(late):  # its session opens when the cassette is there
    assert len(ask("third")) == 3
"""


@pytest.fixture
def workers(project: pytest.Pytester, server: upstream.RunningUpstream) -> Run:
    """Run the project in two workers."""

    def run(*arguments: str) -> pytest.RunResult:
        return project.runpytest_subprocess("-n2", f"--gemini-upstream={server.url}", *arguments)

    return run


def test_a_rewrite_of_one_test_leaves_the_others_recordings(
    project: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each interaction has the id of the test that made it."""
    project.makepyfile(test_tale=FOUR)
    run("--gemini-record=rewrite").assert_outcomes(passed=4)
    assert asked(project) == [f"number {number}" for number in range(4)]
    monkeypatch.setenv("WORDS", "again")
    result = run("--gemini-record=rewrite", "test_tale.py::test_it[2]")
    result.stdout.fnmatch_lines(["0 replayed, 1 recorded, * unused"])
    assert sorted(asked(project)) == ["again 2", "number 0", "number 1", "number 3"]
    run("--gemini-record=rewrite").assert_outcomes(passed=4)
    assert sorted(asked(project)) == [f"again {number}" for number in range(4)]


@pytest.mark.parametrize("mode", ["once", "new", "rewrite"])
def test_workers_that_record_to_one_cassette_are_merged(
    project: pytest.Pytester, workers: Run, run: Run, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Nothing that a passed test recorded is lost, the summary counts it all, and no temporary file is left."""
    project.makepyfile(test_tale=FOUR.replace("range(4)", "range(8)"))
    folder = project.mkdir("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    result = workers(f"--gemini-record={mode}")
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(["0 replayed, 8 recorded, 0 unused"])
    assert sorted(asked(project)) == [f"number {number}" for number in range(8)]
    assert cassettes(project) == ["shared.jsonl"]
    assert [path.name for path in folder.iterdir() if path.name.startswith("gemini-replay")] == []
    run().stdout.fnmatch_lines(["8 replayed, 0 recorded, 0 unused*"])


@pytest.mark.parametrize("mode", ["once", "new", "rewrite"])
@pytest.mark.parametrize("how", ["-n3", "-n0"])
def test_a_test_that_begins_before_another_has_recorded_loses_nothing(
    project: pytest.Pytester, server: upstream.RunningUpstream, run: Run, mode: str, how: str
) -> None:
    """One that begins after it loses nothing either, since a cassette made in this run is still being recorded."""
    project.makepyfile(test_tale=THREE)
    options = (f"--gemini-record={mode}", f"--gemini-upstream={server.url}")
    result = run(*options) if how == "-n0" else project.runpytest_subprocess(how, *options)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["0 replayed, 3 recorded, 0 unused"])
    assert sorted(asked(project)) == ["first", "second", "third"]


def test_every_worker_may_run_every_test(project: pytest.Pytester, server: upstream.RunningUpstream) -> None:
    """With --dist each, the recordings of both workers are kept. A rewrite replaces the other worker's."""
    project.makepyfile(test_tale=FOUR)
    for mode in ("once", "rewrite"):
        result = project.runpytest_subprocess(
            "--tx=2*popen", "--dist=each", f"--gemini-record={mode}", f"--gemini-upstream={server.url}"
        )
        result.assert_outcomes(passed=8)
        assert set(asked(project)) == {f"number {number}" for number in range(4)}
    assert len(asked(project)) == 4


def test_once_leaves_the_cassette_of_an_earlier_run_alone(
    project: pytest.Pytester, workers: Run, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that it cannot answer is a miss, and others are replayed."""
    project.makepyfile(test_tale=FOUR)
    run("--gemini-record=once").assert_outcomes(passed=4)
    before = (project.path / "cassettes/shared.jsonl").read_bytes()
    monkeypatch.setenv("WORDS", "again")
    for again in (workers, run):
        again("--gemini-record=once").assert_outcomes(failed=4)
        assert (project.path / "cassettes/shared.jsonl").read_bytes() == before
    monkeypatch.delenv("WORDS")
    workers().stdout.fnmatch_lines(["4 replayed, 0 recorded, 0 unused*"])


CRASH = """
import os, pytest
from asking import ask

@pytest.mark.gemini_cassette("shared")
def test_before():
    ask("before")

@pytest.mark.gemini_cassette("shared")
def test_crash():
    ask("crash")
    os._exit(1)
"""


def test_a_crashed_worker_is_reported_with_its_journal(
    project: pytest.Pytester, server: upstream.RunningUpstream
) -> None:
    """The recordings of earlier tests are kept and counted."""
    project.makepyfile(test_tale=CRASH)
    result = project.runpytest_subprocess("-n1", "--gemini-record=once", f"--gemini-upstream={server.url}")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "0 replayed, 1 recorded, 0 unused",
            "not recorded: test_tale.py::test_crash did not end, so */shared.jsonl has not changed; "
            "what was recorded is in shared.jsonl.part",
        ]
    )
    assert asked(project) == ["before"]


def test_the_journal_of_a_failed_test_stays_until_it_records_again(project: pytest.Pytester, run: Run) -> None:
    """Another test that shares the cassette does not remove a discarded journal."""
    project.makepyfile(test_tale=FOUR.replace("== 3", "== (4 if number in (1, 3) else 3)"))
    result = run("--gemini-record=once")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "not recorded: *test_it[[]1] did not pass*; what was recorded is in shared.jsonl.part",
            "not recorded: *test_it[[]3] did not pass*; what was recorded is in shared.jsonl.2.part",
        ]
    )
    project.makepyfile(test_tale=FOUR)
    run("--gemini-record=rewrite").assert_outcomes(passed=4)
    assert cassettes(project) == ["shared.jsonl"]


def test_a_run_that_stops_at_a_failure_keeps_passed_recordings(project: pytest.Pytester, run: Run) -> None:
    """The rest can be recorded with --last-failed."""
    project.makepyfile(test_tale=FOUR.replace("== 3", "== (4 if number == 2 else 3)"))
    run("--gemini-record=once", "-x").assert_outcomes(passed=2, failed=1)
    assert asked(project) == ["number 0", "number 1"]
    project.makepyfile(test_tale=FOUR)
    run("--gemini-record=new", "--last-failed").assert_outcomes(passed=1)
    assert asked(project) == ["number 0", "number 1", "number 2"]


TWO = """
import pytest
from asking import ask

@pytest.mark.gemini_cassette("mine", "shared")
def test_mine():
    assert len(ask("mine")) == 3

@pytest.mark.gemini_cassette("shared")
def test_shared():
    assert len(ask("shared")) == 3
"""


@pytest.mark.parametrize("mode", ["once", "rewrite"])
def test_a_first_run_needs_no_second_cassette(project: pytest.Pytester, run: Run, workers: Run, mode: str) -> None:
    """Another test, perhaps in another worker, records it in the same run. A run that replays needs it."""
    project.makepyfile(test_tale=TWO)
    result = run("-k", "mine")
    result.assert_outcomes(errors=1, deselected=1)
    (project.mkdir("cassettes") / "shared.jsonl.part").write_bytes(b"")  # as while a worker records
    run(f"--gemini-record={mode}", "-k", "mine").assert_outcomes(passed=1, deselected=1)
    workers(f"--gemini-record={mode}").assert_outcomes(passed=2)
    assert asked(project) == ["shared"]
    run().assert_outcomes(passed=2)
