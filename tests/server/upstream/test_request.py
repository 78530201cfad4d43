"""What the embedded upstream reads from a request: errors in it, and the scenario that answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gemini_replay.errors import UsageError
from gemini_replay.server import upstream

ASK = {"contents": [{"parts": [{"text": "Tell me a story."}]}]}
MODEL = "models/gemini-2.5-flash:streamGenerateContent"
Fetch = Callable[..., Any]


def _request(path: str = f"/v1beta/{MODEL}", query: str = "alt=sse") -> upstream.Received:
    return upstream.Received("POST", path, query, (), json.dumps(ASK).encode(), "header")


class TestBadRequests:
    """Bad requests get Google's errors."""

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b'{"contents": [', "Invalid JSON payload"),
            (b"\xed\xa0\x80", "Invalid JSON payload"),
            (b"\xff\xfe\xfd", "Invalid JSON payload"),
            (b"[" * 100_000, "Invalid JSON payload"),
            (b"[]", "Root element must be a message"),
            (b"", "contents is not specified"),
            (b"{}", "contents is not specified"),
            (b'{"contents": []}', "contents is not specified"),
            (b'{"contents": [{"role": "user"}]}', "contents.parts must not be empty"),
            (b'{"contents": ["text"]}', "contents.parts must not be empty"),
            (b'{"contents": [{"parts": 7}]}', "contents.parts must not be empty"),
        ],
        ids=[
            "cut JSON",
            "surrogate",
            "no UTF-8",
            "deep",
            "list",
            "empty",
            "no contents",
            "empty contents",
            "no parts",
            "text for content",
            "number for parts",
        ],
    )
    def test_a_bad_body_is_invalid_argument(self, fetch: Fetch, server: Any, body: bytes, message: str) -> None:
        """400 INVALID_ARGUMENT, pretty-printed, with the stream's own content type."""
        answer = fetch(server.url, body=body)
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["status"]) == (400, "INVALID_ARGUMENT")
        assert message in error["message"]
        assert answer.header("content-type") == "text/event-stream"
        assert answer.body.startswith(b'{\n  "error": {\n    "code": 400,\n')

    def test_an_unknown_model_is_404(self, fetch: Fetch, server: Any) -> None:
        """A model that is neither Gemini's nor a scenario is not found, for this API version."""
        answer = fetch(server.url, "/v1/models/nonesuch:streamGenerateContent?alt=sse")
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["status"]) == (404, "NOT_FOUND")
        assert "models/nonesuch is not found for API version v1," in error["message"]

    def test_an_unknown_scenario_is_explained(self, fetch: Fetch, server: Any) -> None:
        """A scenario that does not exist is answered with the nearest name and all others."""
        answer = fetch(server.url, headers={"x-scenario": "storry"})
        message = json.loads(answer.body)["error"]["message"]
        assert answer.status == 400
        assert "'story'" in message
        assert "many_chunks" in message

    @pytest.mark.parametrize("wrong", [{"scenario": "storry"}, {"pace": -1}, {"pace": float("nan")}])
    def test_wrong_arguments_are_usage_errors(self, wrong: dict[str, Any]) -> None:
        """An unknown scenario or an impossible pace is refused before anything listens."""
        with pytest.raises(UsageError):
            upstream.Upstream(**wrong)


class TestChoice:
    """Which scenario answers."""

    def finish(self, answer: Any) -> str:
        return str(json.loads(answer.chunks[-1][6:])["candidates"][0]["finishReason"])

    def test_the_model_may_name_the_scenario(self, fetch: Fetch, server: Any) -> None:
        """A scenario's name as the model, also with dashes, takes precedence over header and text."""
        path = "/v1/models/max-tokens:streamGenerateContent?alt=sse"
        answer = fetch(server.url, path, headers={"x-scenario": "safety"})
        assert self.finish(answer) == "MAX_TOKENS"

    def test_the_header_may_name_the_scenario(self, fetch: Fetch, server: Any) -> None:
        """``x-scenario`` takes precedence over the text."""
        body = {"contents": [{"parts": [{"text": "scenario:safety"}]}]}
        answer = fetch(server.url, body=body, headers={"x-scenario": "max_tokens"})
        assert self.finish(answer) == "MAX_TOKENS"

    def test_the_text_may_name_the_scenario(self, fetch: Fetch, server: Any) -> None:
        """The first user text may be ``scenario:NAME``."""
        body = {"contents": {"parts": {"text": "scenario:max_tokens"}}}
        assert self.finish(fetch(server.url, body=body)) == "MAX_TOKENS"

    def test_the_constructor_decides(self, fetch: Fetch) -> None:
        """A scenario given to the server takes precedence over everything."""
        with upstream.start("max_tokens", pace=0) as server:
            path = "/v1/models/any-model:streamGenerateContent?alt=sse"
            assert self.finish(fetch(server.url, path)) == "MAX_TOKENS"

    def test_equal_requests_get_equal_answers(self) -> None:
        """The answer, including times and ids, depends only on the seed and the request."""
        plans = [upstream.Upstream(seed=seed).answer(_request(), "k") for seed in (1, 1, 2)]
        assert plans[0].chunks == plans[1].chunks
        assert plans[0].chunks != plans[2].chunks


def test_the_answer_names_the_requested_model(fetch: Fetch, server: Any) -> None:
    """ModelVersion is the request's model if that is a Gemini model."""
    answer = fetch(server.url, "/v1/models/gemini-9-ultra:streamGenerateContent?alt=sse")
    assert json.loads(answer.chunks[0][6:])["modelVersion"] == "gemini-9-ultra"
