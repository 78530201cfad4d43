"""Embeddings: equal texts get equal vectors, and texts that share words get similar ones."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ...gemini.shapes import dict_of, dicts_of, get
from ...gemini.tokens import count_tokens
from .backend import Backend
from .call import Call, RefusedError, refused
from .contents import parts_of, prompt_tokens
from .keys import model_not_found
from .timed_response import TimedResponse

_SIZES = {"text-embedding-004": 768, "text-embedding-005": 768, "text-multilingual-embedding-002": 768}
_USUAL_SIZE = 3072
_MOST_WORDS = 32
"""How many different words of a text count."""
_MOST_TEXTS = 100
"""How many texts one request may have, as with Google."""


def vector(text: str, size: int) -> list[float]:
    """The unit vector of a text: the sum of its words', so that texts with common words are similar."""
    words = dict.fromkeys(re.findall(r"\w+", text.lower()) or [text])
    total = [0.0] * size
    for word in list(words)[:_MOST_WORDS]:
        total = [a + b for a, b in zip(total, _of_word(word[:64], size), strict=True)]
    length = math.sqrt(sum(value * value for value in total)) or 1.0
    return [round(value / length, 8) for value in total]


@lru_cache(maxsize=256)
def _of_word(word: str, size: int) -> tuple[float, ...]:
    rng = random.Random(word)
    return tuple(rng.random() - 0.5 for _ in range(size))


def size_for(model: str, asked: Any) -> int:
    """The number of dimensions of the vectors: the requested number, or the model's own.

    Raises:
        RefusedError: no such size.
    """
    if asked is None:
        return _SIZES.get(model, _USUAL_SIZE)
    if not isinstance(asked, int) or isinstance(asked, bool) or not 1 <= asked <= _USUAL_SIZE:
        raise refused(400, f"The output dimension must be between 1 and {_USUAL_SIZE}, inclusive.")
    return asked


def check_model(call: Call, model: str, action: str) -> None:
    """Raise `RefusedError` for a model that makes no embeddings."""
    if "embedding" not in model:
        raise RefusedError(model_not_found(model, call.version, action))


def embed(backend: Backend, call: Call) -> TimedResponse:
    """``embedContent``: one content."""
    model = call.names["model"]
    check_model(call, model, "embedContent")
    text, tokens = _text(call.json)
    found = {"embedding": {"values": vector(text, _size(model, call.json))}}
    if call.vertex:
        found["usageMetadata"] = {"promptTokenCount": tokens, "totalTokenCount": tokens}  # type: ignore[dict-item]
    return backend.object(call, found)


def embed_batch(backend: Backend, call: Call) -> TimedResponse:
    """``batchEmbedContents``: several at once."""
    model = call.names["model"]
    check_model(call, model, "batchEmbedContents")
    requests = dicts_of(call.json.get("requests"))
    if not requests:
        raise refused(400, "* BatchEmbedContentsRequest.requests: requests is not specified\n")
    check_number(len(requests))
    return backend.object(
        call, {"embeddings": [{"values": vector(_text(one)[0], _size(model, one))} for one in requests]}
    )


def predict(backend: Backend, call: Call) -> TimedResponse:
    """``predict`` of Vertex AI's embedding models."""
    model = call.names["model"]
    check_model(call, model, "predict")
    instances = dicts_of(call.json.get("instances"))
    if not instances:
        raise refused(400, "instances is not specified.")
    check_number(len(instances))
    size = size_for(model, get(dict_of(call.json.get("parameters")), "outputDimensionality"))
    predictions = []
    for instance in instances:
        text = str(instance.get("content", ""))
        statistics = {"truncated": False, "token_count": count_tokens(text)}
        predictions.append({"embeddings": {"values": vector(text, size), "statistics": statistics}})
    characters = sum(len(str(instance.get("content", ""))) for instance in instances)
    return backend.object(call, {"predictions": predictions, "metadata": {"billableCharacterCount": characters}})


def check_number(texts: int) -> None:
    """Raise `RefusedError` for more texts than one request may have."""
    if texts > _MOST_TEXTS:
        raise refused(400, f"at most {_MOST_TEXTS} requests can be in one batch")


def _size(model: str, body: Mapping[str, Any]) -> int:
    asked = get(body, "outputDimensionality")
    if asked is None:
        asked = get(dict_of(get(body, "embedContentConfig")), "outputDimensionality")
    return size_for(model, asked)


def _text(body: Mapping[str, Any]) -> tuple[str, int]:
    """The text of a request's content, and its tokens."""
    content = body.get("content")
    parts = list(parts_of([content]))
    if not parts:
        raise refused(400, "* EmbedContentRequest.content: contents is not specified\n")
    return "\n".join(_texts(parts)), prompt_tokens([content])


def _texts(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    """The text of each part, or the part itself if it is not text."""
    return [text if isinstance(text := part.get("text"), str) else repr(part) for part in parts]
