"""What a forked child reports to its parent's session besides replays and recordings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.forks import run
from support.sessions import held, recorded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "story.jsonl"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
class TestForksTold:
    def test_a_fault_applied_in_a_child_counts_as_applied(self, path: Path) -> None:
        """After a fault that allows no connection, the recording counts as used, but not as played."""
        recorded(path, "one", "two")
        done = run(
            """
session = Session(path, fault=["reset@byte:1;request=1", "refuse;request=2", "reset@byte:2;request=9"])
if os.fork() == 0:
    session.decide(request("one"))
    session.decide(request("two"))
    os._exit(bool(session.problems))
print(os.wait()[1])
session.close()
print([(str(fault), interaction.body) for fault, interaction in session.applied])
print(len(session.played), len(session.unused), [problem.fault for problem in session.problems])
""",
            path,
        )
        assert done.stdout.splitlines() == [
            "0",  # the parent reports unused faults
            "[('reset@byte:1;request=1', b'one'), ('refuse;request=2', b'two')]",
            "1 0 ['reset@byte:2;request=9']",
        ], done.stderr

    def test_a_recording_that_fails_in_a_child_fails_in_the_parent(self, path: Path) -> None:
        """The child's client is not disturbed, and the old cassette stays."""
        recorded(path, "old")
        done = run(
            """
import gemini_replay.session.recordings as recordings
session = Session(path, mode="rewrite")
def full(*arguments, **named):
    raise OSError("no space is left")
if os.fork() == 0:
    recordings.Journal.begin = full
    session.decide(request("child"))
    os._exit(0)
os.wait()
session.close()
print([type(problem).__name__ for problem in session.problems])
print(session.problem.message)
""",
            path,
        )
        kinds, message = done.stdout.splitlines()
        assert kinds == "['RecordingError']", done.stderr
        assert "no space is left" in message
        assert "child process" in message
        assert held(path) == ["old"]

    def test_a_childs_redactions_are_among_the_parents_removals(self, path: Path) -> None:
        """They are listed by kind and place, as in one process."""
        done = run(
            """
from dataclasses import replace
session = Session(path, mode="rewrite")
def ask_with_key(text):
    plan = session.decide(replace(request(text), headers=(("x-goog-api-key", "a-secret-of-mine"),)))
    plan.recorder.sent(0.0)
    plan.recorder.head(200, (), 0.5)
    plan.recorder.end("eof", 0.5)
ask_with_key("parent")
if os.fork() == 0:
    ask_with_key("child")
    os._exit(0)
os.wait()
session.close()
print([(removal.place, removal.count) for removal in session.removals])
""",
            path,
        )
        assert done.stdout.splitlines() == ["[('request header x-goog-api-key', 2)]"], done.stderr

    def test_servers_of_the_process_that_a_child_calls_count_in_the_parent(self, path: Path) -> None:
        """Such servers are code under test in the child too."""
        recorded(path, "one")
        done = run(
            """
import socket
from dataclasses import replace
own = socket.create_server(("127.0.0.1", 0))
where = f"127.0.0.1:{own.getsockname()[1]}"
session = Session(path)
if os.fork() == 0:
    asked = request("another")
    url = asked.url.replace("https://generativelanguage.googleapis.com", f"http://{where}")
    assert session.decide(replace(asked, url=url)) is None
    os._exit(0)
print(os.wait()[1])
session.close()
print(session.passed_through == [where])
""",
            path,
        )
        assert done.stdout.splitlines() == ["0", "True"], done.stderr

    def test_a_request_of_a_child_that_gets_no_answer_fails_the_recording(self, path: Path) -> None:
        """It does not fail if another try gets an answer, in any of the processes."""
        done = run(
            """
session = Session(path, mode="rewrite")
if os.fork() == 0:
    for text in ("lost", "tried again"):
        session.decide(request(text)).unanswered("a.example", "ConnectError")
    ask(session, "tried again")
    os._exit(0)
os.wait()
session.close()
print([problem.message.count("no connection to a.example (ConnectError)") for problem in session.problems])
""",
            path,
        )
        assert done.stdout.splitlines() == ["[1]"], done.stderr

    def test_a_client_of_a_child_that_is_not_recorded_fails_the_recording(self, path: Path) -> None:
        """Such a client is gRPC's, which no transport sees. Hosts that a transport has seen do not count."""
        done = run(
            """
session = Session(path, mode="rewrite", hosts=["seen.example", "unseen.example"])
if os.fork() == 0:
    session.handle_unseen("seen.example:443")
    session.handle_unseen("unseen.example:443")
    session.decide(request("x").__class__("POST", "https://seen.example/models/x:generateContent", body=b"{}"))
    os._exit(0)
os.wait()
session.close()
print([problem.message for problem in session.problems if "unseen" in problem.message])
print(any("to seen.example" in problem.message for problem in session.problems))
""",
            path,
        )
        assert "unseen.example:443 was not recorded" in done.stdout, done.stderr
        assert done.stdout.splitlines()[1] == "False"

    def test_an_unreadable_recording_that_a_child_asks_for_is_a_problem_of_the_parent(self, path: Path) -> None:
        """Even if the child's code swallowed the error."""
        recorded(path, "one")
        whole = path.read_text(encoding="utf-8")
        path.write_text(whole.replace('{"response": {"status": 200', '{"response": {"status": "?"'), encoding="utf-8")
        done = run(
            """
session = Session(path)
if os.fork() == 0:
    try:
        session.decide(request("one"))
    except Exception as error:
        os._exit(0 if session.problems == [error] else 1)
print(os.wait()[1])
session.close()
print([type(problem).__name__ for problem in session.problems], str(path) in str(session.problem))
""",
            path,
        )
        assert done.stdout.splitlines() == ["0", "['CassetteFormatError'] True"], done.stderr

    @pytest.mark.parametrize("mode", ["none", "new"])
    def test_a_child_that_outlives_the_session_gets_what_it_asks_for(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
    ) -> None:
        """The child can no longer report to its parent, but it still gets its answers and refusals, not our errors.

        No folder is created again for a report that nobody would read.
        """
        recorded(path, "one")
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        monkeypatch.setenv("TMPDIR", str(temporary))
        done = run(
            f"""
session = Session(path, mode={mode!r})
ready, go = os.pipe(), os.pipe()
if os.fork() == 0:
    os.read(go[0], 1)
    print(type(session.decide(request("one"))).__name__)
    try:
        print(type(session.decide(request("never recorded"))).__name__)
    except Exception as error:
        print(type(error).__name__)
    sys.stdout.flush()
    os._exit(0)
session.close()
os.write(go[1], b"x")
os.wait()
""",
            path,
        )
        assert done.stdout.splitlines() == ["Playback", "MissError" if mode == "none" else "Forward"], done.stderr
        assert list(temporary.iterdir()) == []
