"""Answers: all events of a stream, added up."""

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
    """All events added up."""

    def test_events_add_up(self) -> None:
        """Texts are joined; of counts and reasons, the last ones are taken."""
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
        """An answer is complete if it has a finish reason and no error before or after it."""
        assert collect(map(Event, events)).complete is complete

    def test_the_last_reason_counts(self) -> None:
        """Later events without a finish reason do not remove it."""
        events = [message(finishReason="OTHER"), message(finishReason="STOP"), message({"text": ""})]
        assert collect(map(Event, events)).finish_reason == "STOP"

    def test_the_first_error_counts(self) -> None:
        """Later errors may be its consequences."""
        assert collect([Event({"error": "a"}), Event({"error": "b"})]).error == ApiError(None, "a")
