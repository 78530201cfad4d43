"""The setting that all recordings must be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sessions import ask, recorded, request

import gemini_replay
from gemini_replay import Session, UnusedRecordingsError
from gemini_replay.engine.player import Playback


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette with two recordings, of test_a."""
    path = tmp_path / "story.jsonl"
    recorded(path, "one", "two", test="t.py::test_a")
    return path


def replayed(path: Path, *texts: str, allow_unused: bool = False, test: str | None = None) -> Session:
    session = Session(path, allow_unused=allow_unused, test=test)
    for text in texts:
        assert isinstance(session.decide(request(text)), Playback)
        assert session.problems == []
    session.close()
    return session


def test_unused_recordings_are_named_at_the_end(path: Path) -> None:
    """The error names each with its cassette and request, and says what to do."""
    problem = replayed(path, "one").problem
    assert isinstance(problem, UnusedRecordingsError)
    assert problem.recordings == (f"{path}: interaction 2 of 2: POST gemini-x:streamGenerateContent?alt=sse",)
    assert problem.recordings[0] in str(problem)
    assert f'gemini_replay.record("{path}", mode="rewrite")' in problem.hint
    assert replayed(path, "one", "two").problems == []
    assert replayed(path, "one", allow_unused=True).problems == []


def test_many_are_counted(path: Path) -> None:
    """The message lists a dozen and counts the others; the error object has all."""
    recorded(path, *map(str, range(30)))
    problem = replayed(path, "0").problem
    assert isinstance(problem, UnusedRecordingsError)
    assert len(problem.recordings) == 29
    assert str(problem).count("interaction") == 12
    assert "and 17 more" in str(problem)


def test_recordings_of_another_test_do_not_count(path: Path) -> None:
    """Recordings of unknown origin count."""
    recorded(path, "three", mode="new", test="t.py::test_b")
    assert replayed(path, "three", test="t.py::test_b").problems == []
    assert len(replayed(path, "three", test="t.py::test_a").problems) == 1
    recorded(path, "four", mode="new")
    assert len(replayed(path, "three", test="t.py::test_b").problems) == 1


def test_a_recording_session_may_leave_old_recordings_unused(path: Path) -> None:
    """The code has changed since. New recordings are kept."""
    session = Session(path, mode="new", allow_unused=False)
    ask(session, "three")
    session.close()
    assert session.problems == []
    assert session.recorded_count == 1


def test_only_a_block_without_an_error_raises(path: Path) -> None:
    """A block that raises gets no note about unused recordings, since it did not run to its end."""
    with pytest.raises(UnusedRecordingsError), gemini_replay.replay(path, allow_unused=False) as session:
        session.decide(request("one"))
    with pytest.raises(ValueError, match="mine") as caught, gemini_replay.replay(path, allow_unused=False):
        raise ValueError("mine")
    assert not hasattr(caught.value, "__notes__")


def test_a_recording_that_cannot_be_read_is_unused(path: Path) -> None:
    """It is named by its number in the file."""
    path.write_bytes(path.read_bytes().replace(b'"method": "POST"', b'"method": 5', 1))
    session = Session(path, allow_unused=False)
    session.close()
    problem = session.problems[-1]
    assert isinstance(problem, UnusedRecordingsError)
    assert "interaction 1 of 2" in problem.recordings[0]
