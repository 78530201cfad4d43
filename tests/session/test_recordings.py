"""A session's recordings: how they are kept, merged, replaced and reported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.sessions import ask, held, recorded, request

from gemini_replay import Cassette, Session
from gemini_replay.cassette.model import Chunk, End, Interaction, Response
from gemini_replay.cassette.redaction.key_formats import unfinished
from gemini_replay.errors import MissError, RecordingError
from gemini_replay.session import Forward


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "story.jsonl"


def test_recordings_can_be_read_before_and_after_the_end(path: Path) -> None:
    """They come in the order of the requests, without a response that is still under way."""
    session = Session(path, mode="rewrite", test="t.py::test")
    ask(session, "one")
    session.decide(request("open"))
    assert [i.body for i in session.recorded] == [b"one"]
    assert session.recorded_count == 1
    session.close()
    assert [i.body for i in session.recorded] == [b"one", b""]
    assert session.recorded[1].end.kind == "cancelled"
    assert [i.request.test for i in Cassette.load(path).interactions] == ["t.py::test"] * 2


def test_interactions_has_replays_and_recordings(path: Path) -> None:
    """So the same assertions hold in a run that records and in one that replays."""
    recorded(path, "one")
    session = Session(path, mode="new")
    ask(session, "two")
    session.decide(request("one"))
    assert [i.body for i in session.interactions] == [b"one", b"two"]
    session.close()
    assert [i.body for i in session.interactions] == [b"one", b"two"]


def test_a_recording_that_is_not_kept_can_be_read_from_its_journal(path: Path) -> None:
    """The cassette is not made; the journal beside it has the recording."""
    session = Session(path, mode="rewrite")
    ask(session, "one")
    session.close(keep=False)
    assert [i.body for i in session.recorded] == [b"one"]
    assert [entry.name for entry in path.parent.iterdir()] == ["story.jsonl.part"]


def test_a_session_keeps_the_recordings_of_a_nested_one(path: Path) -> None:
    """It replaces only what was there when it began."""
    recorded(path, "old")
    outer = Session(path, mode="rewrite")
    recorded(path, "inner")
    ask(outer, "outer")
    outer.close()
    assert held(path) == ["inner", "outer"]


class TestSharedCassettes:
    """Several tests, one cassette."""

    def test_rewrite_replaces_its_own_tests_recordings(self, path: Path) -> None:
        """New recordings take the same place; those of other tests stay to the byte."""
        for name in "abc":
            recorded(path, f"{name}1", f"{name}2", mode="new", test=f"t.py::{name}")
        before = path.read_bytes().split(b"\n")
        recorded(path, "new", test="t.py::b")
        assert held(path) == ["a1", "a2", "new", "c1", "c2"]
        after = path.read_bytes().split(b"\n")
        assert after[1:9] == before[1:9]
        assert after[-9:] == before[-9:]

    def test_rewrite_replaces_matching_recordings_of_unknown_origin(self, path: Path) -> None:
        """A cassette that the proxy or a script recorded is taken over request by request."""
        recorded(path, "one", "two")
        recorded(path, "two", test="t.py::b")
        assert [(i.body.decode(), i.request.test) for i in Cassette.load(path).interactions] == [
            ("one", None),
            ("two", "t.py::b"),
        ]

    def test_a_request_without_an_id_belongs_to_the_headers_test(self, path: Path) -> None:
        """Such is a cassette made by one test alone."""
        Cassette([Interaction(request("old"), Response(200), (Chunk(0, b"old"),), End())], test="t.py::b").save(path)
        recorded(path, "new", test="t.py::b")
        assert held(path) == ["new"]

    @pytest.mark.parametrize("mode", ["new", "once", "rewrite"])
    def test_sessions_that_overlap_lose_nothing_of_each_other(self, path: Path, mode: Any) -> None:
        """It does not matter which ends first."""
        sessions = [Session(path, mode=mode, test=f"t.py::{name}") for name in "abc"]
        for session, text in zip(sessions, ("one", "two", "three"), strict=True):
            ask(session, text)
        for session in (sessions[1], sessions[2], sessions[0]):
            session.close()
            assert session.problem is None
        assert sorted(held(path)) == ["one", "three", "two"]

    def test_a_rewrite_without_a_test_replaces_what_was_there_when_it_began(self, path: Path) -> None:
        """It keeps what another session has added meanwhile."""
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
        """Two tests made the same request and got different answers; each gets its own answer again."""
        for name in "ab":
            session = Session(path, mode="rewrite", test=f"t.py::{name}")
            ask(session, "same", answer=f"of {name}")
            session.close()
        for name in "ba":
            session = Session(path, test=f"t.py::{name}")
            plan: Any = session.decide(request("same"))
            assert plan.interaction.body.decode() == f"of {name}"

    def test_a_test_replays_what_another_recorded(self, path: Path) -> None:
        """This happens if the test has recorded no answer itself."""
        recorded(path, "same", test="t.py::a")
        plan: Any = Session(path, test="t.py::c").decide(request("same"))
        assert plan.interaction.body == b"same"


def test_a_relative_path_is_resolved_when_the_session_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later change of the working directory does not matter."""
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


