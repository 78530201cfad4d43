"""Recordings that fail: the client gets its response, the cassette stays as it is, and the session says why."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
from support.sessions import ask, held, recorded, request

from gemini_replay import Session
from gemini_replay.errors import RecordingError
from gemini_replay.session import Forward


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "story.jsonl"


class TestFailures:
    """The observer cannot hurt the observed."""

    def test_a_journal_that_cannot_be_made(self, path: Path) -> None:
        """The request goes on. The session says at its end that nothing was recorded."""
        path.parent.joinpath("file").touch()
        session = Session(path.parent / "file" / "story.jsonl", mode="rewrite")
        ask(session)
        session.close()
        assert isinstance(session.problem, RecordingError)
        assert "cannot be created" in str(session.problem)
        assert session.recorded_count == 0

    def test_a_failure_is_reported_even_if_reporting_fails(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The client sees neither failure. The session says at its end that the recording failed."""

        def fails(*_: Any, **__: Any) -> Any:
            raise PermissionError("not allowed")

        session = Session(path, mode="rewrite")
        session.on_recording_failure(fails)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", fails)
            patch.setattr("gemini_replay.session.recordings.describe", fails)
            ask(session, "one")
        session.close()
        assert isinstance(session.problem, RecordingError)
        assert "The recording failed: CassetteError" in str(session.problem)

    def test_a_journal_that_cannot_be_written_any_more(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lines written before are kept, the cassette is unchanged, and the next recording works."""
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
        """The journal stays; no lock and no open file is left."""
        session = Session(path, mode="rewrite")
        path.mkdir()
        ask(session, "one")
        session.close()
        assert isinstance(session.problem, RecordingError)
        assert [i.body for i in session.recorded] == [b"one"]
        path.rmdir()
        recorded(path, "two")
        assert held(path) == ["two"]

    @pytest.mark.parametrize("step", ["for_request", "stream", "response"])
    def test_a_bug_of_ours(self, path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A bug anywhere in recording is reported as one, with its cause."""
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

    def test_a_damaged_cassette_is_recorded_again_and_kept(
        self, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """This is what errors about damaged cassettes advise. A warning says where the original is."""
        path.write_text("version: 1\ninteractions: []\n")
        recorded(path, "new", test="t.py::a")
        assert held(path) == ["new"]
        backup = path.with_name("story.jsonl.bak")
        assert backup.read_text() == "version: 1\ninteractions: []\n"
        assert str(backup) in caplog.text


@pytest.mark.parametrize(
    ("status", "headers"), [(103, ()), (200, (("x-a", "a\0b"),)), (200, (("x\na", "b"),))], ids=["1xx", "nul", "name"]
)
def test_a_head_that_no_cassette_can_hold_fails_the_recording(
    path: Path, status: int, headers: tuple[tuple[str, str], ...]
) -> None:
    """The cassette is not replaced."""
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
    """The session notices, because it knows how much it has written."""
    recorded(path, "old")
    session = Session(path, mode="rewrite")
    ask(session, "one")
    path.with_name("story.jsonl.part").write_bytes(b"")
    ask(session, "two")
    session.close()
    assert isinstance(session.problem, RecordingError)
    assert held(path) == ["old"]


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
