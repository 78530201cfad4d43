"""Events, answers and parsers: what a stream says, in every framing and wrapping."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay import frames
from gemini_replay.errors import FrameError, FrameTooLargeError, UsageError
from gemini_replay.gemini import (
    Event,
    InlineData,
    Malformed,
    StreamParser,
    aparse_stream,
    collect,
    error_objects,
    parse_stream,
    spelling,
)
from gemini_replay.provider import ApiError

KEYS = [
    "candidates",
    "content",
    "parts",
    "text",
    "thought",
    "functionCall",
    "partialArgs",
    "jsonPath",
    "args",
    "name",
    "inlineData",
    "data",
    "usageMetadata",
    "promptFeedback",
    "error",
    "details",
    "response",
    "sdkHttpResponse",
    "body",
    "headers",
    "index",
    "finishReason",
    "blockReason",
    "code",
]


def message(*parts: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [*parts]}, **candidate}]}


class TestEvent:
    """One decoded message."""

    def test_text_and_thoughts_stay_apart(self) -> None:
        """A thought part is no answer; order within each is kept."""
        event = Event(message({"text": "a"}, {"text": "t", "thought": True}, {}, {"text": "b"}))
        assert (event.text, event.thoughts, len(event.parts)) == ("ab", "t", 4)

    def test_everything_that_an_event_can_say(self) -> None:
        """Each accessor finds its field."""
        body = {
            **message(
                {"inlineData": {"mimeType": "image/png", "data": "QUI="}},
                {"functionCall": {"name": "f", "args": {"x": 1}}},
                finishReason="STOP",
                index=0,
            ),
            "usageMetadata": {"totalTokenCount": 3},
            "promptFeedback": {"blockReason": "SAFETY"},
            "responseId": "r",
            "modelVersion": "m",
            "turnToken": "kept",
        }
        event = Event(body)
        assert event.json is body
        assert event.inline_data == (InlineData("image/png", "QUI="),)
        assert event.inline_data[0].decode() == b"AB"
        assert event.function_calls == ({"name": "f", "args": {"x": 1}},)
        assert (event.finish_reason, event.block_reason) == ("STOP", "SAFETY")
        assert (event.usage, event.response_id, event.model_version) == (
            {"totalTokenCount": 3},
            "r",
            "m",
        )
        assert event.error is None

    def test_snake_case_says_the_same(self) -> None:
        """Some gateways send it."""
        event = Event(
            {
                **message({"inline_data": {"mime_type": "a/b", "data": ""}}, finish_reason="STOP"),
                "usage_metadata": {"total_token_count": 3},
                "prompt_feedback": {"block_reason": "OTHER"},
                "response_id": "r",
                "model_version": "m",
            }
        )
        assert event.inline_data == (InlineData("a/b", ""),)
        assert (event.finish_reason, event.block_reason, event.usage) == (
            "STOP",
            "OTHER",
            {"total_token_count": 3},
        )
        assert (event.response_id, event.model_version) == ("r", "m")

    @pytest.mark.parametrize(
        ("wire", "reason"),
        [
            ("MAX_TOKENS", "MAX_TOKENS"),
            (1, "1"),
            (0, None),
            ("FINISH_REASON_UNSPECIFIED", None),
            ("", None),
            (None, None),
        ],
    )
    def test_a_finish_reason_is_a_string_or_none(self, wire: Any, reason: str | None) -> None:
        """The wire may carry the enum's number; its zero says nothing."""
        assert Event(message(finishReason=wire)).finish_reason == reason

    def test_accessors_tell_of_the_first_candidate(self) -> None:
        """By index where there is one, wherever it stands in the list."""
        first = message({"text": "0"}, index=0)["candidates"]
        second = message({"text": "1"}, index=1, finishReason="STOP")["candidates"]
        assert Event({"candidates": second + first}).text == "0"
        assert Event({"candidates": second}).text == ""
        assert Event({"candidates": second}).finish_reason is None

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda inner: {**inner, "sdkHttpResponse": {"headers": {"x-id": 7}}},
            lambda inner: {"sdkHttpResponse": {"headers": {"x-id": "7"}}, "response": inner},
            lambda inner: {"response": {**inner, "sdk_http_response": {"headers": {"x-id": "7"}}}},
            lambda inner: {"sdkHttpResponse": {"headers": {"x-id": "7"}, "body": json.dumps(inner)}},
            lambda inner: [{**inner, "sdkHttpResponse": {"headers": {"x-id": "7"}}}],
        ],
        ids=["beside", "beside a wrapper", "within a wrapper", "around", "array"],
    )
    def test_wrapped_events_say_the_same(self, wrap: Any) -> None:
        """Gateways add response headers, or put the message into something else."""
        event = Event(wrap(message({"text": "a"}, finishReason="STOP")))
        assert (event.text, event.finish_reason) == ("a", "STOP")
        if isinstance(event.json, dict):
            assert event.http_headers == {"x-id": "7"}
        assert Event(wrap({"error": {"code": 1, "message": "m"}})).error == ApiError(1, "m")

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(KEYS),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        )
    )
    def test_no_shape_makes_an_accessor_fail(self, value: Any) -> None:
        """Any JSON value may come."""
        event = Event(value)
        assert isinstance(event.text + event.thoughts, str)
        assert isinstance(event.http_headers, dict | type(event.http_headers))
        assert event.error is None or isinstance(event.error.message, str)
        answer = collect([event])
        assert (answer.usage or None) == (event.usage or None)
        assert answer.finish_reason == event.finish_reason
        assert event.json is value


