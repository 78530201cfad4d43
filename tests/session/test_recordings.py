"""What a session records: kept, merged, replaced by test, or a failure that is told; whatever goes wrong."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gemini_replay import Cassette, Session
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import MissError, RecordingError
from gemini_replay.session import Forward


def request(text: str = "hello") -> Request:
    body = f'{{"contents": [{{"parts": [{{"text": "{text}"}}]}}]}}'.encode()
    url = "https://generativelanguage.googleapis.com/v1/models/gemini-x:streamGenerateContent?alt=sse"
    return Request("POST", url, body=body)


def ask(session: Session, text: str = "hello", answer: str | None = None) -> None:
    """What a transport does with one request."""
    plan = session.decide(request(text))
    assert isinstance(plan, Forward)
    plan.recorder.sent(0.0)
    plan.recorder.head(200, (), 0.5)
    plan.recorder.chunk((answer or text).encode(), 0.5)
    plan.recorder.end("eof", 0.5)


def recorded(path: Path, *texts: str, mode: Any = "rewrite", test: str | None = None) -> Session:
    """A session that has recorded an answer to each text."""
    session = Session(path, mode=mode, test=test)
    for text in texts:
        ask(session, text)
    session.close()
    assert session.problem is None
    return session


def held(path: Path) -> list[str]:
    return [interaction.body.decode() for interaction in Cassette.load(path).interactions]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "story.jsonl"


def test_what_was_recorded_can_be_read_before_and_after_the_end(path: Path) -> None:
    """In the order of the requests; a response that is under way is not among it."""
    session = Session(path, mode="rewrite", test="t.py::test")
    ask(session, "one")
    session.decide(request("open"))
    assert [i.body for i in session.recorded] == [b"one"]
    assert session.recorded_count == 1
    session.close()
    assert [i.body for i in session.recorded] == [b"one", b""]
    assert session.recorded[1].end.kind == "cancelled"
    assert [i.request.test for i in Cassette.load(path).interactions] == ["t.py::test"] * 2


def test_a_recording_that_is_not_kept_can_be_read_from_its_journal(path: Path) -> None:
    """The cassette is not made, and what came is beside it."""
    session = Session(path, mode="rewrite")
    ask(session, "one")
    session.close(keep=False)
    assert [i.body for i in session.recorded] == [b"one"]
    assert [entry.name for entry in path.parent.iterdir()] == ["story.jsonl.part"]


class TestSharedCassettes:
    """Several tests, one cassette."""

    def test_rewrite_replaces_what_its_own_test_made(self, path: Path) -> None:
        """In its place; what other tests made stays, to the byte."""
        for name in "abc":
            recorded(path, f"{name}1", f"{name}2", mode="new", test=f"t.py::{name}")
        before = path.read_bytes().split(b"\n")
        recorded(path, "new", test="t.py::b")
        assert held(path) == ["a1", "a2", "new", "c1", "c2"]
        after = path.read_bytes().split(b"\n")
        assert after[1:9] == before[1:9]
        assert after[-9:] == before[-9:]

    def test_rewrite_replaces_the_recordings_of_nobody_known_that_answer_the_same(self, path: Path) -> None:
        """A cassette that the proxy or a script recorded is taken over request by request."""
        recorded(path, "one", "two")
        recorded(path, "two", test="t.py::b")
        assert [(i.body.decode(), i.request.test) for i in Cassette.load(path).interactions] == [
            ("one", None),
            ("two", "t.py::b"),
        ]

    def test_the_header_tells_who_made_a_recording_that_does_not_say(self, path: Path) -> None:
        """A cassette of one test alone."""
        Cassette([Interaction(request("old"), Response(200), (Chunk(0, b"old"),), End())], test="t.py::b").save(path)
        recorded(path, "new", test="t.py::b")
        assert held(path) == ["new"]

    @pytest.mark.parametrize("mode", ["new", "once", "rewrite"])
    def test_sessions_that_overlap_lose_nothing_of_each_other(self, path: Path, mode: Any) -> None:
        """Whichever ends first."""
        sessions = [Session(path, mode=mode, test=f"t.py::{name}") for name in "abc"]
        for session, text in zip(sessions, ("one", "two", "three"), strict=True):
            ask(session, text)
        for session in (sessions[1], sessions[2], sessions[0]):
            session.close()
            assert session.problem is None
        assert sorted(held(path)) == ["one", "three", "two"]

    def test_a_rewrite_without_a_test_replaces_what_was_there_when_it_began(self, path: Path) -> None:
        """Not what another session has added meanwhile."""
        recorded(path, "old")
        first, second = Session(path, mode="rewrite"), Session(path, mode="rewrite")
        ask(first, "one")
        ask(second, "two")
        first.close()
        second.close()
        assert held(path) == ["one", "two"]
        recorded(path, "three")
        assert held(path) == ["three"]

    def test_a_test_replays_what_it_recorded_itself(self, path: Path) -> None:
        """Two tests ask the same and got different answers: each gets its own again."""
        for name in "ab":
            session = Session(path, mode="rewrite", test=f"t.py::{name}")
            ask(session, "same", answer=f"of {name}")
            session.close()
        for name in "ba":
            session = Session(path, test=f"t.py::{name}")
            plan: Any = session.decide(request("same"))
            assert plan.interaction.body.decode() == f"of {name}"

    def test_a_test_replays_what_another_recorded(self, path: Path) -> None:
        """Where it has recorded nothing itself."""
        recorded(path, "same", test="t.py::a")
        plan: Any = Session(path, test="t.py::c").decide(request("same"))
        assert plan.interaction.body == b"same"


class TestFailures:
    """The observer cannot hurt the observed."""

    def test_a_journal_that_cannot_be_made(self, path: Path) -> None:
        """The request goes on, and the session says at its end that nothing was recorded."""
        path.parent.joinpath("file").touch()
        session = Session(path.parent / "file" / "story.jsonl", mode="rewrite")
        ask(session)
        session.close()
        assert isinstance(session.problem, RecordingError)
        assert "cannot be created" in str(session.problem)
        assert session.recorded_count == 0

    def test_a_journal_that_cannot_be_written_any_more(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was written before is kept, the cassette is as it was, and the next recording works."""
        recorded(path, "old")
        session = Session(path, mode="rewrite")
        said: list[RecordingError] = []
        session.on_recording_failure(said.append)
        ask(session, "one")

        def full(file: int, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            ask(session, "two")
        ask(session, "three")
        session.close()
        assert session.problems == said
        assert "No space left on device" in str(said[0])
        assert str(path) + ".part" in str(said[0])
        assert held(path) == ["old"]
        assert [i.body for i in session.recorded] == [b"one", b"three"]
        recorded(path, "new")
        assert held(path) == ["new"]
        assert sorted(entry.name for entry in path.parent.iterdir()) == ["story.jsonl", "story.jsonl.crashed-1.part"]

    def test_a_cassette_that_cannot_be_made(self, path: Path) -> None:
        """The journal stays, and neither a lock nor an open file."""
        path.mkdir()
        session = Session(path, mode="rewrite")
        ask(session, "one")
        session.close()
        assert isinstance(session.problem, RecordingError)
        assert [i.body for i in session.recorded] == [b"one"]
        path.rmdir()
        recorded(path, "two")
        assert held(path) == ["two"]

    @pytest.mark.parametrize("step", ["for_request", "stream", "response"])
    def test_a_bug_of_ours(self, path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Wherever it is: told as a bug, with its cause."""
        from gemini_replay.cassette.redaction import Redactor, RequestRedactor

        def broken(*_: Any) -> Any:
            raise ZeroDivisionError("oh")

        session = Session(path, mode="new")
        with monkeypatch.context() as patch:
            patch.setattr(Redactor if step == "for_request" else RequestRedactor, step, broken)
            ask(session)
        session.close()
        assert isinstance(session.problem, RecordingError)
        assert "ZeroDivisionError: oh" in str(session.problem)
        assert isinstance(session.problem.__cause__, ZeroDivisionError)
        assert not path.exists()

    def test_a_damaged_cassette_is_recorded_anew_and_kept(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """What the errors of a damaged cassette advise; the original is not lost, which is said."""
        path.write_text("version: 1\ninteractions: []\n")
        recorded(path, "new", test="t.py::a")
        assert held(path) == ["new"]
        backup = path.with_name("story.jsonl.bak")
        assert backup.read_text() == "version: 1\ninteractions: []\n"
        assert str(backup) in caplog.text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
class TestForks:
    """Each in a process of its own, since this one has threads."""

    def run(self, code: str, path: Path) -> subprocess.CompletedProcess[str]:
        script = (
            "import os, sys\nfrom pathlib import Path\nsys.path.insert(0, sys.argv[1])\n"
            f"from test_recordings import *\npath = Path({str(path)!r})\n{code}"
        )
        here = str(Path(__file__).parent)
        return subprocess.run([sys.executable, "-c", script, here], capture_output=True, text=True, check=False)

    def test_what_a_child_records_is_merged(self, path: Path) -> None:
        """And what the parent recorded before and after is there too."""
        done = self.run(
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
        done = self.run(
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

    def test_what_a_child_plays_and_misses_counts_in_the_parent(self, path: Path) -> None:
        """Also what its own code swallowed."""
        recorded(path, "one", "two", "three")
        done = self.run(
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

    def test_a_child_that_is_not_done_is_told(self, path: Path) -> None:
        """What it had not finished is missing: that is a failure, and the old cassette stays."""
        recorded(path, "old")
        done = self.run(
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
        """Where the children report is gone when the session has ended."""
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        monkeypatch.setenv("TMPDIR", str(temporary))
        done = self.run(
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


@pytest.mark.parametrize(
    ("status", "headers"), [(103, ()), (200, (("x-a", "a\0b"),)), (200, (("x\na", "b"),))], ids=["1xx", "nul", "name"]
)
def test_a_head_that_no_cassette_can_hold_fails_the_recording(
    path: Path, status: int, headers: tuple[tuple[str, str], ...]
) -> None:
    """And replaces nothing."""
    recorded(path, "old")
    session = Session(path, mode="rewrite")
    plan = session.decide(request())
    assert isinstance(plan, Forward)
    plan.recorder.head(status, headers, 0.0)
    plan.recorder.end("eof", 0.0)
    session.close()
    assert isinstance(session.problem, RecordingError)
    assert held(path) == ["old"]


def test_a_journal_that_somebody_else_cuts_fails_the_recording(path: Path) -> None:
    """The session knows how much it has written."""
    recorded(path, "old")
    session = Session(path, mode="rewrite")
    ask(session, "one")
    path.with_name("story.jsonl.part").write_bytes(b"")
    ask(session, "two")
    session.close()
    assert isinstance(session.problem, RecordingError)
    assert held(path) == ["old"]


def test_a_relative_path_is_where_it_was_when_the_session_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the working directory is later."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    session = Session("story.jsonl", mode="rewrite")
    monkeypatch.chdir(there)
    ask(session)
    session.close()
    assert [entry.name for entry in here.iterdir()] == ["story.jsonl"]
    assert list(there.iterdir()) == []


def test_a_body_that_decodes_to_too_much_fails_the_recording(path: Path) -> None:
    """The message names the limit and how to raise it."""
    session = Session(path, mode="rewrite", decoded_limit=1000)
    plan = session.decide(request())
    assert isinstance(plan, Forward)
    plan.recorder.head(200, (("content-encoding", "gzip"),), 0.0)
    plan.recorder.chunk(gzip.compress(b"0" * 1001), 0.0)
    session.close()
    assert isinstance(session.problem, RecordingError)
    assert "1,000 bytes" in str(session.problem)
    assert "decoded_limit=" in str(session.problem)


def test_text_under_a_wrong_coding_is_searched_for_secrets(path: Path) -> None:
    """It cannot be decoded, and it is not stored unseen."""
    key = b"AIzaSy" + b"A1b2C3d4E" * 3 + b"abcdef"
    session = Session(path, mode="rewrite")
    plan = session.decide(request())
    assert isinstance(plan, Forward)
    plan.recorder.head(200, (("content-encoding", "gzip"),), 0.0)
    plan.recorder.chunk(b"the key is " + key[:20], 0.0)
    plan.recorder.chunk(key[20:] + b", keep it", 0.0)
    plan.recorder.end("eof", 0.0)
    session.close()
    chunks = Cassette.load(path).interactions[0].chunks
    assert [len(chunk.coded) for chunk in chunks] == [31, len(key) - 20 + 9]
    stored = b"".join(chunk.coded for chunk in chunks)
    assert stored.startswith(b"the key is REDACTED")
    assert key not in stored


@pytest.mark.parametrize(
    ("status", "details", "told"),
    [
        (401, [], True),
        (403, [], True),
        (400, [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}], True),
        (400, [], False),
        (500, [], False),
    ],
)
def test_an_answer_that_refuses_the_key_is_hinted_at(
    path: Path, status: int, details: list[dict[str, str]], told: bool
) -> None:
    """Google says so with 400, too."""
    session = Session(path, mode="rewrite")
    plan = session.decide(request())
    assert isinstance(plan, Forward)
    plan.recorder.head(status, (), 0.0)
    error = {"code": status, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": details}
    plan.recorder.chunk(json.dumps({"error": error}).encode(), 0.0)
    plan.recorder.end("eof", 0.0)
    session.close()
    assert ("GEMINI_API_KEY" in session.hint) == told


def test_a_miss_of_a_test_with_a_secret_parameter_names_its_function(path: Path) -> None:
    """The id without its secret could not be run."""
    key = "AIzaSy" + "A1b2C3d4E" * 3 + "abcdef"
    with pytest.raises(MissError) as missed:
        Session(path, test=f"t.py::test[{key}]").decide(request())
    assert 'pytest "t.py::test" --gemini-record once' in str(missed.value)
    with pytest.raises(MissError) as missed:
        Session(path, test="t.py::test[a]").decide(request())
    assert 'pytest "t.py::test[a]" --gemini-record once' in str(missed.value)


def test_what_was_taken_out_is_told_by_kind_and_place(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Never the value; loudly where an answer's own text was changed."""
    key = "AIzaSy" + "A1b2C3d4E" * 3 + "abcdef"
    session = Session(path, mode="rewrite")
    for answer in ("nothing", f"your key is {key}"):
        plan = session.decide(replace(request(), headers=(("x-goog-api-key", key),)))
        assert isinstance(plan, Forward)
        plan.recorder.head(200, (), 0.0)
        plan.recorder.chunk(answer.encode(), 0.0)
        plan.recorder.end("eof", 0.0)
    session.close()
    assert ("request header x-goog-api-key", 2) in [(removal.place, removal.count) for removal in session.removals]
    assert [removal.place for removal in session.removals if removal.in_answer] == ["answer, chunk 1"]
    assert "taken out of answers" in caplog.text
    assert key not in caplog.text + repr(session.removals)


def test_a_request_that_got_no_answer_is_told(path: Path) -> None:
    """Also where the code under test swallowed its exception; not where a later try got one."""
    session = Session(path, mode="rewrite")
    for text in ("never", "at last"):
        plan = session.decide(request(text))
        assert isinstance(plan, Forward)
        plan.unreachable(OSError())
    ask(session, "at last")
    session.close()
    assert len(session.problems) == 1
    assert isinstance(session.problem, RecordingError)
    assert "https://generativelanguage.googleapis.com could not be reached" in str(session.problem)


def test_what_is_secret_can_be_set(path: Path) -> None:
    """For what is recorded, and for the requests that it answers."""
    settings: dict[str, Any] = {
        "keep_headers": ["x-tenant"],
        "redact_headers": ["user-agent"],
        "redact_fields": ["ticket"],
        "redact_patterns": [r"case-(\d{4})"],
    }
    body = b'{"ticket": "T-4711-XZ-99", "text": "see case-1234"}'
    headers = (("x-tenant", "blue"), ("user-agent", "robot"))
    asked = replace(request(), body=body, headers=headers)
    session = Session(path, mode="rewrite", **settings)
    plan = session.decide(asked)
    assert isinstance(plan, Forward)
    plan.recorder.head(200, (), 0.0)
    plan.recorder.end("eof", 0.0)
    session.close()
    stored = Cassette.load(path).interactions[0].request
    assert stored.headers[0] == ("x-tenant", "blue")
    assert b"robot" not in path.read_bytes()
    assert b"4711" not in stored.body
    assert b"case-1234" not in stored.body
    assert Session(path, **settings).decide(asked) is not None
