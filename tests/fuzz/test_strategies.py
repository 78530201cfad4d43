"""The strategies, with plain ``@given``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from gemini_replay import Cassette, StreamParser, fuzz
from gemini_replay.cassette.model import End, Interaction, Request
from gemini_replay.errors import UsageError
from gemini_replay.fuzz.verdicts import same

pytestmark = pytest.mark.usefixtures("unmeasured")

CASSETTES = Path(__file__).parents[2] / "cassettes"
QUIET = settings(database=None, deadline=None)
REPEATABLE = settings(QUIET, derandomize=True)
"""For a search of the least value: Hypothesis stops at another one for a few seeds."""


def values_of(chunks: list[bytes]) -> list[Any]:
    parser = StreamParser()
    return [event.json for chunk in chunks for event in parser.feed(chunk)] + [event.json for event in parser.close()]


@pytest.mark.parametrize("profile", ["gemini", "gateway", "sse", "json-array"])
@given(data=st.data())
def test_streams_hold_what_they_say(profile: str, data: st.DataObject) -> None:
    """Our own parser finds the expected values in each stream, however it is cut."""
    stream = data.draw(fuzz.event_streams(profile=profile))
    chunks = data.draw(fuzz.chunkings(stream.body))
    assert same(values_of(chunks), stream.expected)


def test_hostile_streams_have_no_one_right_result() -> None:
    """The error names what to use instead; an unknown profile names the nearest."""
    with pytest.raises(UsageError, match="corruptions"):
        fuzz.event_streams(profile="hostile")
    with pytest.raises(UsageError, match="'gateway'"):
        fuzz.event_streams(profile="gatway")


@given(st.data(), st.binary(max_size=60), st.booleans())
def test_chunkings_join_to_the_data(data: st.DataObject, body: bytes, empty: bool) -> None:
    """Empty chunks only where they are asked for; of no data, one empty chunk."""
    chunks = data.draw(fuzz.chunkings(body, empty=empty))
    assert b"".join(chunks) == body
    assert empty or all(chunks) or chunks == [b""]


@pytest.mark.parametrize("profile", ["gemini", "gateway", "sse", "json-array"])
@given(data=st.data())
def test_cut_streams_hold_what_they_say(profile: str, data: st.DataObject) -> None:
    """The chunks are the stream, and what must come out of them does."""
    stream = data.draw(fuzz.cut_streams(profile=profile))
    assert b"".join(stream.chunks) == stream.document.body
    assert same(values_of(stream.chunks), stream.expected)
    stream.check(lambda chunks: values_of(list(chunks)))


def test_cut_streams_shrink() -> None:
    """Towards a small stream in one chunk; where a cut matters, to one cut."""
    least = find(fuzz.cut_streams(), lambda stream: True, settings=REPEATABLE)
    assert len(least.chunks) == 1
    assert len(least.chunks[0]) < 40
    assert len(find(fuzz.cut_streams(), lambda stream: len(stream.chunks) > 1, settings=REPEATABLE).chunks) == 2


def test_chunkings_shrink_towards_whole() -> None:
    """Any is one chunk at its smallest, and a cut somewhere is one cut."""
    assert find(fuzz.chunkings(b"abcdef"), lambda chunks: True, settings=QUIET) == [b"abcdef"]
    assert len(find(fuzz.chunkings(b"abcdef" * 9), lambda chunks: len(chunks) > 1, settings=QUIET)) == 2


@given(fuzz.gemini_events())
def test_events_are_json(event: Any) -> None:
    """They are objects that survive a round trip; and shrink to one short text."""
    assert same(json.loads(json.dumps(event)), event)


def test_events_shrink() -> None:
    """To the smallest message that there is."""
    assert find(fuzz.gemini_events(), lambda event: True, settings=QUIET) == {"responseId": ""}


@given(fuzz.corruptions(b'data: {"a": 1}\r\n\r\n'))
def test_corruptions_are_small(damaged: bytes) -> None:
    """A few bytes more or fewer, or other bytes."""
    assert len(damaged) <= 18 + 3 * 8
    assert damaged != b'data: {"a": 1}\r\n\r\n'


def test_corruptions_are_found() -> None:
    """There is one that drops something, one that adds something, and one that cuts the end off."""
    body = b'data: {"a": 1}\r\n\r\n'
    for wanted in (lambda one: len(one) < len(body), lambda one: len(one) > len(body), lambda one: one == body[:7]):
        find(fuzz.corruptions(body), wanted, settings=settings(QUIET, max_examples=2000))


@given(stream=fuzz.from_cassette(CASSETTES / "story.jsonl"), data=st.data())
def test_cassettes_give_their_streams(stream: fuzz.Document, data: st.DataObject) -> None:
    """With the events that the cassette has."""
    recorded = [one for one in Cassette.load(CASSETTES / "story.jsonl").interactions if one.body]
    assert stream.body in [one.body for one in recorded]
    assert same(values_of(data.draw(fuzz.chunkings(stream.body))), stream.expected)


def test_a_cassette_without_bodies_is_refused(tmp_path: Path) -> None:
    """There is nothing to draw from."""
    path = tmp_path / "empty.jsonl"
    asked = Request("POST", "https://example.com/models/m:streamGenerateContent")
    Cassette([Interaction(asked, None, (), End("reset"))]).save(path)
    with pytest.raises(UsageError, match="no response with a body"):
        fuzz.from_cassette(path)
