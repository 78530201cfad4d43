"""Gemini messages, small and real: every one is a valid ``GenerateContentResponse``, or a ``google.rpc`` error.

The smallest that carries text is ``{"responseId": "…"}``: parsers that check the shape accept it, and a person can
read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from .documents import Least, Source, Spelled
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


_TAIL: Tree = {"modelVersion": MODEL, "responseId": "kJ3aacnvGoyYkdUPq5mJ8Ao"}


def _middles(source: Source) -> tuple[Callable[[], Tree], ...]:
    """What may stand in an answer."""

    def words() -> Spelled:
        return text(source, ASCII, 1, 3)

    def event(*parts: Any, **more: Any) -> Tree:
        return {**candidate(list(parts), **more), **usage(source), **_TAIL}

    return (
        lambda: event({"text": words()}),
        lambda: event({"text": words(), "thought": True}),
        lambda: event({"text": words()}, {"text": words()}),
        lambda: event({"functionCall": {"name": "find", "args": {"q": words()}, "id": "p1"}}, {"text": ""}),
        lambda: event({"executableCode": {"language": "PYTHON", "code": words()}}),
        lambda: event({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}),
        lambda: {"candidates": [{"content": {"parts": [{"text": words()}]}, "index": 1}], **_TAIL},
        lambda: {**usage(source), **_TAIL},
        lambda: {"promptFeedback": {"blockReason": "SAFETY"}, **_TAIL},
        lambda: event({"text": words()}, safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT", "blocked": True}]),
        lambda: event({"text": words()}, citationMetadata={"citationSources": [{"startIndex": 0, "uri": "a?b=c"}]}),
    )


def _ends(source: Source) -> tuple[Callable[[], Tree], ...]:
    """What shows that an answer is at its end."""

    def finish() -> str:
        return source.choice(FINISH)

    return (
        lambda: {"candidates": [{"finishReason": finish()}]},
        lambda: {**candidate([{"text": ""}], finishReason=finish(), index=0), **usage(source), **_TAIL},
        lambda: {**candidate([{"text": "", "thoughtSignature": "CqQE"}], finishReason="STOP"), **usage(source)},
        lambda: {**candidate([{"text": "."}], finishReason=finish(), finishMessage="done"), **_TAIL},
    )


def answer(source: Source) -> list[Tree]:
    """A whole answer as Gemini streams it: thoughts, text, calls, a finish reason, and what may come after it."""
    middles, ends = _middles(source), _ends(source)
    before = source.many(lambda: source.choice(middles)(), 0, 3)
    end = source.choice(ends)()
    return [*before, end, *source.many(lambda: source.choice(middles)(), 0, 2)]


ANSWERS: tuple[Tree, ...] = (
    *({"candidates": [{"finishReason": reason}]} for reason in FINISH),
    *(make() for make in (*_ends(Least()), *_middles(Least()))),
)
"""Each kind of message of an answer once."""

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
