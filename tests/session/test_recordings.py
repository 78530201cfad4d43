"""What a session records: kept, merged, replaced by test, and what is reported of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.sessions import ask, held, recorded, request

from gemini_replay import Cassette, Session
from gemini_replay.cassette.model import Chunk, End, Interaction, Response
from gemini_replay.errors import MissError, RecordingError
from gemini_replay.session import Forward


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


def test_interactions_are_what_was_replayed_and_what_was_recorded(path: Path) -> None:
    """The same assertions hold in a run that records and in one that replays."""
    recorded(path, "one")
    session = Session(path, mode="new")
    ask(session, "two")
    session.decide(request("one"))
    assert [i.body for i in session.interactions] == [b"one", b"two"]
    session.close()
    assert [i.body for i in session.interactions] == [b"one", b"two"]


def test_a_recording_that_is_not_kept_can_be_read_from_its_journal(path: Path) -> None:
    """The cassette is not made, and what came is beside it."""
    session = Session(path, mode="rewrite")
    ask(session, "one")
    session.close(keep=False)
    assert [i.body for i in session.recorded] == [b"one"]
    assert [entry.name for entry in path.parent.iterdir()] == ["story.jsonl.part"]


def test_a_session_keeps_what_one_inside_it_has_recorded(path: Path) -> None:
    """It replaces what was there when it began."""
    recorded(path, "old")
    outer = Session(path, mode="rewrite")
    recorded(path, "inner")
    ask(outer, "outer")
    outer.close()
    assert held(path) == ["inner", "outer"]


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

    def test_rewrite_replaces_recordings_of_unknown_origin_that_answer_the_same(self, path: Path) -> None:
        """A cassette that the proxy or a script recorded is taken over request by request."""
        recorded(path, "one", "two")
        recorded(path, "two", test="t.py::b")
        assert [(i.body.decode(), i.request.test) for i in Cassette.load(path).interactions] == [
            ("one", None),
            ("two", "t.py::b"),
        ]

    def test_the_header_names_the_test_of_a_recording_that_does_not(self, path: Path) -> None:
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


def test_a_relative_path_is_where_it_was_when_the_session_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the working directory is later."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    monkeypatch.chdir(first)
    session = Session("story.jsonl", mode="rewrite")
    monkeypatch.chdir(second)
    ask(session)
    session.close()
    assert [entry.name for entry in first.iterdir()] == ["story.jsonl"]
    assert list(second.iterdir()) == []


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
    ("status", "details", "hinted"),
    [
        (401, [], True),
        (403, [], True),
        (400, [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}], True),
        (400, [], False),
        (500, [], False),
    ],
)
def test_an_answer_that_refuses_the_key_is_hinted_at(
    path: Path, status: int, details: list[dict[str, str]], hinted: bool
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
    assert ("GEMINI_API_KEY" in session.hint) == hinted


def test_a_miss_of_a_test_with_a_secret_parameter_names_its_function(path: Path) -> None:
    """The id without its secret could not be run."""
    key = "AIzaSy" + "A1b2C3d4E" * 3 + "abcdef"
    with pytest.raises(MissError) as missed:
        Session(path, test=f"t.py::test[{key}]").decide(request())
    assert 'pytest "t.py::test" --gemini-record once' in str(missed.value)
    with pytest.raises(MissError) as missed:
        Session(path, test="t.py::test[a]").decide(request())
    assert 'pytest "t.py::test[a]" --gemini-record once' in str(missed.value)


def test_what_was_redacted_is_reported_by_kind_and_place(path: Path, caplog: pytest.LogCaptureFixture) -> None:
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
    assert "redacted in answers" in caplog.text
    assert key not in caplog.text + repr(session.removals)


def test_a_request_that_got_no_answer_is_reported(path: Path) -> None:
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


@pytest.mark.parametrize("in_path", [False, True])
def test_a_secret_in_the_name_of_the_test_or_the_cassette_is_not_written(tmp_path: Path, in_path: bool) -> None:
    """A key that only the request shows to be one; the client is not disturbed, and the recording fails."""
    key = "zq8Wm3-corp-" + "Key_77120xx"
    path = tmp_path / (f"test-{key}.jsonl" if in_path else "story.jsonl")
    session = Session(path, mode="rewrite", test="t.py::test" if in_path else f"t.py::test[{key}]")
    plan = session.decide(replace(request(), headers=(("x-goog-api-key", key),)))
    assert isinstance(plan, Forward)
    plan.recorder.head(200, (), 0.0)
    plan.recorder.end("eof", 0.0)
    session.close()
    assert "holds a secret: value of the header x-goog-api-key" in str(session.problem)
    assert not list(tmp_path.iterdir())
