"""Events: the accessors of one decoded message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import message

from gemini_replay.gemini import (
    Event,
    InlineData,
    collect,
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


class TestEvent:
    """One decoded message."""

    def test_text_and_thoughts_are_separate(self) -> None:
        """A thought part does not belong to the text; the order within each is kept."""
        event = Event(message({"text": "a"}, {"text": "t", "thought": True}, {}, {"text": "b"}))
        assert (event.text, event.thoughts, len(event.parts)) == ("ab", "t", 4)

    def test_everything_that_an_event_can_say(self) -> None:
        """Each accessor returns its field."""
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

    def test_snake_case_is_understood(self) -> None:
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
        """The wire may carry the enum's number; zero means that there is none."""
        assert Event(message(finishReason=wire)).finish_reason == reason

    def test_accessors_use_the_first_candidate(self) -> None:
        """If candidates have an index, the first is the one with index 0, wherever it stands in the list."""
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
    def test_wrapped_events_are_understood(self, wrap: Any) -> None:
        """Gateways add response headers, or wrap the message in an object or array."""
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
        """An event may be any JSON value."""
        event = Event(value)
        assert isinstance(event.text + event.thoughts, str)
        assert isinstance(event.http_headers, dict | type(event.http_headers))
        assert event.error is None or isinstance(event.error.message, str)
        answer = collect([event])
        assert (answer.usage or None) == (event.usage or None)
        assert answer.finish_reason == event.finish_reason
        assert event.json is value
