"""The arguments that `check_client` accepts and refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from support.whole_calls import STORY, body, bugs_of, careful, hopeful, hopeful_whole, with_reason

from gemini_replay import Cassette, StreamParser
from gemini_replay.cassette.model import Chunk
from gemini_replay.errors import MissError, UsageError
from gemini_replay.faults import ClientReport, Outcome, check_client


def test_the_callers_own_predicate_decides_what_is_complete() -> None:
    """The predicate replaces the comparison with a complete prefix."""
    kinds = ["eof", "error", "duplicate"]
    report = check_client(
        with_reason, STORY, kinds=kinds, complete=lambda result: result[1] == "STOP" and not result[2]
    )
    assert {one.effect for one in report.results} <= {"tells", "changed", "whole"}
    assert bugs_of(with_reason, kinds=["eof"], complete=lambda result: True).bugs


def test_async_calls_are_run() -> None:
    """A coroutine function with an async client is run, also while another event loop is running."""
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
    """Otherwise the call would pass under every fault."""

    def call() -> str:
        careful()
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        check_client(call, STORY)


def test_a_call_that_the_cassette_does_not_answer_is_a_miss() -> None:
    """The miss is raised even if the call swallows it."""

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
    """With such results, either every variation would be a bug, or none."""
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
    """The error comes before anything runs, and names the closest known name."""
    with pytest.raises(UsageError, match=message):
        check_client(lambda: "", STORY, **given)


def test_a_cassette_may_be_given_as_an_object_and_is_not_changed() -> None:
    """The cassette counts as it is in memory, whatever its file holds."""
    cassette = Cassette.load(STORY)
    cassette.interactions[:] = [replace(one, chunks=(Chunk(0.0, one.body),)) for one in cassette.interactions]
    before = cassette.dumps()
    check_client(careful, cassette, kinds=["eof"], most=2)
    assert cassette.dumps() == before
