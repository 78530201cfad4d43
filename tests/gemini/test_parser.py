"""Parsers turn bytes into events, in every framing and wrapping."""

from __future__ import annotations

import asyncio
import json
import random
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from support.messages import message

from gemini_replay import frames
from gemini_replay.errors import FrameError, FrameTooLargeError, UsageError
from gemini_replay.gemini import (
    Malformed,
    StreamParser,
    aparse_stream,
    collect,
    error_objects,
    parse_stream,
    spelling,
)
from gemini_replay.provider import ApiError

EVENTS = [message({"text": text}) for text in ("你好 ", '"{[\\', "\u2028🙂\n")]
ERROR = error_objects.encode_error(error_objects.error(503, "over"))
STREAMS = {
    "google": b"".join(frames.encode_sse(spelling.dumps(event)) for event in EVENTS) + ERROR,
    "array": b"".join(spelling.encode_array([*map(spelling.pretty, EVENTS), ERROR.decode()])),
    "gateway": b": hi\n\n"
    + b"".join(frames.encode_sse(json.dumps(event), newline="\n", space=False) for event in EVENTS)
    + b'data: {"error": {"code": 503, "message": "over", "status": "UNAVAILABLE"}}\n\ndata: [DONE]\n\n',
    "wrapped error": b"".join(frames.encode_sse(spelling.dumps(event)) for event in EVENTS) + b"[" + ERROR + b"]",
    "objects": b"".join(spelling.dumps(event).encode() + b"\n" for event in EVENTS) + ERROR,
}


class TestParsers:
    """Bytes are turned into events."""

    @pytest.mark.parametrize("name", STREAMS)
    def test_every_form_gives_the_same_events(self, name: str) -> None:
        """The events, and the error at the end, are the same in strict mode and at every cut."""
        wire = STREAMS[name]
        for cut in range(len(wire)):
            events = list(parse_stream([wire[:cut], wire[cut:]], strict=True))
            assert [event.json for event in events[:-1]] == EVENTS
            assert events[-1].error == ApiError(503, "over", "UNAVAILABLE")
            assert all(event.kind is not None for event in events)

    def test_a_parser_keeps_no_event_that_it_has_returned(self) -> None:
        """An event is gone as soon as its reader drops it."""
        parser = StreamParser()
        seen = [weakref.ref(event) for event in parser.feed(STREAMS["google"] + b"data: {}\n")]
        assert [event() for event in seen] == [None] * len(seen) != []
        seen = [weakref.ref(event) for event in parser.close()]
        assert [event() for event in seen] == [None]

    def test_events_come_before_the_next_chunk_is_pulled(self) -> None:
        """A consumer sees each event as soon as it has arrived."""
        pulled = 0

        def chunks() -> Iterator[bytes]:
            nonlocal pulled
            for event in EVENTS:
                pulled += 1
                yield frames.encode_sse(spelling.dumps(event))

        for count, event in enumerate(parse_stream(chunks()), start=1):
            assert (pulled, event.json) == (count, EVENTS[count - 1])

    def test_asynchronous_streams_are_parsed_alike(self) -> None:
        """The async parser gives the same events, each before the next chunk, and raises the same errors."""
        pulled: list[bytes] = []

        async def chunks() -> AsyncIterator[bytes]:
            for event in [*EVENTS, 5]:
                pulled.append(frames.encode_sse(spelling.dumps(event) if event != 5 else "nonsense"))
                yield pulled[-1]

        async def run() -> list[tuple[int, Any]]:
            seen = []
            with pytest.raises(FrameError, match="not JSON"):
                async for event in aparse_stream(chunks(), strict=True):
                    seen.append((len(pulled), event.json))
            return seen

        assert asyncio.run(run()) == list(enumerate(EVENTS, start=1))

    def test_a_whole_body_counts_as_one_chunk(self) -> None:
        """A bytes object is not treated as an iterable of chunks."""
        assert len(list(parse_stream(STREAMS["google"]))) == 4

    def test_lenient_lists_frames_that_are_not_json(self) -> None:
        """Each has its offset; the other frames are decoded."""
        parser = StreamParser()
        events = parser.feed(b'data: {}\n\ndata: {"a":\n\ndata:\n\ndata: [DONE]\n\ndata: 1\n\ndata: {"b"')
        events += parser.close()
        assert [event.json for event in events] == [{}, 1]
        assert [malformed.offset for malformed in parser.malformed] == [10, 23, 53]
        assert all(isinstance(malformed, Malformed) and malformed.reason for malformed in parser.malformed)

    @pytest.mark.parametrize(
        ("body", "events", "skipped"),
        [
            (b"data: {}\n\n", 1, 0),
            (b": hi\n\nevent: ping\nid: 1\nretry: 5\n\n \t\ndata: {}\n\ndata: [DONE]\n\n", 1, 0),
            (b'data: {"a": 1}\ndata: {"b": 2}\n', 0, 1),
            (b"data:\n\ndata: {}\n\ndata: nonsense\n\n", 1, 2),
            (b"<html>\n<p>502</p>\n</html>", 0, 3),
            (b'ata: {"a": 1}\n\nother: 1\ndata: {}\n\n', 1, 2),
            (b'[{}, nonsense, {"a":]', 1, 2),
            (b'{"a": 1}\nnonsense\n', 1, 1),
            (b"", 0, 0),
        ],
    )
    def test_what_gives_no_event_is_counted(self, body: bytes, events: int, skipped: int) -> None:
        """Frames that are not JSON, and lines that belong to no frame; not what gives none by design."""
        for chunks in ([body], [body[at : at + 1] for at in range(len(body))]):
            parser = StreamParser()
            assert len([*(event for chunk in chunks for event in parser.feed(chunk)), *parser.close()]) == events
            assert parser.skipped == skipped
            stream = parse_stream(chunks)
            assert len(list(stream)) == events
            assert stream.skipped == skipped
            assert stream.malformed == parser.malformed

    def test_asynchronous_streams_tell_what_they_skip(self) -> None:
        """So far, while they come; closed, they end."""

        async def chunks() -> AsyncIterator[bytes]:
            for chunk in (b"data: 1\n\n", b"data: nonsense\n\n", b"data: 2\n\n", b"data: 3\n\n"):
                yield chunk

        async def run() -> list[object]:
            stream = aparse_stream(chunks())
            seen: list[object] = [
                (await anext(stream)).json,
                stream.skipped,
                (await anext(stream)).json,
                stream.skipped,
            ]
            await stream.aclose()
            return [*seen, [event async for event in stream], len(stream.malformed)]

        assert asyncio.run(run()) == [1, 0, 2, 1, [], 1]

    def test_a_stream_that_is_closed_ends(self) -> None:
        """Nothing more is pulled."""
        stream = parse_stream([b"data: 1\n\n", b"data: 2\n\n"])
        assert next(stream).json == 1
        stream.close()
        assert list(stream) == []

    @pytest.mark.parametrize("text", ["{", "", "NaN", '{"a": Infinity}', "[" * 100_000, "1" * 5000])
    def test_strict_raises_for_frames_that_are_not_json(self, text: str) -> None:
        """The error has the frame's offset. It comes after the events before the frame, and on each later call."""
        parser = StreamParser(strict=True)
        assert len(parser.feed(b"data: {}\n\ndata: " + text.encode() + b"\n\ndata: {}\n\n")) == 1
        for call in (lambda: parser.feed(b"data: {}\n\n"), parser.close):
            with pytest.raises(FrameError, match="not JSON") as caught:
                call()
            assert caught.value.offset == 10

    @pytest.mark.parametrize(
        ("wire", "settings", "error"),
        [
            (b"data: {}\n\nnonsense\n", {"strict": True}, FrameError),
            (b"data: {}\n\ndata: 123456789\n\n", {"max_frame_bytes": 9}, FrameTooLargeError),
        ],
    )
    def test_errors_come_after_the_events_before_them(
        self, wire: bytes, settings: dict[str, Any], error: type[FrameError]
    ) -> None:
        """The error is raised before another chunk is pulled."""

        def chunks() -> Iterator[bytes]:
            yield wire
            pytest.fail("pulled on")

        stream = parse_stream(chunks(), **settings)
        assert next(stream).json == {}
        with pytest.raises(error):
            next(stream)

    def test_a_prescribed_framing_and_a_detected_one(self) -> None:
        """The parser's attribute names the framing in both cases."""
        parser = StreamParser()
        assert parser.framing is None
        parser.feed(b" [")
        assert parser.framing == "json-array"
        assert StreamParser(framing="sse").framing == "sse"

    def test_a_closed_parser_takes_nothing_more(self) -> None:
        """A closed parser behaves like a closed decoder."""
        parser = StreamParser()
        parser.close()
        with pytest.raises(UsageError):
            parser.feed(b"x")

    def test_an_unfinished_event_is_yielded_or_discarded(self) -> None:
        """Real bodies may lack their last blank line, so a setting decides what becomes of the last event."""
        assert len(list(parse_stream(b"data: {}\n"))) == 1
        assert list(parse_stream(b"data: {}\n", final="discard")) == []


