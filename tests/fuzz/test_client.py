"""Whole calls under chunkings and faults: the careless are found out, the careful are left alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_replay import Cassette, StreamParser, parse_stream
from gemini_replay.cassette.model import Chunk
from gemini_replay.errors import ClientBug, MissError, UsageError
from gemini_replay.fuzz.client import CHUNKINGS, FAULTS, Outcome, check_client
from gemini_replay.gemini import collect

FOLDER = Path(__file__).parents[2] / "cassettes"
STORY, ARRAY = FOLDER / "story.jsonl", FOLDER / "array.jsonl"


def body(path: Path) -> Iterator[bytes]:
    """The chunks of the answer to the first request of a cassette, as the client gets them."""
    request = Cassette.load(path).interactions[0].request
    with httpx.Client() as client, client.stream(request.method, request.url, json=request.json) as response:
        yield from response.iter_bytes()


def careful(path: Path) -> str:
    """The text; raises where the answer is not whole."""
    answer = collect(parse_stream(body(path)))
    if answer.error or not answer.complete:
        raise RuntimeError("the answer is not whole")
    return answer.text


def only_text(path: Path) -> str:
    """The text of whatever came."""
    return collect(parse_stream(body(path))).text


def with_reason(path: Path) -> tuple[str, str | None, bool]:
    """The text with what tells whether it is whole."""
    answer = collect(parse_stream(body(path)))
    return answer.text, answer.finish_reason, answer.error is not None


@pytest.mark.parametrize("path", [STORY, ARRAY], ids=["sse", "json-array"])
@pytest.mark.parametrize("call", [careful, with_reason], ids=["raises", "tells"])
def test_a_careful_call_passes(path: Path, call: Callable[[Path], Any]) -> None:
    """Whether it raises or gives a result that tells; every chunking and every fault was tried."""
    outcomes = check_client(lambda: call(path), path)
    whole = call_whole(call, path)
    assert [outcomes[f"chunking {name}"].result for name in CHUNKINGS] == [whole] * len(CHUNKINGS)
    faults = [name for name in outcomes if not name.startswith("chunking ")]
    assert {name.partition("@")[0] for name in faults} == set(FAULTS)
    if call is careful:  # an array without its bracket, or a broken connection, behind the last word does no harm
        assert all(outcomes[name].error is not None or outcomes[name].result == whole for name in faults)
        assert sum(outcomes[name].error is not None for name in faults) > len(faults) * 0.8


def call_whole(call: Callable[[Path], Any], path: Path) -> Any:
    from gemini_replay import replay

    with replay(path, speed="instant"):
        return call(path)


@pytest.mark.parametrize("path", [STORY, ARRAY], ids=["sse", "json-array"])
@pytest.mark.parametrize("fault", ["eof", "error"])
def test_a_short_answer_that_looks_whole_is_a_bug(path: Path, fault: str) -> None:
    """Where only the text is returned, a body that stops too early deceives the caller."""
    with pytest.raises(ClientBug) as raised:
        check_client(lambda: only_text(path), path, faults=[fault])
    bug = raised.value
    assert bug.variation.startswith(f"{fault}@")
    assert bug.got == Outcome("")
    whole = Cassette.load(path).interactions[0].body
    assert b"".join(bug.chunks) in whole if fault == "eof" else b'"error"' in b"".join(bug.chunks)
    assert "not whole" in str(bug)


def test_a_reset_that_is_swallowed_is_a_bug() -> None:
    """The text that had come until then passes for the answer."""

    def swallowing() -> str:
        parser, text = StreamParser(), ""
        try:
            for chunk in body(STORY):
                text += "".join(event.text for event in parser.feed(chunk))
        except httpx.HTTPError:
            pass
        return text

    for fault in ("reset", "close"):
        with pytest.raises(ClientBug, match=rf"{fault}@head"):
            check_client(swallowing, STORY, faults=[fault])


def test_a_loop_that_loses_what_is_cut_is_a_bug_of_a_chunking() -> None:
    """The message has the chunking, what was expected, and what came."""

    def per_chunk() -> str:
        text = ""
        for chunk in body(STORY):
            for line in chunk.split(b"\r\n"):
                if line.startswith(b"data: ") and line.endswith(b"}"):
                    event = json.loads(line[len(b"data: ") :])
                    text += "".join(part.get("text", "") for part in event["candidates"][0]["content"]["parts"])
        return text

    assert list(check_client(per_chunk, STORY, chunkings=["whole", "events"], faults=[])) == [
        "chunking whole",
        "chunking events",
    ]
    with pytest.raises(ClientBug, match="chunking inside-events") as raised:
        check_client(per_chunk, STORY, faults=[])
    whole = Cassette.load(STORY).interactions[0]
    assert b"".join(raised.value.chunks) == whole.body
    assert raised.value.got != Outcome(whole.text)
    assert whole.text[:10] in raised.value.expected


def test_the_callers_own_predicate_says_what_is_complete() -> None:
    """It replaces the comparison with an honest short answer."""
    call = lambda: with_reason(STORY)  # noqa: E731  # it stands for the user's
    check_client(call, STORY, complete=lambda result: result[1] == "STOP" and not result[2])
    with pytest.raises(ClientBug):
        check_client(call, STORY, complete=lambda result: True)


def test_a_client_that_asks_again_is_right() -> None:
    """The recorded response is there for the second request."""

    def retrying() -> str:
        for _ in range(2):
            try:
                return careful(STORY)
            except (RuntimeError, httpx.HTTPError):
                continue
        raise RuntimeError("twice")

    outcomes = check_client(retrying, STORY)
    assert {outcome.error for outcome in outcomes.values()} == {None}


def test_async_calls_are_run() -> None:
    """A coroutine function, with an async client."""
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

    assert check_client(call, STORY)["chunking bytes"].result == Cassette.load(STORY).interactions[0].text


def test_async_calls_are_run_beside_a_loop_that_is_running() -> None:
    """As in a test of pytest-asyncio."""

    async def call() -> str:
        await asyncio.sleep(0)
        return careful(STORY)

    async def test() -> None:
        assert "chunking bytes" in check_client(call, STORY)

    asyncio.run(test())


def test_a_call_that_fails_on_whole_answers_raises_its_own_error() -> None:
    """Else it would be right under every fault."""

    def call() -> str:
        careful(STORY)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        check_client(call, STORY)


def test_each_response_of_a_call_breaks_off_in_turn() -> None:
    """A call of two exchanges: an error in the second names it."""
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

    with pytest.raises(ClientBug, match="request=2"):
        check_client(call, path)


def test_an_error_answer_is_the_same_error_in_every_chunking() -> None:
    """And has no faults: there is no whole answer that could be cut short."""
    path = FOLDER / "429.jsonl"
    request = Cassette.load(path).interactions[0].request

    def call() -> str:
        with httpx.Client() as client, client.stream("POST", request.url, json=request.json) as response:
            response.read()
            return response.raise_for_status().text

    outcomes = check_client(call, path)
    assert {type(outcome.error) for outcome in outcomes.values()} == {httpx.HTTPStatusError}
    assert len(outcomes) == len(CHUNKINGS)


def test_google_genai_keeps_its_chunks_apart_from_whole_answers() -> None:
    """The real SDK: its chunks tell by their finish reason, its bare text does not."""
    genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
    request = Cassette.load(STORY).interactions[0].request

    def chunks() -> list[tuple[str | None, Any]]:
        client = genai.Client(api_key="none")
        stream = client.models.generate_content_stream(model=request.model, contents=prompt)
        return [(chunk.text, chunk.candidates and chunk.candidates[0].finish_reason) for chunk in stream]

    prompt = request.json["contents"][0]["parts"][0]["text"]
    matching = ("method", "model", "action")
    check_client(chunks, STORY, match=matching)
    with pytest.raises(ClientBug):
        check_client(lambda: "".join(text or "" for text, _ in chunks()), STORY, match=matching)


def test_a_call_that_the_cassette_does_not_answer_is_a_miss() -> None:
    """Also where the call swallows it."""

    def call() -> str:
        try:
            return httpx.post("https://generativelanguage.googleapis.com/v1/models/m:streamGenerateContent").text
        except Exception:
            return ""

    with pytest.raises(MissError):
        check_client(call, STORY)


def test_results_that_cannot_be_compared_are_refused() -> None:
    """Nothing would be the same for any chunking."""
    with pytest.raises(UsageError, match="cannot be compared"):
        check_client(lambda: (only_text(STORY), object()), STORY)


def test_results_that_say_nothing_are_refused() -> None:
    """A call that does not understand the stream at all would pass otherwise."""
    with pytest.raises(UsageError, match="says nothing of the answer"):
        check_client(lambda: len(list(body(STORY))) > 0, STORY)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"chunkings": ["byte"]}, r"Unknown chunking 'byte'(?s:.*)'bytes'"),
        ({"faults": ["resets"]}, r"Unknown kind of fault 'resets'(?s:.*)'reset'"),
    ],
    ids=["chunking", "fault"],
)
def test_unknown_names_are_told_with_the_nearest(given: dict[str, Any], message: str) -> None:
    """Before anything runs."""
    with pytest.raises(UsageError, match=message):
        check_client(lambda: "", STORY, **given)


def test_a_cassette_may_be_given_as_an_object_and_is_not_changed() -> None:
    """Its own chunks do not matter: it is cut anew each time."""
    cassette = Cassette.load(STORY)
    lump = replace(cassette.interactions[0], chunks=(Chunk(0.0, cassette.interactions[0].body),))
    cassette.interactions[:] = [lump]
    before = cassette.dumps()
    check_client(lambda: careful(STORY), cassette)
    assert cassette.dumps() == before
