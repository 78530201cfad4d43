"""How a session compares requests: what it ignores, functions of the user's, and what a miss advises."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.sessions import ask, held, recorded, request

from gemini_replay import Cassette, Request, Session
from gemini_replay.engine.player import Playback
from gemini_replay.errors import HookError, MissError, RecordingError

KEY = "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette that answers "hello"."""
    path = tmp_path / "story.jsonl"
    recorded(path, "hello")
    return path


def answer(session: Session, asked: Request) -> bytes:
    plan = session.decide(asked)
    assert isinstance(plan, Playback)
    return plan.interaction.body


def broken(recorded: Request, asked: Request) -> bool:
    raise ValueError("not my day")


def test_what_is_ignored_does_not_miss(path: Path) -> None:
    """Of the body, in a session that replays."""
    session = Session.replaying(path, ignore=["body.contents[*].parts[*].text"])
    assert answer(session, request("bye")) == b"hello"


def test_a_compressed_body_answers_as_it_does_uncompressed(path: Path) -> None:
    """And the other way round: it is stored uncompressed."""
    plain = request("hello")
    packed = replace(plain, body=gzip.compress(plain.body), headers=(("content-encoding", "gzip"),))
    assert answer(Session.replaying(path), packed) == b"hello"
    assert answer(Session.replaying(path, match=["body", lambda recorded, asked: True]), packed) == b"hello"


@pytest.mark.parametrize("setting", ["match", "normalize"])
def test_a_function_sees_no_secret(path: Path, setting: str) -> None:
    """Its exception, or pytest, may show what it was called with."""
    seen: list[Request] = []

    def normalize(one: Request) -> Request:
        seen.append(one)
        return one

    def agree(recorded: Request, asked: Request) -> bool:
        seen.extend((recorded, asked))
        return True

    settings: dict[str, Any] = {"normalize": normalize} if setting == "normalize" else {"match": ["model", agree]}
    session = Session.replaying(path, **settings)
    asked = replace(request(), url=f"{request().url}&key={KEY}", headers=(("x-goog-api-key", KEY),))
    assert answer(session, asked) == b"hello"
    assert len(seen) == 2
    assert KEY not in repr(seen)


@pytest.mark.parametrize("settings", [{"match": ["model", broken]}, {"normalize": lambda one: broken(one, one)}])
def test_a_function_that_fails_refuses_the_request_and_fails_the_session(
    path: Path, settings: dict[str, Any]
) -> None:
    """Also if the code under test swallows the error."""
    session = Session.replaying(path, **settings)
    with pytest.raises(HookError, match="not my day") as caught:
        session.decide(request())
    assert isinstance(caught.value.__cause__, ValueError)
    session.close()
    assert session.problem is caught.value


@pytest.mark.parametrize("hook", ["match", "normalize", "before_replay"])
def test_the_words_of_an_exception_are_told_without_secrets(path: Path, hook: str) -> None:
    """A function may put what it knows into its exception."""

    def leaking(*_: object) -> Any:
        raise ValueError(f"key={KEY}")

    settings: dict[str, Any] = {hook: ["model", leaking] if hook == "match" else leaking}
    session = Session.replaying(path, **settings)
    with pytest.raises(HookError, match="REDACTED") as caught:
        session.decide(request())
    assert KEY not in str(caught.value)
    assert KEY not in str(session.problem)


def test_a_function_that_fails_does_not_disturb_a_recording(path: Path) -> None:
    """The client gets the live response, the session fails where it ends, and the response is in the journal."""
    session = Session(path, mode="new", match=["model", broken])
    ask(session)
    session.close()
    assert isinstance(session.problem, RecordingError)
    assert [interaction.body for interaction in session.recorded] == [b"hello"]
    assert "broken, which the setting match names, raised ValueError: not my day" in str(session.problem)
    assert held(path) == ["hello"]


def advice(path: Path, asked: Request, **settings: Any) -> list[str]:
    session = Session(path, **settings)
    with pytest.raises(MissError) as caught:
        session.decide(asked)
    return [line.partition(" with: ")[0] for line in caught.value.hint.splitlines()]


CHANGED, FURTHER = "If the request has changed, record it again", "If it is a further one, record what is missing"


def test_a_changed_prompt_is_recorded_again_first(path: Path) -> None:
    """Then ignored, then recorded in addition."""
    ignored = 'If it varies from run to run: ignore=["body.contents[0].parts[0].text"]'
    assert advice(path, request("bye")) == [CHANGED, ignored, FURTHER]
    recorded(path, "hello", test="t.py::test_a")
    assert advice(path, request("bye"), test="t.py::test_a") == [CHANGED, ignored, FURTHER]
    assert advice(path, request("bye"), test="t.py::test_b") == [ignored, "Record what is missing"]


def test_another_field_is_ignored_first(path: Path) -> None:
    """With the path to copy, which makes it match."""
    asked = replace(request(), body=request().body.replace(b"}]}]}", b'}]}], "seed": 7}'))
    first, *rest = advice(path, asked)
    assert first == 'If it varies from run to run: ignore=["body.seed"]'
    assert rest == ["Record what is missing"]
    assert answer(Session.replaying(path, ignore=["body.seed"]), asked) == b"hello"


def test_what_cannot_be_ignored_is_not_advised(path: Path) -> None:
    """Another model, or too many differences."""
    assert advice(path, replace(request(), url=request().url.replace("gemini-x", "other"))) == [
        "Record what is missing"
    ]
    many = b'{"a": 1, "b": 2, "c": 3, "d": 4, "contents": [{"parts": [{"text": "hello"}]}]}'
    assert advice(path, replace(request(), body=many)) == ["Record what is missing"]


def test_rewrite_replaces_what_answers_the_same_but_for_what_is_ignored(path: Path) -> None:
    """A recording of unknown origin is taken over."""
    session = Session(path, mode="rewrite", test="t.py::test", ignore=["body.contents[*].parts[*].text"])
    ask(session, "bye")
    session.close()
    assert held(path) == ["bye"]
    assert Cassette.load(path).interactions[0].request.test == "t.py::test"
