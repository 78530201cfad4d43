"""Which recording a session answers with: in order, once or again and again, from one cassette or several."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gemini_replay import Cassette, Interaction, Session
from gemini_replay.cassette.model import Chunk, Request, Response
from gemini_replay.engine.player import Playback
from gemini_replay.errors import CassetteNotFoundError, MissError


def request(text: str = "hello") -> Request:
    body = f'{{"contents": [{{"parts": [{{"text": "{text}"}}]}}]}}'.encode()
    return Request("POST", "http://any.host/v1/models/gemini-x:streamGenerateContent?alt=sse", body=body)


def recorded(answer: str, text: str = "hello") -> Interaction:
    return Interaction(request(text), Response(200), (Chunk(0.0, answer.encode()),))


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two cassettes: the first answers "hello" twice, the second once more, and "bye"."""
    holdings = [[recorded("one"), recorded("two")], [recorded("three"), recorded("four", "bye")]]
    files = [tmp_path / f"{name}.jsonl" for name in ("a", "b")]
    for path, interactions in zip(files, holdings, strict=True):
        Cassette(interactions).save(path)
    return files


def answer(session: Session, asked: Request) -> str:
    plan = session.plan(asked)
    assert isinstance(plan, Playback)
    return plan.interaction.body.decode()


def test_equal_requests_are_answered_once_each(paths: list[Path]) -> None:
    """In recorded order, and then no more."""
    session = Session.replaying(paths[0])
    assert [answer(session, request()) for _ in range(2)] == ["one", "two"]
    with pytest.raises(MissError, match="each was played already"):
        session.plan(request())


def test_a_repeating_session_starts_again_from_the_first(paths: list[Path]) -> None:
    """However often it is asked; each kind of request has a turn of its own."""
    session = Session.replaying(*paths, repeat=True)
    assert [answer(session, request()) for _ in range(4)] == ["one", "two", "three", "one"]
    assert [answer(session, request("bye")) for _ in range(2)] == ["four", "four"]
    assert answer(session, request()) == "two"
    assert len(session.played) == 7


def test_several_cassettes_are_one_pool(paths: list[Path]) -> None:
    """In the order they are given, each recording once."""
    session = Session.replaying(paths[1], paths[0])
    assert [answer(session, request()) for _ in range(3)] == ["three", "one", "two"]
    assert [interaction.body for interaction in session.unused] == [b"four"]
    assert session.unused_descriptions() == [
        "interaction 2 of 2: POST gemini-x:streamGenerateContent?alt=sse",
    ]


def test_a_miss_names_the_nearest_cassette_of_several(paths: list[Path]) -> None:
    """With the interaction's place in that file."""
    session = Session.replaying(*paths, repeat=True)
    answer(session, request("bye"))
    with pytest.raises(MissError) as missed:
        session.plan(request("bye!"))
    assert f"Nearest in {paths[1]}: interaction 2 of 2; it differs in:" in str(missed.value)


def test_what_was_played_in_a_repeating_session_is_not_unused(paths: list[Path]) -> None:
    """Although it may be played again."""
    session = Session.replaying(paths[0], repeat=True)
    answer(session, request())
    assert [interaction.body for interaction in session.unused] == [b"two"]


def test_every_cassette_must_be_there(paths: list[Path], tmp_path: Path) -> None:
    """Also the second one."""
    with pytest.raises(CassetteNotFoundError, match=r"nothing\.jsonl"):
        Session.replaying(paths[0], tmp_path / "nothing.jsonl")


def test_matching_goes_by_the_body(paths: list[Path]) -> None:
    """The host, which every server changes, is not looked at."""
    session = Session.replaying(paths[0], hosts=None)
    asked = replace(
        request(), url="http://127.0.0.1:1/some/prefix/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
    )
    assert answer(session, asked) == "one"
