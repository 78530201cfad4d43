"""Mode "verify": live answers are compared with the cassette, which stays as it is."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.schemas import BILLING, Change, changed, with_billing, with_text_arguments
from support.secret_bodies import KEY as OTHER_KEY
from support.streams import GOOGLE

import gemini_replay
from gemini_replay import Interaction, Session
from gemini_replay.errors import CassetteNotFoundError, DriftError, RecordingError, UnusedRecordingsError, UsageError
from gemini_replay.server import upstream

KEY = "AIzaSyD-0123456789abcdefghijklmnopqrstuv"


def post(text: str = "a story") -> httpx.Response:
    body = {"contents": [{"parts": [{"text": text}]}]}
    return httpx.post(GOOGLE, json=body, headers={"x-goog-api-key": KEY})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette with one answer of the scenario "function_call"."""
    path = tmp_path / "folder" / "call.jsonl"
    with upstream.start("function_call", pace=0) as server, gemini_replay.record(path, upstream=server.url):
        post()
    return path


def verified(
    path: Path,
    change: Change = lambda event: None,
    *,
    scenario: str = "function_call",
    asks: Callable[[], object] = post,
    **settings: Any,
) -> Session:
    """A session that has verified the cassette, with nothing changed in its folder."""
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.parent.iterdir()}
    with upstream.start(changed(scenario, change), pace=0, seed=7) as server:
        block = gemini_replay.record(path, mode="verify", upstream=server.url, **settings)
        with contextlib.suppress(DriftError, UnusedRecordingsError), block as session:
            asks()
    after = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.parent.iterdir()}
    assert before == after
    return session


def test_an_api_that_has_not_changed_shows_no_drift(path: Path) -> None:
    """Other ids, signatures and times are none; the client got the live answer."""
    session = verified(path)
    assert (session.problems, session.drift, session.unused) == ([], (), [])
    live = session.interactions
    assert [type(one) for one in live] == [Interaction]
    assert live[0].body != gemini_replay.Cassette.load(path).interactions[0].body


@pytest.mark.parametrize(
    ("change", "drift"),
    [
        (with_billing, BILLING),
        (with_text_arguments, ("body.candidates[*].content.parts[*].functionCall.args: object → string",)),
        (lambda event: event.pop("modelVersion"), ("body.modelVersion: gone (was string)",)),
        (
            lambda event: event["candidates"][0].update(finishReason="OTHER"),
            ('body.candidates[*].finishReason: "STOP" → "OTHER"',),
        ),
    ],
)
def test_a_changed_schema_is_reported_exactly(path: Path, change: Change, drift: tuple[str, ...]) -> None:
    """With the path, and what to do; as an error of its own."""
    session = verified(path, change)
    problem = session.problem
    assert isinstance(problem, DriftError)
    assert (session.problems, session.drift, problem.differences) == ([problem], drift, drift)
    assert f"{path}, interaction 1 of 1" in problem.suggestion
    assert f'gemini_replay.record("{path}", mode="rewrite")' in problem.hint


def test_another_answer_and_an_error_are_drift(path: Path) -> None:
    """What kind of part came, and how it failed."""
    assert verified(path, scenario="story").drift == (
        "body.candidates[*].content.parts[*].functionCall: gone (was object)",
    )
    assert verified(path, scenario="503").drift == (
        "status: 200 → 503",
        "error: new (503 UNAVAILABLE: The model is overloaded. Please try again later.)",
    )


def test_drift_can_be_ignored(path: Path) -> None:
    """By its path."""
    assert verified(path, with_billing, ignore_drift=["body.usageMetadata.billedUnits"]).problems == []
    with pytest.raises(UsageError, match="ignore_drift"):
        Session(path, mode="verify", ignore_drift="usage")


def test_a_request_without_a_recording_is_said_as_such(path: Path) -> None:
    """It is answered live all the same; a second one has nothing left to be compared with."""
    session = verified(path, asks=lambda: (post("another"), post(), post()))
    assert session.drift == ("no recording answers the request",) * 2
    assert len(session.interactions) == 3
    assert 'body.contents[0].parts[0].text: recorded "a story", asked "another"' in str(session.problem)
    assert "1 recording of it, already played" in str(session.problem)


def test_a_recording_that_no_request_asks_for_is_unused(path: Path) -> None:
    """As in a session that replays: an error if all must be used."""
    session = verified(path, asks=lambda: None)
    assert (session.problems, len(session.unused)) == ([], 1)
    assert isinstance(verified(path, asks=lambda: None, allow_unused=False).problem, UnusedRecordingsError)
    assert verified(path, allow_unused=False).problems == []


def test_without_a_cassette_there_is_nothing_to_compare_with(path: Path) -> None:
    """Nothing is sent."""
    with pytest.raises(CassetteNotFoundError, match="does not exist"):
        Session(path.with_name("cal.jsonl"), mode="verify")
    assert Session([path.with_name("cal.jsonl"), path], mode="verify").replay_only is False


def test_no_secret_is_in_the_report(path: Path) -> None:
    """Neither of the request nor of an answer, not even in the name of a field."""
    session = verified(path, lambda event: event.update({f"x {KEY}": 1, OTHER_KEY: {}}))
    assert len(session.drift) == 2
    assert not any(secret in str(session.problem) for secret in (KEY, OTHER_KEY))


def test_what_before_record_changes_is_no_drift(path: Path) -> None:
    """It changed the recording, too; what it leaves out is not compared."""
    hooked = {"before_record": lambda interaction: None}
    assert verified(path, with_billing, **hooked).problems == []


def test_an_answer_that_its_client_closed_early_lacks_nothing(path: Path) -> None:
    """What came is compared."""
    with upstream.start("story", pace=0) as server, gemini_replay.record(path, upstream=server.url):
        post()

    def stop_early() -> None:
        body = {"contents": [{"parts": [{"text": "a story"}]}]}
        with httpx.stream("POST", GOOGLE, json=body, headers={"x-goog-api-key": KEY}) as response:
            next(response.iter_raw())

    assert verified(path, scenario="story", asks=stop_early).problems == []
    assert verified(path, with_billing, scenario="story", asks=stop_early).drift == BILLING


def test_a_server_that_cannot_be_reached_fails_the_session(path: Path) -> None:
    """Not as drift."""
    with (
        pytest.raises(RecordingError, match="there was no connection"),
        gemini_replay.record(path, mode="verify", upstream="http://127.0.0.1:9"),
        pytest.raises(httpx.ConnectError),
    ):
        post()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_what_a_forked_child_asks_is_compared_too(path: Path) -> None:
    """In the parent, where the session ends."""

    def in_child() -> None:
        child = os.fork()
        if child == 0:
            try:
                post()
            finally:
                os._exit(0)
        os.waitpid(child, 0)

    session = verified(path, with_billing, asks=in_child)
    assert (session.drift, session.unused) == (BILLING, [])


def test_nothing_is_left_in_the_temporary_folder(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came live is removed with the session."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = sorted(tmp_path.iterdir())
    session = verified(path, with_billing)
    assert sorted(tmp_path.iterdir()) != before
    del session
    gc.collect()
    assert sorted(tmp_path.iterdir()) == before
