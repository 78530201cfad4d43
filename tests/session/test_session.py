"""Which recording a session plays: in order, once or repeatedly, from one cassette or several."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gemini_replay import Cassette, Interaction, Session
from gemini_replay.cassette.model import Chunk, Request, Response
from gemini_replay.engine.faults import NoConnection
from gemini_replay.engine.player import Playback
from gemini_replay.engine.schedule import Head
from gemini_replay.errors import CassetteFormatError, CassetteNotFoundError, FaultUnusedError, MissError, UsageError


def request(text: str = "hello") -> Request:
    body = f'{{"contents": [{{"parts": [{{"text": "{text}"}}]}}]}}'.encode()
    return Request("POST", "http://any.host/v1/models/gemini-x:streamGenerateContent?alt=sse", body=body)


def recorded(answer: str, text: str = "hello") -> Interaction:
    return Interaction(request(text), Response(200), (Chunk(0.0, answer.encode()),))


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two cassettes: the first answers "hello" twice; the second answers "hello" once, and "bye"."""
    holdings = [[recorded("one"), recorded("two")], [recorded("three"), recorded("four", "bye")]]
    files = [tmp_path / f"{name}.jsonl" for name in ("a", "b")]
    for path, interactions in zip(files, holdings, strict=True):
        Cassette(interactions).save(path)
    return files


def answer(session: Session, asked: Request) -> str:
    plan = session.decide(asked)
    assert isinstance(plan, Playback)
    return plan.interaction.body.decode()


def test_equal_requests_are_answered_once_each(paths: list[Path]) -> None:
    """They are answered in recorded order; further ones are misses."""
    session = Session.replaying(paths[0])
    assert [answer(session, request()) for _ in range(2)] == ["one", "two"]
    with pytest.raises(MissError, match="already played"):
        session.decide(request())


def test_a_repeating_session_starts_again_from_the_first(paths: list[Path]) -> None:
    """It never runs out. Different requests have separate sequences."""
    session = Session.replaying(paths, repeat=True)
    assert [answer(session, request()) for _ in range(4)] == ["one", "two", "three", "one"]
    assert [answer(session, request("bye")) for _ in range(2)] == ["four", "four"]
    assert answer(session, request()) == "two"
    assert len(session.played) == 7


def test_several_cassettes_are_one_pool(paths: list[Path]) -> None:
    """Recordings play once each, in the order of the cassettes."""
    session = Session.replaying([paths[1], paths[0]])
    assert [answer(session, request()) for _ in range(3)] == ["three", "one", "two"]
    assert [interaction.body for interaction in session.unused] == [b"four"]
    assert session.unused_descriptions() == {
        paths[1]: {2: "interaction 2 of 2: POST gemini-x:streamGenerateContent?alt=sse"},
        paths[0]: {},
    }


def test_a_miss_names_the_nearest_cassette_of_several(paths: list[Path]) -> None:
    """The miss has the interaction's number in that file."""
    session = Session.replaying(paths, repeat=True)
    answer(session, request("bye"))
    with pytest.raises(MissError) as missed:
        session.decide(request("bye!"))
    assert f"Nearest in {paths[1]}: interaction 2 of 2; it differs in:" in str(missed.value)


def test_a_played_recording_of_a_repeating_session_is_not_unused(paths: list[Path]) -> None:
    """This holds although it may be played again."""
    session = Session.replaying(paths[0], repeat=True)
    answer(session, request())
    assert [interaction.body for interaction in session.unused] == [b"two"]


def test_every_cassette_must_exist(paths: list[Path], tmp_path: Path) -> None:
    """A second cassette that is missing is an error too."""
    with pytest.raises(CassetteNotFoundError, match=r"nothing\.jsonl"):
        Session.replaying([paths[0], tmp_path / "nothing.jsonl"])


@pytest.mark.parametrize("content", [b"data: {}\n\n", b'{"log": {}}', b"interactions:\n", b"<html>", b"", None])
def test_an_unreadable_file_can_be_recorded_again_as_its_error_says(content: bytes | None, tmp_path: Path) -> None:
    """The mode that the hint names works. Modes that read the file first raise the error."""
    path = tmp_path / "story.jsonl"
    Cassette.from_text("Once upon a time.").save(path)
    path.write_bytes(path.read_bytes()[:-5] if content is None else content)
    said = set()
    for mode in ("none", "once", "new"):
        with pytest.raises(CassetteFormatError) as refused:
            Session(path, mode=mode)  # type: ignore[arg-type]
        said.update(re.findall(r"--gemini-record (\w+)", refused.value.hint))
    assert said == {"rewrite"}
    Session(path, mode="rewrite").close(keep=False)


def test_an_unreadable_recording_is_reported(paths: list[Path]) -> None:
    """The request that needs it raises the error with path and line, and the session reports it."""
    paths[0].write_bytes(paths[0].read_bytes().replace(b'"end": "eof"', b'"end": "oef"'))
    session = Session.replaying(paths[0])
    with pytest.raises(CassetteFormatError) as caught:
        session.decide(request())
    session.close()
    assert session.problem is caught.value
    assert (caught.value.path, caught.value.line) == (paths[0], 5)


def test_an_unused_recording_that_cannot_be_read_is_listed_and_reported(paths: list[Path]) -> None:
    """Listing unused recordings reads their requests, so it finds one that cannot be read."""
    paths[1].write_bytes(paths[1].read_bytes().replace(b'"method": "POST"', b'"method": 5'))
    session = Session.replaying(paths)
    assert answer(session, request()) == "one"
    assert session.problems == []
    assert "'method' must be a text" in session.unused_descriptions()[paths[1]][1]
    assert session.problems != []


