"""Error objects of any shape."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_replay.gemini import (
    Event,
)
from gemini_replay.provider import ApiError


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
        """Google's form, Vertex AI's array around it, and the forms of gateways are understood."""
        assert Event(value).error == expected

    @pytest.mark.parametrize(
        ("delay", "seconds"),
        [("26s", 26.0), ("1.5s", 1.5), ("soon", None), (None, None), (5, None)],
    )
    def test_retry_delay(self, delay: Any, seconds: float | None) -> None:
        """The delay in seconds comes from the RetryInfo detail only."""
        details = [
            None,
            {"retryDelay": "9s"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
        ]
        error = Event({"error": {"details": details}}).error
        assert error is not None
        assert error.retry_delay == seconds
        assert len(error.details) == 2