class TestCorpus:
    """Recorded bodies match the description in their index."""

    def test_events_and_framing(self, corpus_entry: Any) -> None:
        """Each body has the stated number of well-formed events: whole, byte by byte, and at random cuts."""
        body, expected = corpus_entry["body"], corpus_entry["events"]
        whole = list(parse_stream(body))
        assert len(whole) == expected
        dice = random.Random(corpus_entry["name"])
        chunkings = [[body[at : at + 1] for at in range(len(body))]]
        for _ in range(5):
            cuts = sorted(dice.choices(range(len(body) + 1), k=dice.randint(1, 40)))
            chunkings.append([body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)])
        for chunks in chunkings:
            parser = StreamParser()
            events = [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()
            assert events == whole
            places = [(event.kind, event.offset) for event in whole]
            assert [(event.kind, event.offset) for event in events] == places
            assert parser.malformed == []
            assert parser.framing == corpus_entry["framing"]

    def test_the_contents_match_the_index(self, corpus_entry: Any) -> None:
        """Finish and block reasons, errors, calls, thoughts and text match."""
        answer = collect(parse_stream(corpus_entry["body"]))
        features = set(corpus_entry["features"])
        reasons = {feature.removeprefix("finish:") for feature in features if feature.startswith("finish:")}
        assert answer.finish_reason in (reasons or {None})
        blocked = [feature for feature in features if feature.startswith("blockReason:")]
        assert ([] if answer.block_reason is None else [f"blockReason:{answer.block_reason}"]) == blocked
        assert "text" in features or not answer.text
        assert bool(answer.thoughts) == ("thought-text" in features)
        assert bool(answer.function_calls) == ("functionCall" in features)
        assert (answer.error is not None) == ("error" in features)
        if answer.error:
            assert f"error:{answer.error.code}:{answer.error.status}" in features
            assert (answer.error.retry_delay is not None) == ("errdetail:RetryInfo" in features)
        assert all(call.complete and call.name for call in answer.function_calls)
