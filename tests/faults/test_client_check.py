"""`check_client` runs a call under chunkings and faults: it reports careless calls and passes careful ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.whole_calls import (
    ARRAY,
    FOLDER,
    STORY,
    body,
    bugs_of,
    careful,
    effects,
    hopeful,
    hopeful_whole,
    with_reason,
)

from gemini_replay import Cassette, StreamParser, faults, parse_stream, replay
from gemini_replay.errors import ClientBug
from gemini_replay.faults import Outcome, check_client
from gemini_replay.gemini import collect


@pytest.mark.parametrize("path", [STORY, ARRAY], ids=["sse", "json-array"])
@pytest.mark.parametrize("call", [careful, with_reason], ids=["raises", "tells"])
def test_a_careful_call_passes(path: Path, call: Callable[[Path], Any]) -> None:
    """A call is careful if it raises or its result shows the problem. Every chunking and every fault is tried."""
    report = check_client(lambda: call(path), path)
    with replay(path, speed="instant"):
        whole = call(path)
    assert report.recorded == Outcome(whole)
    chunkings = [one for one in report.results if one.setting == "rechunk"]
    assert [one.value for one in chunkings] == [str(value) for value in faults.RECHUNKINGS]
    assert {one.outcome.result for one in chunkings} == {whole}
    swept = {one.value: one for one in report.results if one.setting == "fault"}
    assert list(swept) == faults.faults_of(Cassette.load(path).interactions[0])
    assert {value.partition("@")[0] for value, one in swept.items() if one.effect == "changed"} == {"duplicate"}
    if call is careful and path is STORY:
        assert {one.effect for value, one in swept.items() if value.startswith(("eof", "error", "status"))} == {
            "raises"
        }
        assert swept["stall@head:60s"].effect == swept["refuse"].effect == "raises"


@pytest.mark.parametrize("path", [STORY, ARRAY], ids=["sse", "json-array"])
def test_returning_a_short_answer_as_whole_is_a_bug(path: Path) -> None:
    """A call that returns only the text is deceived by every body that ends early, and by nothing else."""
    report = bugs_of(lambda: hopeful(path), path, kinds=["reset", "eof"])
    found = effects(report)
    assert {effect for value, effect in found.items() if value.startswith("reset")} == {"raises"}
    assert found["eof@event:1"] == found["eof@event:0.5"] == "short"
    assert [one.variation for one in report.bugs] == [
        f"fault={value}" for value, effect in found.items() if effect == "short"
    ]
    (cut,) = (one for one in report.bugs if one.value == "eof@event:2")
    assert cut.chunks == tuple(chunk.data for chunk in Cassette.load(path).interactions[0].chunks[:2])


def test_the_error_lists_what_deceived_the_call() -> None:
    """The error shows each wrong result, and the result of the unchanged recording."""
    with pytest.raises(
        ClientBug, match=r"\d+ of 12 variations of the recording make the call return a wrong result"
    ) as caught:
        check_client(hopeful, STORY, rechunk=(), kinds=["eof"], most=6)
    assert "fault=eof@event:0.5: short: ''" in str(caught.value)
    assert hopeful_whole()[:10] in str(caught.value)


def test_a_reset_that_is_swallowed_is_a_bug() -> None:
    """The call then returns the text up to the reset as if it were the answer."""

    def swallowing() -> str:
        parser, text = StreamParser(), ""
        try:
            for chunk in body():
                text += "".join(event.text for event in parser.feed(chunk))
        except httpx.HTTPError:
            pass
        return text

    found = effects(bugs_of(swallowing, kinds=["reset", "close"]))
    assert found["reset@head"] == found["close@head"] == "short"


def test_a_loop_that_loses_what_is_cut_is_a_bug_of_a_chunking() -> None:
    """The report has the chunking, its chunks and the call's result."""

    def per_chunk() -> str:
        text = ""
        for chunk in body():
            for line in chunk.split(b"\r\n"):
                if line.startswith(b"data: ") and line.endswith(b"}"):
                    event = json.loads(line[len(b"data: ") :])
                    text += "".join(part.get("text", "") for part in event["candidates"][0]["content"]["parts"])
        return text

    report = check_client(per_chunk, STORY, rechunk=["whole", "events"], kinds=[])
    assert {one.effect for one in report.results} == {"whole"}
    (bug,) = bugs_of(per_chunk, rechunk=["events", "bytes"], kinds=[]).bugs
    assert (bug.variation, bug.effect) == ("rechunk=bytes", "differs")
    whole = Cassette.load(STORY).interactions[0].body
    assert bug.chunks == tuple(bytes([byte]) for byte in whole)
    assert bug.outcome == Outcome("")


