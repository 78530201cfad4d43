"""Forked children of a process with a session: what they do counts in their parent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.forks import run
from support.sessions import held, recorded

from gemini_replay import Cassette


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "story.jsonl"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
class TestForks:
    def test_a_childs_recordings_are_merged(self, path: Path) -> None:
        """The cassette also has what the parent recorded before and after."""
        done = run(
            """
session = Session(path, mode="rewrite", test="t")
ask(session, "before")
for name in ("child", "other"):
    if os.fork() == 0:
        ask(session, name)
        os._exit(0)
os.wait(), os.wait()
ask(session, "after")
session.close()
print(session.problem, session.recorded_count)
""",
            path,
        )
        assert done.stdout.splitlines() == ["None 4"], done.stderr
        assert sorted(held(path)) == ["after", "before", "child", "other"]
        assert {i.request.test for i in Cassette.load(path).interactions} == {"t"}

    def test_a_child_that_closes_the_session_leaves_it_to_the_parent(self, path: Path) -> None:
        """The child leaves the with-block too, by an exception or at its end."""
        done = run(
            """
import gemini_replay
try:
    with gemini_replay.record(path) as session:
        ask(session, "parent")
        child = os.fork() == 0
        if child:
            ask(session, "child")
            raise SystemExit
        os.wait()
except SystemExit:
    os._exit(0)
print(session.recorded_count)
""",
            path,
        )
        assert done.stdout.splitlines() == ["2"], done.stderr
        assert held(path) == ["parent", "child"]

    def test_a_childs_replays_and_misses_count_in_the_parent(self, path: Path) -> None:
        """This includes misses that the child's code swallowed."""
        recorded(path, "one", "two", "three")
        done = run(
            """
session = Session(path)
session.decide(request("one"))
if os.fork() == 0:
    session.decide(request("two"))
    try:
        session.decide(request("never recorded"))
    except Exception:
        pass
    os._exit(0)
os.wait()
session.close()
print(len(session.played), len(session.unused))
print(type(session.problem).__name__, "child process" in str(session.problem))
""",
            path,
        )
        assert done.stdout.splitlines() == ["2 1", "MissError True"], done.stderr

    def test_a_child_that_is_not_done_fails_the_recording(self, path: Path) -> None:
        """Without the child's recordings the cassette would be incomplete, so the old one stays."""
        recorded(path, "old")
        done = run(
            """
session = Session(path, mode="rewrite")
ready, go = os.pipe(), os.pipe()
if os.fork() == 0:
    plan = session.decide(request("child"))
    plan.recorder.head(200, (), 0.0)
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    os._exit(0)
os.read(ready[0], 1)
session.close()
os.write(go[1], b"x")
print(type(session.problem).__name__, "child process" in str(session.problem))
""",
            path,
        )
        assert done.stdout.splitlines() == ["RecordingError True"], done.stderr
        assert held(path) == ["old"]
        assert [entry.name for entry in path.parent.glob("*.part")] == ["story.jsonl.crashed-1.part"]

    def test_no_folder_is_left(self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The folder for the children's reports is removed when the session ends."""
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        monkeypatch.setenv("TMPDIR", str(temporary))
        done = run(
            """
session = Session(path, mode="rewrite")
if os.fork() == 0:
    ask(session, "child")
    os._exit(0)
os.wait()
session.close()
""",
            path,
        )
        assert done.returncode == 0, done.stderr
        assert list(temporary.iterdir()) == []

    def test_without_a_folder_to_report_in_a_child_says_so_and_leaves_the_cassette_alone(self, path: Path) -> None:
        """The parent's recording is made as if there were no child."""
        done = run(
            """
import tempfile
def full(*arguments, **named):
    raise OSError("no room")
tempfile.mkdtemp = full
session = Session(path, mode="rewrite", test="t")
ask(session, "before")
if os.fork() == 0:
    ask(session, "child")
    session.close()
    os._exit(0)
os.wait()
ask(session, "after")
session.close()
print(session.problem, session.recorded_count)
""",
            path,
        )
        assert done.stdout.splitlines() == ["None 2"], done.stderr
        assert sorted(held(path)) == ["after", "before"]
        assert "cannot tell the session" in done.stderr

    def test_an_unreadable_report_does_not_lose_the_recording(self, path: Path) -> None:
        """The session says that the child's report could not be read."""
        done = run(
            """
session = Session(path, mode="rewrite", test="t")
ask(session, "before")
if os.fork() == 0:
    os._exit(0)
os.wait()
(session._forks._folder / "1.report").write_bytes(b"no json")
session.close()
print(type(session.problem).__name__)
""",
            path,
        )
        assert done.stdout.splitlines() == ["RecordingError"], done.stderr
        assert not list(path.parent.glob("*.lock"))
        assert list(path.parent.glob("*.part*"))
