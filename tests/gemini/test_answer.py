"""Answers: what all events of a stream say together."""

from __future__ import annotations

from typing import Any

import pytest
from support.messages import message

from gemini_replay.gemini import (
    Event,
    collect,
)
from gemini_replay.provider import ApiError


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
