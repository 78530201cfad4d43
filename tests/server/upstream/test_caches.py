"""Cached contents are created, changed, listed, deleted, and used."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

MODEL = "models/gemini-2.5-flash"
TEXT = {"contents": [{"role": "user", "parts": [{"text": "The moon is a stone. " * 100}]}]}
ASK = {"contents": [{"parts": [{"text": "What is it?"}]}]}
PLACES = pytest.mark.parametrize(
    "folder", ["/v1beta", "/v1/projects/p/locations/us-central1"], ids=["Gemini API", "Vertex AI"]
)


def created(api: httpx.Client, folder: str = "/v1beta", **more: Any) -> Any:
    answer = api.post(f"{folder}/cachedContents", json={"model": MODEL, **TEXT, **more})
    assert answer.status_code == 200
    return answer.json()


@PLACES
def test_a_cache_lives_its_life(api: httpx.Client, folder: str) -> None:
    """It can be created, read, patched, listed and deleted. Its name has the form of the API that was asked."""
    cache = created(api, folder, displayName="moon", ttl="60s")
    where = f"{folder}/cachedContents/{cache['name'].rpartition('/')[2]}"
    assert where.endswith(f"/{cache['name']}")
    assert (cache["createTime"][14:19], cache["expireTime"][14:19]) == ("00:01", "01:01")
    assert api.get(where).json() == cache
    changed = api.patch(f"{where}?updateMask=ttl", json={"ttl": "120.5s"}).json()
    assert changed["expireTime"] == "2026-01-01T09:02:02.500000Z"
    later = api.patch(where, json={"expireTime": "2027-01-01T00:00:00+01:00"}).json()
    assert later["expireTime"] == "2026-12-31T23:00:00.000000Z"
    assert api.get(f"{folder}/cachedContents").json() == {"cachedContents": [later]}
    assert api.delete(where).json() == {}
    assert api.get(f"{folder}/cachedContents").json() == {}


def test_an_answer_counts_the_cached_tokens(api: httpx.Client) -> None:
    """Whole answers and streams count them as part of the prompt's tokens."""
    cache = created(api)
    cached = cache["usageMetadata"]["totalTokenCount"]
    assert cached == 525
    body = {**ASK, "cachedContent": cache["name"]}
    usage = api.post(f"/v1beta/{MODEL}:generateContent", json=body).json()["usageMetadata"]
    assert (usage["promptTokenCount"], usage["cachedContentTokenCount"]) == (cached + 3, cached)
    streamed = api.post(f"/v1beta/{MODEL}:streamGenerateContent", json=body).json()
    assert all(event["usageMetadata"]["cachedContentTokenCount"] == cached for event in streamed)
    counted = api.post(f"/v1beta/{MODEL}:countTokens", json=body).json()
    assert (counted["totalTokens"], counted["cachedContentTokenCount"]) == (cached + 3, cached)


def test_a_cache_may_be_of_instructions_only(api: httpx.Client) -> None:
    """It may also hold only tools."""
    answer = api.post(
        "/v1beta/cachedContents", json={"model": MODEL, "systemInstruction": {"parts": [{"text": "Be brief."}]}}
    )
    assert answer.json()["usageMetadata"] == {"totalTokenCount": 2}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"model": MODEL}, 400),
        ({"model": "models/nonesuch", **TEXT}, 404),
        ({"model": MODEL, **TEXT, "ttl": "soon"}, 400),
        ({"model": MODEL, **TEXT, "ttl": "1e99s"}, 400),
        ({"model": MODEL, **TEXT, "expireTime": "tomorrow"}, 400),
    ],
)
def test_a_wrong_cache_is_refused(api: httpx.Client, body: Any, status: int) -> None:
    """As Google refuses it."""
    answer = api.post("/v1beta/cachedContents", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)


def test_a_request_that_does_not_fit_its_cache_is_refused(api: httpx.Client) -> None:
    """It names another model, has instructions of its own, or names a missing cache."""
    name = created(api)["name"]

    def asked(model: str, **body: Any) -> tuple[int, str]:
        answer = api.post(f"/v1beta/models/{model}:generateContent", json={**ASK, **body})
        return answer.status_code, answer.json()["error"]["message"]

    status, message = asked("gemini-2.5-pro", cachedContent=name)
    assert (status, "has to be the same" in message) == (400, True)
    instruction = {"parts": [{"text": "Be brief."}]}
    status, message = asked("gemini-2.5-flash", cachedContent=name, systemInstruction=instruction)
    assert (status, "can not be used" in message) == (400, True)
    missing = asked("gemini-2.5-flash", cachedContent="cachedContents/none")
    assert missing == (403, "CachedContent not found (or permission denied)")


def test_only_the_expiry_can_be_changed(api: httpx.Client) -> None:
    """Other changes are refused, and so is a missing cache."""
    where = f"/v1beta/{created(api)['name']}"
    assert api.patch(where, json={"displayName": "sun"}).status_code == 400
    for method in ("GET", "PATCH", "DELETE"):
        assert api.request(method, "/v1beta/cachedContents/none", json={"ttl": "1s"}).status_code == 403