def test_matching_compares_bodies_and_not_hosts(paths: list[Path]) -> None:
    """The host is not compared, since every local server changes it."""
    session = Session.replaying(paths[0], hosts=None)
    asked = replace(
        request(), url="http://127.0.0.1:1/some/prefix/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
    )
    assert answer(session, asked) == "one"


def test_a_recording_broken_by_a_fault_plays_for_the_next_try(paths: list[Path]) -> None:
    """After two refusals comes the stream: the failed tries have not used up the recording."""
    session = Session.replaying(paths[1], fault="status:503;times=2")
    plans = [session.decide(request()) for _ in range(3)]
    heads = [next(iter(plan.steps()))[1] for plan in plans if isinstance(plan, Playback)]
    assert [head.status for head in heads if isinstance(head, Head)] == [503, 503, 200]
    with pytest.raises(MissError):
        session.decide(request())
    assert session.unused_descriptions()[paths[1]] == {
        2: "interaction 2 of 2: POST gemini-x:streamGenerateContent?alt=sse"
    }


def test_a_fault_may_apply_to_the_nth_request_only(paths: list[Path]) -> None:
    """All answered requests count."""
    session = Session.replaying(paths[0], fault="refuse;request=2")
    plans = [session.decide(request()) for _ in range(3)]
    assert [isinstance(plan, Playback) for plan in plans] == [True, False, True]
    assert plans[1] == NoConnection("refused")
    assert session.problem is None


def test_a_fault_that_is_never_applied_is_reported(paths: list[Path]) -> None:
    """Otherwise the test would have run without it unnoticed."""
    session = Session.replaying(paths[0], fault=["garbage@byte:0", "reset@byte:4"])
    answer(session, request())
    session.close()
    assert isinstance(session.problem, FaultUnusedError)
    assert session.problem.fault == "reset@byte:4"
    assert "1 request was answered; the longest answer has 0 events and 3 bytes in 1 chunks" in str(session.problem)


def test_a_slow_answer_is_used_up_like_any_other(paths: list[Path]) -> None:
    """Its client has no reason to try again, so the recording counts as used."""
    session = Session.replaying(paths[0], fault="slow:x2")
    assert [answer(session, request()) for _ in range(2)] == ["one", "two"]


def test_a_miss_under_a_fault_says_to_record_without_it(tmp_path: Path) -> None:
    """The same command with the fault would miss again."""
    session = Session(tmp_path / "nothing.jsonl", fault="slow:x2", test="test_a.py::test_b")
    with pytest.raises(MissError) as missed:
        session.decide(request())
    assert 'pytest "test_a.py::test_b" --gemini-record once\nLeave out the fault slow:x2' in str(missed.value)


def test_a_session_with_a_fault_does_not_record(tmp_path: Path) -> None:
    """A cassette holds true responses, without faults."""
    with pytest.raises(UsageError, match="only replays"):
        Session(tmp_path / "new.jsonl", mode="once", fault="slow:x2")


@pytest.mark.parametrize("how", [{"fault": "reset@event:1"}, {"fault": "error@byte:1"}, {"rechunk": "events"}])
def test_a_body_stored_compressed_has_no_events(tmp_path: Path, how: dict[str, str]) -> None:
    """Its bytes are compressed, so events cannot be read from them."""
    stored = replace(recorded("zip"), response=Response(200, (("content-encoding", "br"),), body="wire"))
    path = tmp_path / "wire.jsonl"
    Cassette([stored]).save(path)
    with pytest.raises(UsageError, match="stored compressed"):
        Session.replaying(path, **how).decide(request())  # type: ignore[arg-type]
    assert answer(Session.replaying(path, fault="reset@byte:2", rechunk="bytes"), request()) == "zip"


def test_a_miss_shows_the_tests_own_recording_first(tmp_path: Path) -> None:
    """A changed prompt in a shared cassette is compared with the test's own recording, even if another is nearer."""
    path = tmp_path / "shared.jsonl"
    mine, other = recorded("one", "Tell me a tale of the sea."), recorded("two", "Tell me a story of love.")
    Cassette(
        [
            replace(other, request=replace(other.request, test="t.py::other")),
            replace(mine, request=replace(mine.request, test="t.py::mine")),
        ]
    ).save(path)
    with pytest.raises(MissError) as missed:
        Session(path, test="t.py::mine").decide(request("Tell me a story of hate."))
    assert "a tale of the sea" in str(missed.value)
    assert "--gemini-record rewrite" in str(missed.value)
    with pytest.raises(MissError) as missed:
        Session(path, test="t.py::third").decide(request("Tell me a story of hate."))
    assert "a story of love" in str(missed.value)
    assert "--gemini-record rewrite" not in str(missed.value)


def test_several_faults_apply_to_different_answers(paths: list[Path]) -> None:
    """The first request is refused and only the second answer is broken. Each fault counts as applied by itself."""
    session = Session.replaying(paths[1], fault="status:503;once,reset@chunk:1", repeat=True)
    decisions = [session.decide(request()) for _ in range(2)]
    last = [list(decision.steps())[-1][1] for decision in decisions if isinstance(decision, Playback)]
    assert last == ["eof", "reset"]
    assert [fault.kind for fault, _ in session.applied] == ["status", "reset"]


def test_a_fault_after_the_end_is_reported(paths: list[Path]) -> None:
    """Its place is after an end that another fault makes, so it is never applied."""
    session = Session.replaying(paths[1], fault="reset@chunk:0,stall@end:1s")
    session.decide(request())
    session.close()
    assert "stall@end:1s" in str(session.problem)
