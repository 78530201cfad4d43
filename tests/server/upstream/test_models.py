"""Models are listed and described, and tokens are counted."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gemini_replay.server.upstream.scenarios import SCENARIOS

ASK = {"contents": [{"parts": [{"text": "Tell me a story."}]}]}
VERTEX = "/v1/projects/p/locations/europe-west4/publishers/google/models"


def pages(api: httpx.Client, path: str, field: str, size: int) -> list[list[str]]:
    """The names on each page of a list."""
    found, token = [], ""
    while True:
        answer = api.get(path, params={"pageSize": size, "pageToken": token}).json()
        found.append([one["name"] for one in answer.get(field, [])])
        token = answer.get("nextPageToken", "")
        if not token:
            return found


def test_the_list_has_models_of_every_kind(api: httpx.Client) -> None:
    """It has Gemini models, scenarios, and models that make embeddings."""
    found = {one["name"]: one for one in api.get("/v1beta/models?pageSize=1000").json()["models"]}
    assert "generateContent" in found["models/gemini-2.5-flash"]["supportedGenerationMethods"]
    assert "embedContent" in found["models/gemini-embedding-001"]["supportedGenerationMethods"]
    assert {f"models/{name}" for name in SCENARIOS} < found.keys()


def test_the_list_comes_in_pages(api: httpx.Client) -> None:
    """Each model is on one page. By default, a page has 50 models."""
    every = [one["name"] for one in api.get("/v1beta/models?pageSize=1000").json()["models"]]
    found = pages(api, "/v1beta/models", "models", 7)
    assert [name for page in found for name in page] == every
    assert {len(page) for page in found[:-1]} == {7}
    assert api.get("/v1beta/models").json()["models"] == api.get("/v1beta/models?pageSize=50").json()["models"]


@pytest.mark.parametrize(
    "query",
    ["pageSize=x", "pageSize=-1", f"pageSize={'9' * 5000}", "pageToken=nonsense", "pageToken=%C3%A4"],
    ids=lambda query: query[:20],
)
def test_a_wrong_page_is_refused(api: httpx.Client, query: str) -> None:
    """The error is an invalid argument."""
    answer = api.get(f"/v1beta/models?{query}")
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_model_is_described(api: httpx.Client) -> None:
    """Any name that begins with gemini- is described; other names are not found."""
    assert api.get("/v1beta/models/gemini-9-ultra").json()["name"] == "models/gemini-9-ultra"
    missing = api.get("/v1/models/nonesuch")
    assert missing.status_code == 404
    assert missing.json()["error"]["message"].startswith("models/nonesuch is not found for API version v1,")


def test_vertex_lists_publisher_models(api: httpx.Client) -> None:
    """This works with and without a project (express mode)."""
    for path in (VERTEX, "/v1beta1/publishers/google/models"):
        first = api.get(path).json()["publisherModels"][0]
        assert first["name"] == "publishers/google/models/gemini-2.0-flash"
        assert api.get(f"{path}/gemini-2.0-flash").json() == first


def test_tokens_are_counted(api: httpx.Client) -> None:
    """Everything in the prompt counts, given as contents or as a whole request."""

    def count(body: dict[str, Any]) -> int:
        return int(api.post("/v1beta/models/gemini-2.5-pro:countTokens", json=body).json()["totalTokens"])

    assert count(ASK) == 4
    image = {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}]}
    assert count(image) == 258
    instructed = {**ASK, "systemInstruction": {"parts": [{"text": "Be brief, and kind to all animals."}]}}
    assert count(instructed) > 10
    assert count({"generateContentRequest": {"model": "models/gemini-2.5-pro", **instructed}}) == count(instructed)
    tools = [{"functionDeclarations": [{"name": "get_weather", "description": "The weather in a city"}]}]
    assert count({**ASK, "tools": tools}) > 15


def test_the_prompts_tokens_are_in_the_usage(api: httpx.Client) -> None:
    """The usage has the same count as countTokens."""
    path = "/v1beta/models/gemini-2.5-pro"
    counted = api.post(f"{path}:countTokens", json=ASK).json()["totalTokens"]
    usage = api.post(f"{path}:generateContent", json=ASK).json()["usageMetadata"]
    assert usage["promptTokenCount"] == counted
    assert usage["totalTokenCount"] == counted + usage["candidatesTokenCount"]


def test_vertex_counts_characters_too(api: httpx.Client) -> None:
    """Vertex AI bills characters."""
    answer = api.post(f"{VERTEX}/gemini-2.5-pro:countTokens", json=ASK).json()
    assert answer["totalBillableCharacters"] == 16
