"""OpenAI's messages as the contents of a Gemini request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...gemini.shapes import dict_of, dicts_of
from .call import refused

Json = dict[str, Any]

_SYSTEM = ("system", "developer")


def body_of(asked: Mapping[str, Any]) -> Json:
    """The body of ``generateContent`` that corresponds to a chat completion's.

    Raises:
        RefusedError: there are no messages.
    """
    messages = dicts_of(asked.get("messages"))
    if not messages:
        raise refused(400, "* ChatCompletionRequest.messages: messages is not specified\n")
    names = {str(call.get("id")): dict_of(call.get("function")).get("name") for call in _calls(messages)}
    body: Json = {"contents": []}
    for message in messages:
        parts = _parts(message, names)
        if message.get("role") in _SYSTEM:
            body.setdefault("systemInstruction", {"parts": []})["parts"] += parts
        elif parts:
            role = "model" if message.get("role") == "assistant" else "user"
            body["contents"].append({"role": role, "parts": parts})
    if tools := [dict_of(tool.get("function")) for tool in dicts_of(asked.get("tools"))]:
        body["tools"] = [{"functionDeclarations": tools}]
    return body


def _calls(messages: tuple[Mapping[str, Any], ...]) -> list[Mapping[str, Any]]:
    return [call for message in messages for call in dicts_of(message.get("tool_calls"))]


def _parts(message: Mapping[str, Any], names: Mapping[str, Any]) -> list[Json]:
    content = message.get("content")
    if message.get("role") == "tool":
        called = message.get("tool_call_id")
        response = {"name": names.get(str(called)) or "", "response": {"result": content}, "id": called}
        return [{"functionResponse": response}]
    parts: list[Json] = [{"text": content}] if isinstance(content, str) and content else []
    for one in dicts_of(content):
        parts.append({"text": str(one.get("text", ""))} if one.get("type") == "text" else {"inlineData": dict(one)})
    for call in dicts_of(message.get("tool_calls")):
        function = dict_of(call.get("function"))
        parts.append({"functionCall": {"name": function.get("name"), "args": _read(function.get("arguments"))}})
    return parts


def _read(arguments: Any) -> Any:
    try:
        return json.loads(arguments)
    except (TypeError, ValueError, RecursionError):
        return {}
