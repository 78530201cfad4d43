"""Whole calls under chunkings and faults: careless calls are found, careful ones are left alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_replay import Cassette, StreamParser, faults, parse_stream, replay
from gemini_replay.cassette.model import Chunk
from gemini_replay.errors import ClientBug, MissError, UsageError
from gemini_replay.faults import ClientReport, Outcome, check_client
from gemini_replay.gemini import collect

FOLDER = Path(__file__).parents[2] / "cassettes"
STORY, ARRAY = FOLDER / "story.jsonl", FOLDER / "array.jsonl"


def body(path: Path = STORY, read: float | None = 5.0) -> Iterator[bytes]:
    """The chunks of the answer to the first request of a cassette, as the client gets them."""
    request = Cassette.load(path).interactions[0].request
    with httpx.Client(timeout=httpx.Timeout(5.0, read=read)) as client:
        with client.stream(request.method, request.url, json=request.json) as response:
            response.raise_for_status()
            yield from response.iter_bytes()


def careful(path: Path = STORY) -> str:
    """The text; raises if the answer is not whole."""
    answer = collect(parse_stream(body(path)))
    if answer.error or not answer.complete:
        raise RuntimeError("the answer is not whole")
    return answer.text


def hopeful(path: Path = STORY) -> str:
    """The text of whatever came."""
    return collect(parse_stream(body(path))).text


def with_reason(path: Path = STORY) -> tuple[str, str | None, bool]:
    """The text, and what shows whether it is whole."""
    answer = collect(parse_stream(body(path)))
    return answer.text, answer.finish_reason, answer.error is not None


def bugs_of(call: Callable[[], Any], path: Path = STORY, **options: Any) -> ClientReport:
    with pytest.raises(ClientBug) as caught:
        check_client(call, path, **options)
    report = caught.value.report
    assert isinstance(report, ClientReport)
    return report


def effects(report: ClientReport) -> dict[str, str]:
    return {one.value: one.effect for one in report.results}


@pytest.mark.parametrize("path", [STORY, ARRAY], ids=["sse", "json-array"])
@pytest.mark.parametrize("call", [careful, with_reason], ids=["raises", "tells"])
def test_a_careful_call_passes(path: Path, call: Callable[[Path], Any]) -> None:
    """Whether it raises or its result shows it; every chunking and every fault is tried."""
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
def test_a_short_answer_that_looks_whole_is_a_bug(path: Path) -> None:
    """A call that returns only the text is deceived by every body that stops too early, and by nothing else."""
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
    """With its result, and the result of the recording."""
    with pytest.raises(
        ClientBug, match=r"\d+ of 12 variations of the recording make the call return a wrong result"
    ) as caught:
        check_client(hopeful, STORY, rechunk=(), kinds=["eof"], most=6)
    assert "fault=eof@event:0.5: short: ''" in str(caught.value)
    assert hopeful_whole()[:10] in str(caught.value)


def hopeful_whole() -> str:
    return Cassette.load(STORY).interactions[0].text


def test_a_reset_that_is_swallowed_is_a_bug() -> None:
    """The text that had come until then passes for the answer."""

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
    """The report has the chunking, its chunks, and the result."""

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


def test_the_callers_own_predicate_decides_what_is_complete() -> None:
    """It replaces the comparison with a complete prefix."""
    kinds = ["eof", "error", "duplicate"]
    report = check_client(
        with_reason, STORY, kinds=kinds, complete=lambda result: result[1] == "STOP" and not result[2]
    )
    assert {one.effect for one in report.results} <= {"tells", "changed", "whole"}
    assert bugs_of(with_reason, kinds=["eof"], complete=lambda result: True).bugs


def test_a_call_that_asks_again_has_the_whole_answer() -> None:
    """Each fault applies once."""

    def again() -> str:
        try:
            return careful()
        except (RuntimeError, httpx.HTTPError):
            return careful()

    report = check_client(again, STORY, kinds=["reset", "eof", "status", "refuse"])
    assert {one.effect for one in report.results} == {"whole"}


def test_a_stall_ends_a_call_with_less_patience_only() -> None:
    """Nobody waits for it at instant speed."""
    patient = check_client(lambda: collect(parse_stream(body(read=None))).text, STORY, rechunk=(), kinds=["stall"])
    assert {(one.effect, one.outcome.result) for one in patient.results} == {("whole", hopeful_whole())}
    hasty = check_client(hopeful, STORY, rechunk=(), kinds=["stall"], most=2)
    assert {type(one.outcome.error) for one in hasty.results} == {httpx.ReadTimeout}


def test_an_event_lost_to_garbage_is_a_bug() -> None:
    """Even if all the others are there."""
    report = bugs_of(hopeful, kinds=["garbage"], most=3)
    assert max(len(one.outcome.result) for one in report.bugs) > len(hopeful_whole()) / 2


def test_a_request_that_is_not_made_is_not_reached() -> None:
    """The cassette has two, the call makes one."""
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
    """A fault in the second of two exchanges names its request."""
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


def test_async_calls_are_run() -> None:
    """A coroutine function, with an async client, also beside a loop that is running."""
    request = Cassette.load(STORY).interactions[0].request

    async def call() -> str:
        parser, text, done = StreamParser(), "", False
        async with httpx.AsyncClient() as client, client.stream("POST", request.url, json=request.json) as response:
            async for chunk in response.aiter_bytes():
                for event in parser.feed(chunk):
                    text, done = text + event.text, done or event.finish_reason is not None
            await asyncio.sleep(0)
        if not done or any(event.error for event in parser.close()):
            raise RuntimeError("the answer is not whole")
        return text

    async def test() -> ClientReport:
        return check_client(call, STORY, kinds=["reset"], most=2)

    for report in (check_client(call, STORY, kinds=["eof"], most=2), asyncio.run(test())):
        assert report.recorded == Outcome(hopeful_whole())


def test_a_call_that_fails_on_whole_answers_raises_its_own_error() -> None:
    """Otherwise it would pass under every fault."""

    def call() -> str:
        careful()
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        check_client(call, STORY)


def test_an_error_answer_is_the_same_error_in_every_chunking() -> None:
    """It has no faults: there is no whole answer that could be cut short."""
    path = FOLDER / "429.jsonl"
    report = check_client(lambda: hopeful(path), path)
    assert {type(one.outcome.error) for one in report.results} == {httpx.HTTPStatusError}
    assert [one.effect for one in report.results] == ["raises"] * len(faults.RECHUNKINGS)


def test_google_genai_keeps_its_chunks_apart_from_whole_answers() -> None:
    """The real SDK: the finish reason of its chunks shows a broken answer, its bare text does not."""
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


def test_a_call_that_the_cassette_does_not_answer_is_a_miss() -> None:
    """Also if the call swallows it."""

    def call() -> str:
        try:
            return httpx.post("https://generativelanguage.googleapis.com/v1/models/m:streamGenerateContent").text
        except Exception:
            return ""

    with pytest.raises(MissError):
        check_client(call, STORY)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: (hopeful(), object()), "cannot be compared"),
        (lambda: len(list(body())) > 0, "does not depend on the answer"),
    ],
    ids=["never equal", "always equal"],
)
def test_results_that_prove_nothing_are_refused(call: Callable[[], Any], message: str) -> None:
    """Otherwise every variation would be a bug, or none."""
    with pytest.raises(UsageError, match=message):
        check_client(call, STORY, rechunk=())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rechunk": ["byte"]}, r"Unknown value for rechunk: 'byte'(?s:.*)'bytes'"),
        ({"kinds": ["resets"]}, r"Unknown kind of fault 'resets'(?s:.*)'reset'"),
    ],
    ids=["chunking", "fault"],
)
def test_unknown_names_are_refused(given: dict[str, Any], message: str) -> None:
    """Before anything runs, with the nearest."""
    with pytest.raises(UsageError, match=message):
        check_client(lambda: "", STORY, **given)


def test_a_cassette_may_be_given_as_an_object_and_is_not_changed() -> None:
    """As it is in memory, whatever its file holds."""
    cassette = Cassette.load(STORY)
    cassette.interactions[:] = [replace(one, chunks=(Chunk(0.0, one.body),)) for one in cassette.interactions]
    before = cassette.dumps()
    check_client(careful, cassette, kinds=["eof"], most=2)
    assert cassette.dumps() == before


def test_a_report_reads_as_a_table() -> None:
    """One line for each variation."""
    lines = str(bugs_of(hopeful, rechunk=["bytes"], kinds=["eof"], most=2)).splitlines()
    assert lines[0].split(maxsplit=2)[:2] == ["rechunk=bytes", "whole"]
    assert lines[1].split(maxsplit=2) == ["fault=eof@event:0", "short", "''"]
