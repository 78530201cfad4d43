"""Scenarios that end well, each on real sockets."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from support.answers import collected, events

from gemini_replay import gemini
from gemini_replay.server.upstream.scenarios import SCENARIOS

BROKEN = {"cut", "cut_clean"}
ERRORS = {"400", "404", "429", "503"}
GOOD = sorted(SCENARIOS.keys() - BROKEN - ERRORS - {"inband_error"})


@pytest.mark.parametrize("query", ["?alt=sse", ""], ids=["sse", "array"])
@pytest.mark.parametrize("name", GOOD)
def test_good_streams_are_complete(stream: Any, name: str, query: str) -> None:
    """Each such stream parses, in both framings, into a complete answer."""
    answer = stream(name, query)
    assert (answer.status, answer.complete) == (200, True)
    assert collected(answer).complete


@pytest.mark.parametrize("name", GOOD)
def test_token_counts_are_cumulative_and_add_up(stream: Any, name: str) -> None:
    """Usage never falls, the total is the sum, and ids and model stay the same."""
    usages = [event.json["usageMetadata"] for event in events(stream(name))]
    totals = [usage["totalTokenCount"] for usage in usages]
    assert totals == sorted(totals)
    for usage in usages:
        parts = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
        assert usage["totalTokenCount"] == sum(usage.get(part, 0) for part in parts)
    assert len({event.json["responseId"] for event in events(stream(name))}) == 1


def test_story_is_chinese_with_emoji_and_escapes(stream: Any) -> None:
    """About 12 events: the first short, emoji raw, ``<`` escaped."""
    answer = stream("story")
    texts = [event.text for event in events(answer)]
    assert 10 <= len(texts) <= 14
    assert 3 <= len(texts[0]) <= 18
    assert min(len(text) for text in texts[1:-1]) > 40
    assert "光的路程 < 心的路程" in "".join(texts)
    assert "🌅".encode() in answer.body
    assert b"\\u003c" in answer.body
    assert b" < " not in answer.body


def test_thinking_thinks_first(stream: Any) -> None:
    """Thought summaries come before the text and are counted."""
    found = events(stream("thinking"))
    kinds = [bool(event.thoughts) for event in found]
    assert kinds == sorted(kinds, reverse=True)
    assert kinds.count(True) == 3
    assert (gemini.collect(found).usage or {})["thoughtsTokenCount"] > 100


def test_signature_ends_as_gemini_3_does(stream: Any) -> None:
    """The last event is an empty text part with a thoughtSignature and the finish reason."""
    last = events(stream("signature"))[-1].json["candidates"][0]
    (part,) = last["content"]["parts"]
    assert part["text"] == ""
    assert len(base64.b64decode(part["thoughtSignature"], validate=True)) > 100
    assert last["finishReason"] == "STOP"


@pytest.mark.parametrize(("name", "calls"), [("function_call", 1), ("parallel_calls", 3)])
def test_function_calls_have_ids_of_their_own(stream: Any, name: str, calls: int) -> None:
    """One call, or three in one event, each with name, arguments and id."""
    found = collected(stream(name)).function_calls
    assert [call.name for call in found] == ["get_weather"] * calls
    assert len({call.id for call in found}) == calls
    assert found[0].args == {"city": "Zürich", "unit": "celsius"}


def test_streamed_arguments_come_together(stream: Any) -> None:
    """The partial arguments make one call with numbers and strings in full."""
    answer = stream("streamed_arguments")
    (call,) = collected(answer).function_calls
    assert call.args == {"days": 3, "city": "Zürich", "note": "bring an umbrella < 1 kg, please"}
    assert len(answer.chunks) > 6


def test_afc_answers_the_function_response_in_words(stream: Any) -> None:
    """The first turn calls; the turn with a functionResponse gets text."""
    part = {"functionResponse": {"name": "get_weather", "response": {"celsius": 7}}}
    turns = [{"role": "user", "parts": [{"text": "?"}]}, {"role": "user", "parts": [part]}]
    assert collected(stream("afc")).function_calls
    answered = collected(stream("afc", body={"contents": turns}))
    assert not answered.function_calls
    assert "7 °C" in answered.text


def test_functions_are_called_in_several_rounds(stream: Any) -> None:
    """One call, two at once, and words; another question begins anew."""
    turns: list[Any] = [{"role": "user", "parts": [{"text": "?"}]}]
    rounds = []
    while calls := collected(stream("function_rounds", body={"contents": turns})).function_calls:
        rounds.append([call.args["city"] for call in calls])
        parts = [{"functionCall": {"name": call.name, "args": call.args}} for call in calls]
        results = [{"functionResponse": {"name": call.name, "response": {"celsius": 7}}} for call in calls]
        turns += [{"role": "model", "parts": parts}, {"role": "user", "parts": results}]
    assert rounds == [["Zürich"], ["東京", "São Paulo"]]
    turns.append({"role": "user", "parts": [{"text": "And tomorrow?"}]})
    assert len(collected(stream("function_rounds", body={"contents": turns})).function_calls) == 1


def test_grounding_points_into_the_text(stream: Any) -> None:
    """The segments' indices, which count bytes, cut their own text out of the answer."""
    answer = collected(stream("grounding"))
    candidate = events(stream("grounding"))[-1].json["candidates"][0]
    text = answer.text.encode()
    supports = candidate["groundingMetadata"]["groundingSupports"]
    assert len(supports) == 3
    for support in supports:
        segment = support["segment"]
        cut = text[segment.get("startIndex", 0) : segment["endIndex"]]
        assert cut.decode() == segment["text"]
    assert candidate["citationMetadata"]["citationSources"]


@pytest.mark.parametrize(("name", "reason"), [("safety", "SAFETY"), ("max_tokens", "MAX_TOKENS"), ("story", "STOP")])
def test_finish_reasons(stream: Any, name: str, reason: str) -> None:
    """The last event, and no other, says why the model stopped."""
    reasons = [event.finish_reason for event in events(stream(name))]
    assert reasons[-1] == reason
    assert not any(reasons[:-1])
