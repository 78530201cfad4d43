"""A call under every fault: what it came to, and which leave it silently short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_replay import Cassette, faults, parse_stream
from gemini_replay.errors import ClientBug
from gemini_replay.gemini import collect

FOLDER = Path(__file__).parents[2] / "cassettes"
STORY = FOLDER / "story.jsonl"


def body(read: float | None = 5.0) -> Iterator[bytes]:
    request = Cassette.load(STORY).interactions[0].request
    timeout = httpx.Timeout(5.0, read=read)
    with httpx.Client(timeout=timeout) as client:
        with client.stream(request.method, request.url, json=request.json) as response:
            response.raise_for_status()
            yield from response.iter_bytes()


def careful() -> str:
    answer = collect(parse_stream(body()))
    if answer.error or not answer.complete:
        raise RuntimeError("the answer is not whole")
    return answer.text


def hopeful() -> str:
    return collect(parse_stream(body())).text


def verdicts(trial: faults.Trial) -> dict[str, str]:
    return {one.fault: one.verdict for one in trial.swept}


def test_a_careful_call_raises_or_has_the_whole_answer() -> None:
    """Or, where an event came twice, another answer than the recorded one."""
    trial = faults.try_all(careful, STORY)
    trial.check()
    found = verdicts(trial)
    assert set(found) == set(faults.faults_of(Cassette.load(STORY).interactions[0]))
    assert {kind.partition("@")[0] for kind, verdict in found.items() if verdict == "changed"} == {"duplicate"}
    assert {verdict for kind, verdict in found.items() if kind.startswith(("eof", "error", "status"))} == {"raises"}
    assert found["stall@head:60s"] == found["refuse"] == "raises"


def test_a_hopeful_call_ends_silently_short() -> None:
    """Every such fault is told, and only such."""
    trial = faults.try_all(hopeful, STORY, kinds=["reset", "eof", "error"])
    found = verdicts(trial)
    assert {verdict for fault, verdict in found.items() if fault.startswith("reset")} == {"raises"}
    assert {verdict for fault, verdict in found.items() if fault.startswith("eof@event")} == {"short"}
    with pytest.raises(ClientBug, match="silently short under") as caught:
        trial.check()
    assert "eof@event:0.5: ''" in str(caught.value)
    assert caught.value.variation == trial.short[0].fault
    (cut,) = (one for one in trial.short if one.fault == "eof@event:2")
    assert cut.chunks == tuple(chunk.data for chunk in Cassette.load(STORY).interactions[0].chunks[:2])


def test_a_call_without_patience_for_a_minute_gives_up_and_one_with_patience_does_not() -> None:
    """At instant speed nobody waits."""
    whole = Cassette.load(STORY).interactions[0].text
    patient = faults.try_all(lambda: collect(parse_stream(body(read=None))).text, STORY, kinds=["stall"])
    assert {(one.verdict, one.outcome.result) for one in patient.swept} == {("whole", whole)}
    hasty = faults.try_all(hopeful, STORY, kinds=["stall"], most=2)
    assert {type(one.outcome.error) for one in hasty.swept} == {httpx.ReadTimeout}


def test_a_call_that_asks_again_has_the_whole_answer() -> None:
    """A fault strikes once."""

    def again() -> str:
        try:
            return careful()
        except (RuntimeError, httpx.HTTPError):
            return careful()

    assert {one.verdict for one in faults.try_all(again, STORY, kinds=["reset", "status", "refuse"]).swept} == {
        "whole"
    }


def test_an_event_that_garbage_costs_is_a_silent_loss() -> None:
    """Even where all the others are there."""
    trial = faults.try_all(hopeful, STORY, kinds=["garbage"], most=3)
    assert trial.short
    longest = max(len(one.outcome.result) for one in trial.short)
    assert longest > len(Cassette.load(STORY).interactions[0].text) / 2


def test_the_callers_own_predicate_says_what_is_whole() -> None:
    """Then nothing is compared."""

    def told() -> tuple[str, bool]:
        answer = collect(parse_stream(body()))
        return answer.text, answer.complete and answer.error is None

    kinds = ["eof", "error", "duplicate"]
    trial = faults.try_all(told, STORY, kinds=kinds, complete=lambda result: result[1])
    assert set(verdicts(trial).values()) <= {"tells", "changed", "whole"}
    assert faults.try_all(told, STORY, kinds=["eof"], complete=lambda result: True).short


def test_a_request_that_is_not_made_is_not_reached() -> None:
    """The cassette has two, the call makes one."""
    path = FOLDER / "afc.jsonl"
    first = Cassette.load(path).interactions[0].request

    def call() -> Any:
        response = httpx.post(first.url, json=first.json).raise_for_status()
        return collect(parse_stream(response.content)).function_calls

    trial = faults.try_all(call, path, kinds=["status"])
    assert {fault.partition("request=")[2]: verdict for fault, verdict in verdicts(trial).items()} == {
        "1": "raises",
        "2": "not reached",
    }


def test_a_trial_reads_as_a_table() -> None:
    """One line for each fault."""
    lines = str(faults.try_all(hopeful, STORY, kinds=["eof"], most=2)).splitlines()
    assert lines[0].split(maxsplit=2) == ["eof@event:0", "short", "''"]
