"""StreamParser: limits on how many functions it calls, so that it stays fast."""

from __future__ import annotations

import pytest
from support.calls import calls_of

from gemini_replay.frames import encode_sse
from gemini_replay.gemini import StreamParser
from gemini_replay.gemini.spelling import dumps, encode_array, pretty

MESSAGE = {"candidates": [{"content": {"parts": [{"text": "The moon. 月亮。"}]}}]}
FIRST = 20  # events or elements before the counted ones
COUNTED = 200


def wire_of(framing: str) -> list[bytes]:
    """The chunks of this many events, one each, and the end of the array."""
    count = FIRST + COUNTED
    if framing == "sse":
        return [encode_sse(dumps(MESSAGE))] * count
    return encode_array([{"pretty": pretty, "compact": dumps}[framing](MESSAGE)] * count)[:count]


@pytest.mark.parametrize(("framing", "together", "alone"), [("sse", 10, 16), ("pretty", 10, 30), ("compact", 10, 30)])
def test_calls_for_each_event(framing: str, together: int, alone: int) -> None:
    """Many events in one chunk take fewer calls than events in chunks of their own."""
    chunks = wire_of(framing)
    for parts, bound in (([b"".join(chunks[FIRST:])], together), (chunks[FIRST:], alone)):
        parser = StreamParser()
        parser.feed(b"".join(chunks[:FIRST]))
        events: list[object] = []

        def feed(parser: StreamParser = parser, parts: list[bytes] = parts, events: list[object] = events) -> None:
            for part in parts:
                events += parser.feed(part)

        assert calls_of(feed) <= bound * COUNTED
        assert len(events) == COUNTED


@pytest.mark.parametrize("framing", ["sse", "pretty", "compact"])
def test_calls_for_a_chunk_without_the_end_of_an_event(framing: str) -> None:
    """A piece of a line or an object is kept, and not examined twice."""
    chunk = wire_of(framing)[1]
    at = chunk.index(b"text") + 8
    parser = StreamParser()
    parser.feed(wire_of(framing)[0] + chunk[:at])
    assert calls_of(lambda: parser.feed(chunk[at : at + 8])) <= 4
    assert len(parser.feed(chunk[at + 8 :])) == 1
