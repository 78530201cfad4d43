"""Gemini messages, small and real: every one is a valid ``GenerateContentResponse``, or a ``google.rpc`` error.

The smallest that carries text is ``{"responseId": "…"}``: parsers that check the shape accept it, and a person can
read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from .documents import Source, Spelled
from .texts import ASCII, Fragments, text

Tree = dict[Any, Any]
FINISH = ("STOP", "MAX_TOKENS", "SAFETY", "OTHER", "MALFORMED_FUNCTION_CALL", "CONTINUATION", "SOMETHING_NEW")
MODEL = "gemini-2.5-flash"


def message(source: Source, words: Callable[[], Spelled]) -> Tree:
    """A message that holds the text ``words()``; shrinks towards the smallest."""
    shape = source.integer(0, 4)
    if shape == 0:
        return {"responseId": words()}
    if shape == 1:
        return candidate([{"text": words()}])
    if shape == 2:
        return candidate([{"functionCall": {"name": "find", "args": {words(): words()}}}])
    if shape == 3:
        return candidate([{"text": words(), "thought": True}], finishReason=source.choice(FINISH), index=0)
    return {**candidate([{"text": words()}]), **usage(source), "modelVersion": MODEL}


def messages(source: Source, fragments: Fragments, low: int = 1, high: int = 3, longest: int = 6) -> list[Tree]:
    """Some messages with text of these fragments."""
    return source.many(lambda: message(source, lambda: text(source, fragments, 1, longest)), low, high)


def small(source: Source, fragments: Fragments = ASCII, low: int = 1, high: int = 3) -> list[Tree]:
    """Some of the smallest messages, for classes that are about the framing."""
    return source.many(lambda: {"responseId": text(source, fragments, 1, 2)}, low, high)


def candidate(parts: list[Any], **more: Any) -> Tree:
    """A message with one candidate."""
    return {"candidates": [{"content": {"parts": parts, "role": "model"}, **more}]}


def usage(source: Source) -> Tree:
    """Token counts; Gemini sends them, cumulative, with nearly every event."""
    prompt, answer = source.integer(1, 9), source.integer(0, 99)
    counts: Tree = {"promptTokenCount": prompt, "candidatesTokenCount": answer, "totalTokenCount": prompt + answer}
    if source.boolean():
        counts["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": prompt}]
    return {"usageMetadata": counts}


EMPTY: tuple[Tree, ...] = (
    {},
    {"responseId": ""},
    {"candidates": []},
    {"candidates": [{}]},
    candidate([{"text": ""}]),
    candidate([{}]),
    candidate([]),
    {"candidates": [{"finishReason": "STOP"}]},
    {"usageMetadata": {}},
    candidate([{"text": "a"}]),
)


def equal_and_empty(source: Source) -> list[Tree]:
    """Messages that are empty, that carry empty text, and that repeat the one before."""
    trees = source.many(lambda: source.choice(EMPTY), 1, 3)
    return [tree for tree in trees for _ in range(source.integer(1, 3))]


UNKNOWN_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    [],
    {},
    [[[]], [{}, [None]]],
    {"a": {"b": {"c": [{"d": {}}]}}},
    [1, "a", None, True],
    {"": ""},
    json.loads("[" * 30 + "]" * 30),
    [*range(40)],
    {f"key {nth}": nth for nth in range(40)},
    {"__proto__": {"x": 1}, "constructor": 1, "toString": ""},
    {"data": "data: {}", "event": "message", "id": "1", "retry": 1},
    {"error": {"code": 0}},
    "",
)
UNKNOWN_NAMES = ("serviceTier", "turnToken", "x", "", "x-y z", "ключ", "data", "__class__", "0")


def unknown(source: Source) -> list[Tree]:
    """Fields, values and nesting that no documentation has."""

    def field() -> Tree:
        return {source.choice(UNKNOWN_NAMES): source.choice(UNKNOWN_VALUES)}

    def one() -> Tree:
        return {**candidate([field()], **field()), **usage(source)} if source.boolean() else field()

    return source.many(one, 1, 3)


def numbers(source: Source, options: Sequence[Spelled]) -> list[Tree]:
    """Numbers as the arguments of a call, or alone."""

    def one() -> Tree:
        args = {"n": source.choice(options)}
        return candidate([{"functionCall": {"name": "f", "args": args}}]) if source.boolean() else args

    return source.many(one, 1, 3)


STATUSES = {503: "UNAVAILABLE", 429: "RESOURCE_EXHAUSTED", 400: "INVALID_ARGUMENT", 499: "CANCELLED", 500: "INTERNAL"}
ERROR_DETAILS: tuple[Tree, ...] = (
    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "26s"},
    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "metadata": {"service": "x"}},
    {
        "@type": "type.googleapis.com/google.rpc.Help",
        "links": [{"description": "a", "url": "https://example.com/{}"}],
    },
    {"@type": "type.googleapis.com/google.rpc.DebugInfo", "detail": '[ORIGINAL ERROR] generic::x: {"}'},
    {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": "Try again."},
    {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "PerDay"}, {}]},
)


def error(source: Source) -> tuple[Tree, str]:
    """An error object and its message."""
    code, status = source.choice([*STATUSES.items()])
    said = source.choice(("Overloaded.", "Quota exceeded {}.", "The request was cancelled: 你好", "Say: [DONE]"))
    body: Tree = {"code": code, "message": said, "status": status}
    if details := source.many(lambda: source.choice(ERROR_DETAILS), 0, 2):
        body["details"] = details
    return {"error": body}, said
