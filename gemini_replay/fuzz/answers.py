"""Whole answers: a grammar of everything that a message may hold, so that all of it occurs together.

Each part of the grammar is a table of fields with what they hold. A message has some of them, in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from .documents import Dice, Source, Spelled
from .messages import FINISH, MODEL, Tree, candidate
from .texts import ASCII, BRACKETS, ESCAPES, WIDE, text

T = TypeVar("T")
Make = Callable[[Source], Any]
Fields = Mapping[str, Make]

_FRAGMENTS = (*ASCII, *WIDE, *ESCAPES, *BRACKETS)


def _words(source: Source) -> Spelled:
    return text(source, _FRAGMENTS, 1, 3)


def _one_of(*options: Any) -> Make:
    return lambda source: source.choice(options)


def _object(fields: Fields, low: int = 0, high: int = 3) -> Make:
    """An object with some of these fields."""
    return lambda source: dict(source.many(lambda: _field(source, fields), low, high))


def _field(source: Source, fields: Fields) -> tuple[str, Any]:
    name = source.choice([*fields])
    return name, fields[name](source)


def _list(make: Make, low: int = 1, high: int = 2) -> Make:
    return lambda source: source.many(lambda: make(source), low, high)


def _with(fixed: Tree, fields: Fields, high: int = 2) -> Make:
    """An object with fixed fields, and some others."""
    return lambda source: {**fixed, **_object(fields, 0, high)(source)}


_NUMBER = _one_of(0, 1, 17, 2048)
_SIGNATURE = _one_of("CqQE", "CpcB/A+==", "")
_VALUES: Sequence[Any] = (
    1,
    "a",
    None,
    True,
    -0.5,
    [],
    {},
    [{"x": "y"}],
    {"error": {"code": 5}},
    {"parts": [{"text": "t"}]},
)
_ARGS: Fields = {
    name: _one_of(*_VALUES) for name in ("q", "error", "data", "text", "candidates", "willContinue", "ключ")
}
_URI = _one_of("https://example.com/a?b=c#d", "gs://b/c.png", "")
_MIME = _one_of("image/png", "text/plain", "audio/pcm;rate=24000")
_PARTIAL: Fields = {
    "stringValue": _words,
    "numberValue": _one_of(0, 2.5),
    "boolValue": _one_of(False, True),
    "nullValue": _one_of("NULL_VALUE"),
}
_PARTIAL_ARG = _with({"jsonPath": "$.q[0]"}, {**_PARTIAL, "willContinue": _one_of(True, False)})
CALL: Fields = {
    "name": _one_of("find", "default_api.find"),
    "id": _one_of("p1", "p2"),
    "args": _object(_ARGS),
    "partialArgs": _list(_PARTIAL_ARG),
    "willContinue": _one_of(True, False),
}
_CODE = _with({"language": "PYTHON"}, {"code": _words})
_RESULT = _with(
    {}, {"outcome": _one_of("OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"), "output": _words}
)
_RESPONSE = _with(
    {"name": "find"}, {"id": _one_of("p1", "p2"), "response": _object(_ARGS, 1), "willContinue": _one_of(True)}
)
PART: Fields = {
    "text": _words,
    "functionCall": _object(CALL, 1, 4),
    "functionResponse": _RESPONSE,
    "inlineData": _with(
        {"mimeType": "image/png"}, {"data": _one_of("iVBORw0KGgo=", "", "AIzaSy+/"), "displayName": _words}
    ),
    "fileData": _with({"fileUri": "https://example.com/f"}, {"mimeType": _MIME, "displayName": _words}),
    "executableCode": _CODE,
    "codeExecutionResult": _RESULT,
    "toolCall": _with({"id": "t1"}, {"toolType": _one_of("GOOGLE_SEARCH_WEB"), "args": _object(_ARGS)}),
    "toolResponse": _with({"id": "t1"}, {"toolType": _one_of("GOOGLE_SEARCH_WEB"), "response": _object(_ARGS)}),
}
"""What a part is: one of these."""
_BESIDE: Fields = {
    "thought": _one_of(True, False),
    "thoughtSignature": _SIGNATURE,
    "videoMetadata": _with({}, {"startOffset": _one_of("1s"), "fps": _one_of(1.5)}),
    "partMetadata": _object(_ARGS),
}
"""What any part may have beside it."""


def _part(source: Source) -> Tree:
    if source.integer(0, 9) == 1:
        return {}
    name, value = _field(source, PART)
    return {name: value, **_object(_BESIDE, 0, 2)(source)}


def _content(source: Source) -> Tree:
    """Some parts, of different kinds or of one."""
    parts = source.many(lambda: _part(source), 1, 3)
    if source.integer(0, 3) == 1 and parts[0]:
        name = next(iter(parts[0]))
        parts = [parts[0], *source.many(lambda: {**parts[0], name: PART[name](source)}, 1, 2)]
    return {"parts": parts, "role": "model"}


_SOURCE = _with(
    {}, {"startIndex": _NUMBER, "endIndex": _NUMBER, "uri": _URI, "title": _words, "license": _one_of("MIT", "")}
)
_SAFETY = _with(
    {"category": "HARM_CATEGORY_HARASSMENT"},
    {"probability": _one_of("NEGLIGIBLE", "HIGH"), "blocked": _one_of(True, False)},
)
_CHUNK = _object(
    {"web": _with({}, {"uri": _URI, "title": _words}), "retrievedContext": _with({}, {"text": _words})}, 1, 1
)
_SUPPORT = _with(
    {"segment": {"startIndex": 1, "endIndex": 9, "text": "é"}}, {"groundingChunkIndices": _list(_NUMBER)}
)
_TOKEN = _with({"token": "a"}, {"tokenId": _NUMBER, "logProbability": _one_of(-0.25, 0, -1e-9)})
_GROUNDING: Fields = {
    "groundingChunks": _list(_CHUNK),
    "groundingSupports": _list(_SUPPORT),
    "webSearchQueries": _list(_words),
    "searchEntryPoint": _one_of({"renderedContent": "<div>\n  <a href='x'>}{</a>\n</div>"}),
}
CANDIDATE: Fields = {
    "content": _content,
    "finishReason": _one_of(*FINISH),
    "finishMessage": _words,
    "safetyRatings": _list(_SAFETY),
    "citationMetadata": lambda source: {"citationSources": _list(_SOURCE)(source)},
    "groundingMetadata": _object(_GROUNDING, 0, 3),
    "urlContextMetadata": lambda source: {"urlMetadata": [{"retrievedUrl": _URI(source)}]},
    "avgLogprobs": _one_of(-0.125, 0, -1.5e-7),
    "logprobsResult": lambda source: {"chosenCandidates": _list(_TOKEN)(source)},
    "tokenCount": _NUMBER,
}
_DETAILS = _list(_with({"modality": "TEXT"}, {"tokenCount": _NUMBER}))
_USAGE: Fields = {
    **{
        f"{name}TokenCount": _NUMBER
        for name in ("prompt", "candidates", "thoughts", "cachedContent", "toolUsePrompt", "total")
    },
    "promptTokensDetails": _DETAILS,
    "cacheTokensDetails": _DETAILS,
    "trafficType": _one_of("ON_DEMAND"),
}


def _candidates(source: Source) -> list[Tree]:
    """One, mostly; several have an index each, and do not come in its order."""
    number = source.choice((1, 1, 1, 2, 3, 0))
    first = source.integer(0, 1)

    def one(nth: int) -> Tree:
        made: Tree = _object(CANDIDATE, 1, 3)(source)
        made = {"content": _content(source), **made} if source.integer(0, 5) else made
        return {**made, "index": (nth + first) % number} if number > 1 else made

    return [one(nth) for nth in range(number)]


MESSAGE: Fields = {
    "candidates": _candidates,
    "usageMetadata": _object(_USAGE, 1, 4),
    "promptFeedback": _with({"blockReason": "SAFETY"}, {"safetyRatings": _list(_SAFETY)}),
    "modelVersion": _one_of(MODEL),
    "responseId": _words,
    "createTime": _one_of("2026-01-02T03:04:05.000006Z"),
    "modelStatus": _one_of({"modelStage": "STABLE"}),
}


def message(source: Source) -> Tree:
    """A message with anything that the API documents."""
    rest = _object(MESSAGE, 0, 3)(source)
    return {"candidates": _candidates(source), **rest} if source.integer(0, 5) else rest


def call_in_pieces(source: Source) -> list[Tree]:
    """A call whose arguments come over several messages, with a signature, perhaps among other messages."""

    def piece(call: Tree) -> Tree:
        beside = _object(_BESIDE, 0, 1)(source)
        return candidate([{"functionCall": call, **beside}, *source.many(lambda: _part(source), 0, 1)])

    def middle() -> list[Tree]:
        args = _list(_PARTIAL_ARG)(source)
        between = source.many(lambda: message(source), 0, 1)
        return [*between, piece({"partialArgs": args, "willContinue": True})]

    pieces = [one for some in source.many(middle, 1, 2) for one in some]
    return [
        piece({"name": "find", "id": "p1", "willContinue": True}),
        *pieces,
        piece(source.choice(({}, {"args": {}}))),
    ]


_ENDS: tuple[Make, ...] = (
    lambda source: {"candidates": [{"finishReason": source.choice(FINISH)}]},
    lambda source: candidate([{"text": "", "thoughtSignature": _SIGNATURE(source)}], finishReason="STOP"),
    lambda source: {
        "candidates": [{**_object(CANDIDATE, 0, 2)(source), "finishReason": "STOP", "index": nth} for nth in (1, 0)]
    },
    lambda source: {"usageMetadata": _object(_USAGE)(source)},
)


def answer(source: Source) -> list[Tree]:
    """A whole answer as Gemini streams it: what an answer may hold, an end, and what may come after it."""
    before = [one for some in source.many(lambda: _piece(source), 0, 3) for one in some]
    end = source.choice(_ENDS)(source)
    return [*before, end, *source.many(lambda: message(source), 0, 2)]


def _piece(source: Source) -> list[Tree]:
    return call_in_pieces(source) if source.integer(0, 3) == 1 else [message(source)]


class _Cycle(Source):
    """Chooses each option in turn, and makes as many of everything as there may be."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, int]] = Counter()

    def integer(self, low: int, high: int) -> int:
        """See `Source`."""
        self._counts[low, high] += 1
        return low + self._counts[low, high] % (high - low + 1)

    def many(self, make: Callable[[], T], low: int = 0, high: int = 4) -> list[T]:
        """See `Source`."""
        return [make() for _ in range(high)]


class _Rich(Dice):
    """Makes as many of everything as there may be."""

    def many(self, make: Callable[[], T], low: int = 0, high: int = 4) -> list[T]:
        """See `Source`."""
        return [make() for _ in range(high)]


def rich() -> list[list[Tree]]:
    """Answers in which much occurs together, and every kind of thing somewhere."""
    cycle = _Cycle()
    return [*(answer(cycle) for _ in range(8)), *(answer(_Rich(f"answer {nth}")) for nth in range(6))]


def each() -> list[Tree]:
    """Every kind of part, field of a candidate, field of a message and end of an answer."""
    cycle = _Cycle()
    parts = [{name: make(cycle), **_object(_BESIDE, 1, 2)(cycle)} for name, make in PART.items()]
    fields = {name: make(cycle) for name, make in CANDIDATE.items()}
    return [
        *({"candidates": [{"finishReason": reason}]} for reason in FINISH),
        *(candidate([part]) for part in parts),
        *({"candidates": [{name: value}]} for name, value in fields.items()),
        {"candidates": [{**fields, "index": 1}, {**fields, "index": 0}]},
        *({name: make(cycle)} for name, make in MESSAGE.items()),
        *call_in_pieces(cycle),
        *(make(cycle) for make in _ENDS),
    ]
