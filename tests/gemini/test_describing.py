"""Descriptions of requests and events."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.gemini.describing import describe_events, describe_request
from gemini_replay.gemini.event import Event

PIXEL = base64.b64encode(b"\x89PNG....").decode()


def said(*parts: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    """The description of an event with these parts."""
    event = Event({"candidates": [{"content": {"parts": list(parts)}}], **more})
    return [(one.kind, one.text) for one in describe_events([event])]


@pytest.mark.parametrize(
    ("part", "described"),
    [
        ({"text": "a\nb"}, [("text", "a\nb")]),
        ({"text": "why", "thought": True}, [("thoughts", "why")]),
        ({"functionCall": {"name": "f", "args": {"a": "b", "n": [1]}}}, [("call", 'f(a="b", n=[1])')]),
        ({"function_call": {"name": "f", "args": {}}}, [("call", "f()")]),
        ({"inlineData": {"mimeType": "image/png", "data": PIXEL}}, [("data", "image/png, 8 bytes")]),
        ({"inlineData": {"mimeType": "a/b", "data": "?"}}, [("data", "a/b, 1 characters that are not base64")]),
        ({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://a/b"}}, [("file", "gs://a/b (video/mp4)")]),
        ({"executableCode": {"language": "PYTHON", "code": "1 + 1"}}, [("code", "1 + 1")]),
        ({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}, [("output", "2")]),
        ({"novelty": 1}, [("part", '{"novelty": 1}')]),
        ({"text": "", "thoughtSignature": "abc"}, []),
        ({"thoughtSignature": "abc"}, []),
    ],
)  # fmt: skip
def test_parts(part: dict[str, Any], described: list[tuple[str, str]]) -> None:
    """Each kind of part is named; data is described by type and size."""
    assert said(part) == described


def test_ends() -> None:
    """The end of a stream is described by errors, block reasons and finish reasons."""
    assert said(promptFeedback={"blockReason": "OTHER"}) == [("blocked", "OTHER")]
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "26s"}
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Slow down.", "details": [retry]}
    assert said(error=error) == [("error", "429 RESOURCE_EXHAUSTED: Slow down. (retry after 26 s)")]


def test_streamed_arguments_are_put_together() -> None:
    """A call is described once, when it is complete or when the stream has ended."""

    def event(**call: Any) -> Event:
        return Event({"candidates": [{"content": {"parts": [{"functionCall": call}]}}]})

    begins = event(name="f", willContinue=True)
    goes_on = event(partialArgs=[{"jsonPath": "$.city", "stringValue": "Bern"}], willContinue=True)
    after = Event({"candidates": [{"content": {"parts": [{"text": "x"}]}}]})
    assert list(describe_events([begins, goes_on, event(), after])) == [("call", 'f(city="Bern")'), ("text", "x")]
    assert list(describe_events([begins, goes_on])) == [("call", 'f(city="Bern") (incomplete)')]


def test_the_description_of_a_request() -> None:
    """It has the system instruction, tools, configuration, other members, and contents with their roles."""
    asked = {
        "contents": [
            {"parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": 1}}}]},
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [
            {"functionDeclarations": [{"name": "f", "parameters": {"properties": {"city": {}}}}]},
            {"googleSearch": {}},
        ],
        "generationConfig": {"temperature": 0.5, "thinkingConfig": {"includeThoughts": True}},
        "cachedContent": "cachedContents/x",
    }
    assert list(describe_request(asked)) == [
        ("system", "Be brief."),
        ("tools", "f(city)\ngoogleSearch"),
        ("config", "temperature 0.5\nthinkingConfig.includeThoughts true"),
        ("also", 'cachedContent "cachedContents/x"'),
        ("user", "hi"),
        ("model", "[call] f()"),
        ("user", '[result] f: {"a": 1}'),
    ]
    assert list(describe_request([1])) == [("body", "[1]")]


NAMES = st.sampled_from(
    ["contents", "parts", "text", "functionCall", "name", "args", "inlineData", "tools", "functionDeclarations",
     "candidates", "content", "groundingMetadata", "groundingChunks", "promptFeedback", "error", "parameters"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))


@given(VALUES)
def test_anything_can_be_described(value: Any) -> None:
    """A request or event of any shape can be described without an error."""
    for found in (describe_request(value), describe_events([Event(value), Event({"candidates": value})])):
        assert all(isinstance(one.text, str) for one in found)
