"""The embedded upstream needs a key, as Google does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gemini_replay.server import upstream

MODEL = "models/gemini-2.5-flash:streamGenerateContent"
VERTEX = "projects/p-1/locations/europe-west6/publishers/google"
Fetch = Callable[..., Any]


class TestKeys:
    """A key is needed, as with Google's server."""

    @pytest.mark.parametrize(
        ("headers", "query", "place"),
        [
            ({"x-goog-api-key": "right"}, "", "header"),
            ({}, "&key=right", "query"),
            ({"authorization": "Bearer right"}, "", "bearer"),
        ],
        ids=["header", "query", "bearer"],
    )
    def test_a_key_is_accepted_in_every_place(
        self, fetch: Fetch, headers: dict[str, str], query: str, place: str
    ) -> None:
        """The right key is read from each place, and the kept requests do not show it."""
        with upstream.start(key="right", pace=0) as server:
            answer = fetch(server.url, f"/v1/{MODEL}?alt=sse{query}", key=None, headers=headers)
            assert answer.status == 200
            assert server.requests[0].key_place == place
            assert "right" not in repr(server.requests)

    @pytest.mark.parametrize(
        ("headers", "query", "status", "reason"),
        [
            ({"x-goog-api-key": "wrong"}, "", 400, "API_KEY_INVALID"),
            ({}, "&key=wrong", 400, "API_KEY_INVALID"),
            ({"authorization": "Bearer wrong"}, "", 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ],
        ids=["header", "query", "bearer"],
    )
    def test_a_wrong_key_is_refused(
        self, fetch: Fetch, headers: dict[str, str], query: str, status: int, reason: str
    ) -> None:
        """A wrong API key is a 400 with ErrorInfo, a wrong Bearer token a 401. Neither key is echoed."""
        with upstream.start(key="right", pace=0) as server:
            answer = fetch(server.url, f"/v1/{MODEL}?alt=sse{query}", key=None, headers=headers)
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["code"]) == (status, status)
        assert error["details"][0]["reason"] == reason
        assert b"wrong" not in answer.body

    def test_no_key_is_403(self, fetch: Fetch, server: Any) -> None:
        """The Gemini API answers requests without a key with 403."""
        answer = fetch(server.url, key=None)
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["status"]) == (403, "PERMISSION_DENIED")
        assert "unregistered callers" in error["message"]

    def test_no_credentials_are_401_on_vertex(self, fetch: Fetch, server: Any) -> None:
        """Vertex AI answers requests without credentials with 401, in a list if alt=sse is missing."""
        answer = fetch(server.url, f"/v1/{VERTEX}/{MODEL}", key=None)
        (wrapped,) = json.loads(answer.body)
        assert (answer.status, wrapped["error"]["status"]) == (401, "UNAUTHENTICATED")

    def test_none_needs_no_key(self, fetch: Fetch) -> None:
        """With ``key=None``, every request is answered."""
        with upstream.start(key=None, pace=0) as server:
            assert fetch(server.url, key=None).status == 200
