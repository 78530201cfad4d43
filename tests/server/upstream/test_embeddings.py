"""Embeddings are vectors that depend on the text."""

from __future__ import annotations

import math
from typing import Any

import httpx
import pytest

from gemini_replay.server.upstream.embeddings import vector

MODEL = "/v1beta/models/gemini-embedding-001"
VERTEX = "/v1/projects/p/locations/us-central1/publishers/google/models/gemini-embedding-001"


def content(text: str) -> dict[str, Any]:
    return {"content": {"parts": [{"text": text}]}}


def product(first: list[float], second: list[float]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))


def test_equal_texts_get_equal_unit_vectors(api: httpx.Client) -> None:
    """They have the model's own size."""
    first, again, other = (
        api.post(f"{MODEL}:embedContent", json=content(text)).json()["embedding"]["values"]
        for text in ("the moon", "the moon", "a fox")
    )
    assert first == again != other
    assert len(first) == 3072
    assert math.hypot(*first) == pytest.approx(1)


def test_similar_texts_have_similar_vectors() -> None:
    """Texts are similar if they share words."""
    moon, near, far = (vector(text, 256) for text in ("the moon is full", "the moon is new", "cheap red bicycles"))
    assert product(moon, near) > 0.6 > 0.3 > abs(product(moon, far))


def test_a_batch_has_a_vector_for_each_text(api: httpx.Client) -> None:
    """The vectors are in order, and the same as for each text alone."""
    requests = [{"model": "models/gemini-embedding-001", **content(text)} for text in ("one", "two")]
    answer = api.post(f"{MODEL}:batchEmbedContents", json={"requests": requests}).json()
    assert [one["values"] for one in answer["embeddings"]] == [vector("one", 3072), vector("two", 3072)]


def test_the_size_can_be_chosen(api: httpx.Client) -> None:
    """It can be at most the model's own size."""
    answer = api.post(f"{MODEL}:embedContent", json={**content("one"), "outputDimensionality": 8})
    assert len(answer.json()["embedding"]["values"]) == 8
    for size in (0, 4000, "8"):
        wrong = api.post(f"{MODEL}:embedContent", json={**content("one"), "outputDimensionality": size})
        assert wrong.status_code == 400


def test_vertex_predicts_embeddings(api: httpx.Client) -> None:
    """The answer has the number of tokens of each text."""
    body = {"instances": [{"content": "one two"}], "parameters": {"outputDimensionality": 4}}
    answer = api.post(f"{VERTEX}:predict", json=body).json()
    assert answer["predictions"][0]["embeddings"]["values"] == vector("one two", 4)
    assert answer["predictions"][0]["embeddings"]["statistics"] == {"truncated": False, "token_count": 2}
    assert answer["metadata"] == {"billableCharacterCount": 7}
    assert api.post(f"{VERTEX}:embedContent", json=content("one")).json()["usageMetadata"]["totalTokenCount"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{MODEL}:embedContent", {}, 400),
        (f"{MODEL}:batchEmbedContents", {}, 400),
        (f"{MODEL}:batchEmbedContents", {"requests": [content("x")] * 101}, 400),
        (f"{VERTEX}:predict", {}, 400),
        ("/v1beta/models/gemini-2.5-flash:embedContent", content("x"), 404),
        (f"{MODEL}:generateContent", {"contents": content("x")["content"]}, 404),
    ],
    ids=["no content", "no requests", "too many", "no instances", "a model that writes", "a model that embeds"],
)
def test_invalid_requests_for_embeddings_are_refused(api: httpx.Client, path: str, body: Any, status: int) -> None:
    """They get Google's errors."""
    answer = api.post(path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)