def test_text_with_a_wrong_coding_is_searched_for_secrets(path: Path) -> None:
    """Such a body cannot be decoded, but it is not stored without a search."""
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
def test_an_answer_that_refuses_the_key_gives_a_hint(
    path: Path, status: int, details: list[dict[str, str]], hinted: bool
) -> None:
    """Google also sends 400 for this."""
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
    """A command with the redacted id could not be run, so the hint has the function without parameters."""
    key = "AIzaSy" + "A1b2C3d4E" * 3 + "abcdef"
    with pytest.raises(MissError) as missed:
        Session(path, test=f"t.py::test[{key}]").decide(request())
    assert 'pytest "t.py::test" --gemini-record once' in str(missed.value)
    with pytest.raises(MissError) as missed:
        Session(path, test="t.py::test[a]").decide(request())
    assert 'pytest "t.py::test[a]" --gemini-record once' in str(missed.value)


def test_redactions_are_reported_by_kind_and_place(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The value is never shown. A change of an answer's own text is reported prominently."""
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
    """This holds if the code swallowed the exception, but not if a later try got an answer."""
    session = Session(path, mode="rewrite")
    for text in ("never", "at last"):
        plan = session.decide(request(text))
        assert isinstance(plan, Forward)
        plan.unreachable(OSError())
    ask(session, "at last")
    session.close()
    assert len(session.problems) == 1
    assert isinstance(session.problem, RecordingError)
    assert "no connection to https://generativelanguage.googleapis.com (OSError)." in str(session.problem)


def test_an_earlier_answer_is_none_to_a_request_that_got_no_connection(path: Path) -> None:
    """As when the second of two equal requests waits too long for a connection: a replay would ask for it, too."""
    session = Session(path, mode="rewrite")
    ask(session, "twice")
    plan = session.decide(request("twice"))
    assert isinstance(plan, Forward)
    plan.unreachable(OSError())
    session.close()
    assert isinstance(session.problem, RecordingError)
    assert "got no answer" in str(session.problem)


def test_no_request_waits_until_the_search_for_keys_is_compiled(path: Path) -> None:
    """That takes long enough to change times. It is done when a session opens that records, and only then."""
    unfinished.cache_clear()
    Session(path).close()
    assert unfinished.cache_info().misses == 0
    session = Session(path, mode="rewrite")
    assert unfinished.cache_info().misses == 1
    ask(session, "hello", answer="AIza" + "SyD-fake_0123456789abcdefghijklmnop")
    session.close()
    assert unfinished.cache_info().misses == 1


def test_settings_name_secrets(path: Path) -> None:
    """The settings apply to recordings and to the requests that they answer."""
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
    """Only the request shows that the name holds a key. The client is not disturbed; the recording fails."""
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
