"""How a session compares requests: `ignore`, the user's functions, and the advice in a miss."""

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


def test_ignored_fields_may_differ(path: Path) -> None:
    """A session that replays finds the recording although an ignored field of the body differs."""
    session = Session.replaying(path, ignore=["body.contents[*].parts[*].text"])
    assert answer(session, request("bye")) == b"hello"


def test_compressed_and_plain_request_bodies_match(path: Path) -> None:
    """This works both ways, since bodies are stored uncompressed."""
    plain = request("hello")
    packed = replace(plain, body=gzip.compress(plain.body), headers=(("content-encoding", "gzip"),))
    assert answer(Session.replaying(path), packed) == b"hello"
    assert answer(Session.replaying(path, match=["body", lambda recorded, asked: True]), packed) == b"hello"


@pytest.mark.parametrize("setting", ["match", "normalize"])
def test_a_function_sees_no_secret(path: Path, setting: str) -> None:
    """Otherwise its exception, or pytest, could show the secret in its arguments."""
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
    """The session fails even if the code under test swallows the error."""
    session = Session.replaying(path, **settings)
    with pytest.raises(HookError, match="not my day") as caught:
        session.decide(request())
    assert isinstance(caught.value.__cause__, ValueError)
    session.close()
    assert session.problem is caught.value


@pytest.mark.parametrize("hook", ["match", "normalize", "before_replay"])
def test_the_message_of_an_exception_is_redacted(path: Path, hook: str) -> None:
    """A function may know a secret and put it into its exception."""

    def leaking(*_: object) -> Any:
        raise ValueError(f"key={KEY}")

    settings: dict[str, Any] = {hook: ["model", leaking] if hook == "match" else leaking}
    session = Session.replaying(path, **settings)
    with pytest.raises(HookError, match="REDACTED") as caught:
        session.decide(request())
    assert KEY not in str(caught.value)
    assert KEY not in str(session.problem)


def test_a_function_that_fails_does_not_disturb_a_recording(path: Path) -> None:
    """The client gets the live response, the session fails at its end, and the journal has the response."""
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
    """The advice is: first record again, then ignore, then record in addition."""
    ignored = 'If it varies from run to run: ignore=["body.contents[0].parts[0].text"]'
    assert advice(path, request("bye")) == [CHANGED, ignored, FURTHER]
    recorded(path, "hello", test="t.py::test_a")
    assert advice(path, request("bye"), test="t.py::test_a") == [CHANGED, ignored, FURTHER]
    assert advice(path, request("bye"), test="t.py::test_b") == [ignored, "Record what is missing"]


def test_another_field_is_ignored_first(path: Path) -> None:
    """The advice has a path to copy; with it, the request matches."""
    asked = replace(request(), body=request().body.replace(b"}]}]}", b'}]}], "seed": 7}'))
    first, *rest = advice(path, asked)
    assert first == 'If it varies from run to run: ignore=["body.seed"]'
    assert rest == ["Record what is missing"]
    assert answer(Session.replaying(path, ignore=["body.seed"]), asked) == b"hello"


def test_ignoring_is_not_advised_if_impossible(path: Path) -> None:
    """It is impossible for another model, and for too many differences."""
    assert advice(path, replace(request(), url=request().url.replace("gemini-x", "other"))) == [
        "Record what is missing"
    ]
    many = b'{"a": 1, "b": 2, "c": 3, "d": 4, "contents": [{"parts": [{"text": "hello"}]}]}'
    assert advice(path, replace(request(), body=many)) == ["Record what is missing"]


def test_rewrite_replaces_a_recording_that_differs_only_in_ignored_fields(path: Path) -> None:
    """This holds for a recording without a test's id."""
    session = Session(path, mode="rewrite", test="t.py::test", ignore=["body.contents[*].parts[*].text"])
    ask(session, "bye")
    session.close()
    assert held(path) == ["bye"]
    assert Cassette.load(path).interactions[0].request.test == "t.py::test"