class TestApiError:
    """Error objects."""

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ({"error": {"code": 429, "message": "m", "status": "S"}}, ApiError(429, "m", "S")),
            ([{"error": {"code": "503", "message": "m"}}], ApiError(503, "m")),
            ({"error": "overloaded"}, ApiError(None, "overloaded")),
            ({"error": {}}, ApiError(None, "")),
            ({"error": None}, None),
            ({"error": False}, None),
            ([], None),
        ],
    )
    def test_forms(self, value: Any, expected: ApiError | None) -> None:
        """Google's, Vertex AI's array around it, and what gateways make of it."""
        assert Event(value).error == expected

    @pytest.mark.parametrize(
        ("delay", "seconds"),
        [("26s", 26.0), ("1.5s", 1.5), ("soon", None), (None, None), (5, None)],
    )
    def test_retry_delay(self, delay: Any, seconds: float | None) -> None:
        """Seconds, of the RetryInfo detail only."""
        details = [
            None,
            {"retryDelay": "9s"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
        ]
        error = Event({"error": {"details": details}}).error
        assert error is not None
        assert error.retry_delay == seconds
        assert len(error.details) == 2


class TestAnswer:
    """What all events together say."""

    def test_events_add_up(self) -> None:
        """Text is joined, counts and reasons are the last ones given."""
        answer = collect(
            [
                Event({**message({"text": "a"}), "usageMetadata": {"p": 1, "q": 1}, "responseId": "r"}),
                Event(
                    message(
                        {"text": "t", "thought": True},
                        {"functionCall": {"name": "f", "willContinue": True}},
                    )
                ),
                Event(
                    {
                        **message({"functionCall": {}}, {"text": "b"}, finishReason="STOP"),
                        "usageMetadata": {"q": 2},
                    }
                ),
                Event({"modelVersion": "m"}),
            ]
        )
        assert (answer.text, answer.thoughts, answer.usage) == ("ab", "t", {"p": 1, "q": 2})
        assert [(call.name, call.complete) for call in answer.function_calls] == [("f", True)]
        assert (answer.finish_reason, answer.response_id, answer.model_version) == (
            "STOP",
            "r",
            "m",
        )
        assert answer.complete

    @pytest.mark.parametrize(
        ("events", "complete"),
        [
            ([], False),
            ([message({"text": "half"})], False),
            ([message(finishReason="MAX_TOKENS")], True),
            ([message(finishReason="CONTINUATION")], False),
            ([{"promptFeedback": {"blockReason": "SAFETY"}}], True),
            ([message(finishReason="STOP"), {"error": {"code": 503}}], False),
            ([message(finishReason="STOP"), {"usageMetadata": {}}], True),
        ],
    )
    def test_complete(self, events: list[Any], complete: bool) -> None:
        """A reason to end, and no error, also none behind it."""
        assert collect(map(Event, events)).complete is complete

    def test_the_last_reason_counts(self) -> None:
        """And events without one take nothing back."""
        events = [message(finishReason="OTHER"), message(finishReason="STOP"), message({"text": ""})]
        assert collect(map(Event, events)).finish_reason == "STOP"

    def test_the_first_error_counts(self) -> None:
        """What follows may be its consequence."""
        assert collect([Event({"error": "a"}), Event({"error": "b"})]).error == ApiError(None, "a")


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
    """Bytes to events."""

    @pytest.mark.parametrize("name", STREAMS)
    def test_every_form_says_the_same(self, name: str) -> None:
        """With the error at its end, strict, at every cut."""
        wire = STREAMS[name]
        for cut in range(len(wire)):
            events = list(parse_stream([wire[:cut], wire[cut:]], strict=True))
            assert [event.json for event in events[:-1]] == EVENTS
            assert events[-1].error == ApiError(503, "over", "UNAVAILABLE")
            assert all(event.frame is not None for event in events)

    def test_events_come_before_the_next_chunk_is_pulled(self) -> None:
        """A consumer sees what has arrived."""
        pulled = 0

        def chunks() -> Iterator[bytes]:
            nonlocal pulled
            for event in EVENTS:
                pulled += 1
                yield frames.encode_sse(spelling.dumps(event))

        for count, event in enumerate(parse_stream(chunks()), start=1):
            assert (pulled, event.json) == (count, EVENTS[count - 1])

    def test_asynchronous_streams_are_parsed_alike(self) -> None:
        """Event for event, before the next chunk, and with the same errors."""
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
        """Bytes are no iterable of chunks."""
        assert len(list(parse_stream(STREAMS["google"]))) == 4

    def test_lenient_lists_what_is_no_json(self) -> None:
        """With its place; the rest is decoded."""
        parser = StreamParser()
        events = parser.feed(b'data: {}\n\ndata: {"a":\n\ndata:\n\ndata: [DONE]\n\ndata: 1\n\ndata: {"b"')
        events += parser.close()
        assert [event.json for event in events] == [{}, 1]
        assert [malformed.offset for malformed in parser.malformed] == [10, 23, 53]
        assert all(isinstance(malformed, Malformed) and malformed.reason for malformed in parser.malformed)

    @pytest.mark.parametrize("text", ["{", "", "NaN", '{"a": Infinity}', "[" * 100_000, "1" * 5000])
    def test_strict_raises_for_what_is_no_json(self, text: str) -> None:
        """Behind the events before it, with the frame's offset, again and again."""
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
    def test_errors_come_behind_the_events_before_them(
        self, wire: bytes, settings: dict[str, Any], error: type[FrameError]
    ) -> None:
        """And before another chunk is pulled."""

        def chunks() -> Iterator[bytes]:
            yield wire
            pytest.fail("pulled on")

        stream = parse_stream(chunks(), **settings)
        assert next(stream).json == {}
        with pytest.raises(error):
            next(stream)

    def test_a_prescribed_framing_and_the_one_found(self) -> None:
        """The parser tells which it is."""
        parser = StreamParser()
        assert parser.framing is None
        parser.feed(b" [")
        assert parser.framing == "json-array"
        assert StreamParser(framing="sse").framing == "sse"

    def test_a_closed_parser_takes_nothing_more(self) -> None:
        """As the decoders."""
        parser = StreamParser()
        parser.close()
        with pytest.raises(UsageError):
            parser.feed(b"x")

    def test_an_unfinished_event_is_yielded_or_discarded(self) -> None:
        """Real bodies end without their last blank line."""
        assert len(list(parse_stream(b"data: {}\n"))) == 1
        assert list(parse_stream(b"data: {}\n", final="discard")) == []


class TestCorpus:
    """Recorded bodies, as their index describes them."""

    def test_events_and_framing(self, corpus_entry: Any) -> None:
        """The stated number of events, none malformed, whole, byte by byte, and at random cuts."""
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
            assert [event.frame for event in events] == [event.frame for event in whole]
            assert parser.malformed == []
            assert parser.framing == corpus_entry["framing"]

    def test_what_the_index_says_is_found(self, corpus_entry: Any) -> None:
        """Finish and block reasons, errors, calls, thoughts and text."""
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
