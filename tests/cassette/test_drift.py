"""How an answer differs in form from its recording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from support.cassettes import streaming
from support.streams import event, events

from gemini_replay.cassette.drift import drift
from gemini_replay.cassette.matching import IgnoredDrift
from gemini_replay.cassette.model import End, Interaction, Response
from gemini_replay.frames import encode_sse
from gemini_replay.gemini.spelling import dumps


def told(recorded: Interaction, live: Interaction, ignored: Iterable[str] = ()) -> list[str]:
    return [str(one) for one in drift(recorded, live, IgnoredDrift(ignored))]


def saying(*values: Any) -> Interaction:
    """An answer of these events."""
    return streaming(*(encode_sse(dumps(value)) for value in values))


def headed(status: int = 200, **headers: str) -> Interaction:
    """The story with this head."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return replace(streaming(*events(3)), response=Response(status, pairs))


def test_other_words_times_and_cuts_are_no_drift() -> None:
    """Nor is another number of events."""
    assert told(streaming(*events(3)), streaming(*events(7), gap=0.5, after=3)) == []
    assert told(saying({"responseId": "a", "n": 5}), saying({"responseId": "b", "n": 9.5})) == []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": {"d": 1}}}, "body.a.c: new (object)"),
        ({"a": {"b": [{"c": 1}]}}, {"a": {}}, "body.a.b: gone (was array)"),
        ({"a": {"b": 1}}, {"a": "text"}, "body.a: object → string"),
        ({"a": "text"}, {"a": {"b": 1}}, "body.a: string → object"),
        ({"a": 1}, {"a": None}, "body.a: number → null"),
        ({"a b": 1}, {"a b": ""}, 'body["a b"]: number → string'),
        ({"finishReason": "STOP"}, {"finishReason": "SAFETY"}, 'body.finishReason: "STOP" → "SAFETY"'),
        ({"error": {"code": 503}}, {"error": {"code": 429}}, "body.error.code: 503 → 429"),
    ],
)
def test_a_change_of_a_field_is_one_line(old: Any, new: Any, line: str) -> None:
    """What is within it follows from it."""
    assert told(saying(old), saying(new)) == [line]
    assert told(saying(old), saying(old)) == []


def test_fewer_types_or_values_are_no_drift() -> None:
    """A client that could read the recording can read the answer."""
    assert told(saying({"a": 1}, {"a": None}), saying({"a": 2})) == []
    assert told(saying({"role": "model"}, {"role": "user"}), saying({"role": "user"})) == []


def test_what_comes_and_goes_by_nature_is_no_drift() -> None:
    """Thoughts and sources, for example; but another type of them is."""
    plain = {"candidates": [{"content": {"parts": [{"text": "x"}]}}]}
    thinking = {"candidates": [{"content": {"parts": [{"text": "x", "thought": True}]}, "safetyRatings": []}]}
    assert told(saying(plain), saying(thinking)) == told(saying(thinking), saying(plain)) == []
    searched = {"groundingMetadata": {"webSearchQueries": ["a"]}}
    assert told(saying(searched), saying({"groundingMetadata": {}})) == []
    assert told(saying(searched), saying({"groundingMetadata": "none"})) == [
        "body.groundingMetadata: object → string"
    ]


def test_a_member_that_every_event_had() -> None:
    """It is drift if some do not have it any more; events of a new kind do not count."""
    text, usage = {"text": "x"}, {"usage": {}}
    every = "body.usage: in every event → only in some"
    assert told(saying({**text, **usage}, {**text, **usage}), saying(text, {**text, **usage})) == [every]
    assert told(saying({**text, **usage}), saying(text, {**text, **usage})) == []  # one event does not tell
    assert told(saying(text, {**text, **usage}), saying({**text, **usage})) == []
    with_error = saying({**text, **usage}, {**text, **usage}, {"error": {}})
    assert told(saying({**text, **usage}, {**text, **usage}), with_error) == ["body.error: new (object)"]


def test_of_another_status_only_the_error_is_told() -> None:
    """Everything else follows from it."""
    busy = saying({"error": {"code": 503, "message": "try later", "status": "UNAVAILABLE"}})
    assert busy.response is not None
    failed = replace(busy, response=replace(busy.response, status=503, headers=()))
    lines = ["status: 200 → 503", "error: new (503 UNAVAILABLE: try later)"]
    assert told(streaming(*events(3)), failed) == lines
    assert told(failed, streaming(*events(3))) == ["status: 503 → 200"]
    assert told(streaming(*events(3)), replace(failed, response=None))[0] == "status: 200 → no response"


def test_headers_that_matter() -> None:
    """The media type in any spelling, and whether some others are there; the rest is noise."""
    old = headed(content_type="text/event-stream; charset=UTF-8", date="a", server="b")
    assert told(old, headed(Content_Type='Text/Event-Stream;charset="utf-8"', x="y")) == []
    assert told(old, headed(content_type="application/json", deprecation="true")) == [
        "headers.content-type: text/event-stream; charset=utf-8 → application/json",
        "headers.deprecation: new (true)",
    ]
    assert told(headed(sunset="soon"), headed()) == ["headers.sunset: gone (was soon)"]


def test_how_the_answer_ended() -> None:
    """Not if its client closed it: then what is missing is its own doing."""
    whole = streaming(*events(3))
    assert told(whole, replace(whole, end=End("reset"))) == ["end: eof → reset"]
    assert told(whole, replace(whole, end=End("reset", how="closed"))) == ["end: eof → closed"]
    cut = replace(streaming(*events(3)[:1]), end=End("cancelled"))
    assert told(whole, cut) == told(cut, whole) == []
    more = streaming(event("a", novel=1))
    assert told(whole, replace(more, end=End("cancelled"))) == ["body.candidates[*].novel: new (number)"]


def test_a_body_that_is_no_stream_any_more() -> None:
    """Text in its place, or frames that cannot be read among the others."""
    assert told(streaming(*events(2)), streaming(b"<html>")) == ["body: object → no JSON"]
    broken = streaming(*events(2), b"data: {broken\r\n\r\n")
    assert told(streaming(*events(2)), broken) == ["body: object → no JSON or object"]


def test_a_body_that_is_stored_compressed_is_told() -> None:
    """Its fields cannot be compared."""
    plain = streaming(*events(2))
    assert plain.response is not None
    wire = replace(plain, response=replace(plain.response, body="wire"))
    assert told(wire, plain) == ["body: compressed (the setting wire) → not compared"]


@pytest.mark.parametrize("path", ["body.usage.*", "body.usage", "body.*", "headers.sunset"])
def test_drift_can_be_ignored_by_its_path(path: str) -> None:
    """With all that is within; the rest is told."""
    old, new = saying({"usage": {"a": 1}, "list": [1]}), saying({"usage": {"a": 1, "b": [{"c": 1}]}, "list": [""]})
    lines = ["body.usage.b: new (array)", "body.list[*]: number → string"]
    assert told(old, new) == lines
    left = {"body.*": [], "headers.sunset": lines}.get(path, lines[1:])
    assert told(old, new, [path]) == left
    assert told(old, new, ["body.list[*]", path]) == [line for line in left if "list" not in line]