def test_a_call_that_asks_again_has_the_whole_answer() -> None:
    """Each fault applies once, so the second request gets the whole answer."""

    def again() -> str:
        try:
            return careful()
        except (RuntimeError, httpx.HTTPError):
            return careful()

    report = check_client(again, STORY, kinds=["reset", "eof", "status", "refuse"])
    assert {one.effect for one in report.results} == {"whole"}


def test_a_stall_ends_only_a_call_with_a_shorter_timeout() -> None:
    """At instant speed, the check does not wait for the stall."""
    patient = check_client(lambda: collect(parse_stream(body(read=None))).text, STORY, rechunk=(), kinds=["stall"])
    assert {(one.effect, one.outcome.result) for one in patient.results} == {("whole", hopeful_whole())}
    hasty = check_client(hopeful, STORY, rechunk=(), kinds=["stall"], most=2)
    assert {type(one.outcome.error) for one in hasty.results} == {httpx.ReadTimeout}


def test_an_event_lost_to_garbage_is_a_bug() -> None:
    """Losing one event is a bug even if the call returns all the others."""
    report = bugs_of(hopeful, kinds=["garbage"], most=3)
    assert max(len(one.outcome.result) for one in report.bugs) > len(hopeful_whole()) / 2


def test_recordings_that_a_call_does_not_ask_for_are_unreached() -> None:
    """The cassette has two requests, and the call makes one of them."""
    path = FOLDER / "afc.jsonl"
    first = Cassette.load(path).interactions[0].request

    def call() -> Any:
        response = httpx.post(first.url, json=first.json).raise_for_status()
        return collect(parse_stream(response.content)).function_calls

    found = effects(check_client(call, path, rechunk=(), kinds=["status"]))
    assert {value.partition("request=")[2]: effect for value, effect in found.items()} == {
        "1": "raises",
        "2": "not reached",
    }


def test_each_response_of_a_call_breaks_off_in_turn() -> None:
    """A result names the request whose response had the fault."""
    path = FOLDER / "afc.jsonl"
    first, second = Cassette.load(path).interactions

    def call() -> str:
        text = ""
        with httpx.Client() as client:
            for request in (first.request, second.request):
                with client.stream("POST", request.url, json=request.json) as response:
                    answer = collect(parse_stream(response.iter_bytes()))
                if request is first.request and not (answer.complete and not answer.error):
                    raise RuntimeError("the first answer is not whole")
                text += answer.text
        return text

    bugs = bugs_of(call, path, kinds=["eof"]).bugs
    assert all(one.value.endswith(";request=2") for one in bugs)


def test_an_error_response_is_checked_in_every_chunking() -> None:
    """It is checked without faults, since it has no whole answer to cut short."""
    path = FOLDER / "429.jsonl"
    report = check_client(lambda: hopeful(path), path)
    assert {type(one.outcome.error) for one in report.results} == {httpx.HTTPStatusError}
    assert [one.effect for one in report.results] == ["raises"] * len(faults.RECHUNKINGS)


def test_google_genai_shows_a_broken_answer_in_its_chunks() -> None:
    """With the real SDK, the finish reason of the chunks shows a broken answer; the text alone does not."""
    genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
    request = Cassette.load(STORY).interactions[0].request

    def chunks() -> list[tuple[str | None, Any]]:
        client = genai.Client(api_key="none")
        stream = client.models.generate_content_stream(model=request.model, contents=prompt)
        return [(chunk.text, chunk.candidates and chunk.candidates[0].finish_reason) for chunk in stream]

    prompt = request.json["contents"][0]["parts"][0]["text"]
    options: dict[str, Any] = {"match": ("method", "model", "action"), "kinds": ["reset", "eof", "error"]}
    check_client(chunks, STORY, **options)
    assert bugs_of(lambda: "".join(text or "" for text, _ in chunks()), **options, most=2).bugs


def test_a_report_is_a_table() -> None:
    """A report has one line for each variation."""
    lines = str(bugs_of(hopeful, rechunk=["bytes"], kinds=["eof"], most=2)).splitlines()
    assert lines[0].split(maxsplit=2)[:2] == ["rechunk=bytes", "whole"]
    assert lines[1].split(maxsplit=2) == ["fault=eof@event:0", "short", "''"]
