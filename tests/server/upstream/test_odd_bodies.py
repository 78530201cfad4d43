"""Any value in any field of a body gets an answer."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gemini_replay.server import upstream

ODD = [None, 0, 1.5, True, "x", "", [], {}, [1], ["x"], [None], [[]], [{}], {"parts": 1}, {"a": [{}]}, -1, 10**30]
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CONTENTS = [
    {"role": "user", "parts": [{"text": "hi"}, {"fileData": {"fileUri": "gs://x", "mimeType": "text/plain"}}]},
    {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "x"}]},
    {
        "role": "user",
        "parts": [{"functionResponse": {"name": "f", "response": {}}}, {"inlineData": {"data": "AA=="}}],
    },
]
TOOLS = [{"functionDeclarations": [{"name": "f"}]}]
ASK = {"contents": CONTENTS, "systemInstruction": {"parts": [{"text": "x"}]}, "tools": TOOLS, "cachedContent": ""}
BODIES: dict[str, Any] = {
    "/v1beta/models/afc:generateContent": ASK,
    "/v1beta/models/gemini-2.5-flash:streamGenerateContent": ASK,
    "/v1/publishers/google/models/gemini-2.5-flash:countTokens": {"generateContentRequest": ASK},
    "/v1beta/models/gemini-embedding-001:embedContent": {
        "content": CONTENTS[0],
        "outputDimensionality": 4,
        "embedContentConfig": {"outputDimensionality": 4},
    },
    "/v1beta/models/gemini-embedding-001:batchEmbedContents": {"requests": [{"content": CONTENTS[0]}]},
    "/v1/publishers/google/models/gemini-embedding-001:predict": {
        "instances": [{"content": "x"}],
        "parameters": {"outputDimensionality": 4},
    },
    "/v1beta/cachedContents": {**ASK, "model": "models/gemini-2.5-flash", "ttl": "1s", "displayName": "x"},
    "/v1beta/interactions": {
        "model": "afc",
        "agent": "x",
        "input": [
            {"type": "user_input", "content": [{"type": "text", "text": "x"}, {"type": "image", "uri": "x"}]},
            {"type": "function_call", "id": "1", "name": "f", "arguments": {}},
            {"type": "function_result", "call_id": "1", "name": "f", "result": "x"},
        ],
        "stream": True,
        "store": False,
        "previous_interaction_id": None,
        "system_instruction": "x",
        "tools": [{"type": "function", "name": "f"}],
        "labels": {},
    },
    "/v1beta/openai/chat/completions": {
        "model": "afc",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {}}]},
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "1", "content": "x"},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "/v1beta/openai/embeddings": {
        "model": "gemini-embedding-001",
        "input": ["x"],
        "dimensions": 4,
        "encoding_format": "base64",
    },
    "/upload/v1beta/files": {"file": {"name": "files/x", "displayName": "x", "mimeType": "text/plain"}},
}


def odd_ones(found: Any) -> Iterator[Any]:
    """Copies of the body, each with one value, at any depth, replaced."""
    yield from ODD
    inside = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, value in inside:
        for odd in odd_ones(value):
            changed = copy.copy(found)
            changed[key] = odd
            yield changed


@pytest.mark.parametrize("path", BODIES)
def test_an_odd_value_is_answered_or_refused(path: str) -> None:
    """The status is one of success or refusal, and the body is valid UTF-8."""
    app = upstream.Upstream(pace=0)
    headers = (("x-goog-upload-protocol", "resumable"), ("host", "127.0.0.1"))
    for body in odd_ones(BODIES[path]):
        request = upstream.Received("POST", path, "alt=sse", headers, json.dumps(body).encode(), "header")
        assert app.answer(request, "k").status in (200, 400, 403, 404, 409), body
