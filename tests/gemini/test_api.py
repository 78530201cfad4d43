"""Gemini as a provider: the meaning of its URLs, and the form of its errors."""

from __future__ import annotations

import json

import pytest

from gemini_replay.gemini import GEMINI
from gemini_replay.provider import Provider, Target

HOST = "https://generativelanguage.googleapis.com"
VERTEX = "/v1/projects/p/locations/europe-west4/publishers/google/models/m:streamGenerateContent"


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/v1beta/models/m:countTokens", Target("m", "countTokens", None, "/models/m")),
        ("/v1/models/m", Target("m", None, None, "/models/m")),
        (
            "/v1beta/tunedModels/t:generateContent?alt=sse",
            Target("t", "generateContent", "sse", "/tunedModels/t"),
        ),
        (
            "/v1/projects/p/endpoints/7:countTokens",
            Target("7", "countTokens", None, "/endpoints/7"),
        ),
        (VERTEX, Target("m", "streamGenerateContent", None, "/models/m")),
        (VERTEX.replace("google", "meta"), Target("m", "streamGenerateContent", None, "/publishers/meta/models/m")),
        ("/v1/publishers/google/models/m", Target("m", None, None, "/models/m")),
        ("/v1/projects/p/locations/l/caches/c", Target(None, None, None, "/projects/REDACTED/locations/l/caches/c")),
        ("/v1beta/models/m:go?%24alt=json", Target("m", "go", "json", "/models/m")),
        ("/v1beta/files/x", Target(None, None, None, "/files/x")),
        ("/gateway/v1beta/models", Target(None, None, None, "/gateway/v1beta/models")),
    ],
)
def test_what_a_url_asks_for(path: str, target: Target) -> None:
    """A URL gives the model, the action, alt and the resource."""
    assert GEMINI.target(HOST + path) == target


def test_a_path_of_vertex_ai_names_its_host() -> None:
    """All other paths belong to the Gemini API's host."""
    assert GEMINI.base_url() == GEMINI.base_url("/v1beta/models/m:generateContent") == HOST
    assert GEMINI.base_url(VERTEX) == "https://europe-west4-aiplatform.googleapis.com"


def test_gemini_has_every_member_of_a_provider() -> None:
    """A session runs the same check on any other provider."""
    assert isinstance(GEMINI, Provider)
    assert not isinstance(object(), Provider)


@pytest.mark.parametrize(
    ("url", "listed"),
    [(f"{HOST}/v1beta/models/m:streamGenerateContent", False), (VERTEX, True), (f"{VERTEX}?alt=sse", False)],
)
def test_an_error_instead_of_a_stream(url: str, listed: bool) -> None:
    """Vertex AI sends the error as the only item of a list if the request asks for a list."""
    found = json.loads(GEMINI.error_body(429, url=url, retry_after=2))
    error = (found[0] if listed else found)["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}]


@pytest.mark.parametrize(
    ("code", "status"), [(403, "PERMISSION_DENIED"), (418, "INVALID_ARGUMENT"), (599, "UNKNOWN")]
)
def test_every_code_has_a_name(code: int, status: str) -> None:
    """Codes that Google never sends get a name of their class."""
    assert json.loads(GEMINI.error_body(code, "No."))["error"] == {"code": code, "message": "No.", "status": status}


@pytest.mark.parametrize(("first", "begins"), [(True, b"[{\n"), (False, b",\r\n{\n")])
def test_an_error_in_an_array_ends_it(first: bool, begins: bytes) -> None:
    """The error is an element before the closing bracket."""
    data = GEMINI.error_event(503, framing="json-array", first=first)
    assert data.startswith(begins)
    assert data.endswith(b"}\n]")
