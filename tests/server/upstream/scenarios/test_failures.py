"""Scenarios that fail, each on real sockets."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from support.answers import collected, events

from gemini_replay.server import upstream
from gemini_replay.server.upstream import scenarios

BROKEN = {"cut", "cut_clean"}
ERRORS = {"400", "404", "429", "503"}


def test_blocked_has_no_candidates(stream: Any) -> None:
    """One event: promptFeedback with a block reason."""
    (event,) = events(stream("blocked"))
    assert event.block_reason == "SAFETY"
    assert "candidates" not in event.json


@pytest.mark.parametrize("query", ["?alt=sse", ""], ids=["sse", "array"])
@pytest.mark.parametrize("name", sorted(ERRORS))
def test_errors_instead_of_a_stream(stream: Any, name: str, query: str) -> None:
    """The HTTP status is the error's code; the body one pretty-printed object."""
    answer = stream(name, query)
    error = json.loads(answer.body)["error"]
    assert answer.status == error["code"] == int(name)
    assert answer.body.startswith(b'{\n  "error": {\n')


def test_429_says_when_to_retry(stream: Any) -> None:
    """Its details are QuotaFailure, Help and RetryInfo with the delay."""
    error = collected(stream("429")).error
    assert error is not None
    assert error.retry_delay == 26.0
    kinds = [str(detail["@type"]).rpartition(".")[2] for detail in error.details]
    assert kinds == ["QuotaFailure", "Help", "RetryInfo"]


def test_inband_error_follows_good_events(stream: Any) -> None:
    """HTTP 200, three events, then a raw error object in two chunks without ``data:``."""
    answer = stream("inband_error")
    assert (answer.status, answer.complete, len(answer.chunks)) == (200, True, 5)
    raw = b"".join(answer.chunks[3:])
    assert raw.startswith(b'{\n  "error": {\n')
    assert json.loads(raw)["error"]["code"] == 503
    found = collected(answer)
    assert found.error is not None
    assert found.text
    assert not found.complete


def test_inband_error_is_an_element_of_an_array(stream: Any) -> None:
    """Without alt=sse the error is the array's last element."""
    elements = json.loads(stream("inband_error", "").body)
    assert "error" in elements[-1]
    assert all("candidates" in element for element in elements[:-1])


def test_cut_is_a_reset(stream: Any, server: upstream.RunningUpstream) -> None:
    """All bytes sent before it arrive, then ConnectionResetError, in the middle of an event."""
    answer = stream("cut")
    assert isinstance(answer.error, ConnectionResetError)
    assert answer.body == b"".join(chunk.data for chunk in server.sent[-1])
    assert len(answer.chunks) == 4
    assert not answer.chunks[-1].endswith(b"\n")


def test_cut_clean_ends_the_connection_normally(stream: Any) -> None:
    """There is no error, but the chunk that ends a body is missing."""
    answer = stream("cut_clean")
    assert (answer.error, answer.complete) == (None, False)
    assert len(answer.chunks) == 4


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_array_is_not_closed(stream: Any, name: str) -> None:
    """A JSON array that breaks off has no closing bracket."""
    assert not stream(name, "").body.endswith(b"]")


def test_stall_waits_after_three_events() -> None:
    """The silence is 30 s by default and can be set."""
    for scenario, silence in ((scenarios.get("stall"), 30.0), (scenarios.stalling(7), 7.0)):
        app = upstream.Upstream(scenario)
        body = b'{"contents": [{"parts": [{"text": "?"}]}]}'
        request = upstream.Received("POST", "/models/gemini-x:streamGenerateContent", "alt=sse", (), body, "header")
        times = [at for at, _ in app.answer(request, "k").chunks]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert [nth for nth, gap in enumerate(gaps) if gap > 5] == [2]
        assert silence <= gaps[2] < silence + 1
