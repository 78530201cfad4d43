"""The models of the embedded upstream: ``models.list`` and ``models.get``."""

from __future__ import annotations

from typing import Any

from . import scenarios
from .backend import Backend
from .call import Call, RefusedError
from .keys import model_not_found
from .shelf import page
from .timed_response import TimedResponse

_GENERATING = ("generateContent", "streamGenerateContent", "countTokens")
_EMBEDDING = ("embedContent", "batchEmbedContents", "countTokens")

NAMES = (
    "gemini-2.0-flash",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-2.5-pro",
    "gemini-2.5-flash-image",
    "gemini-3-flash-preview",
    "gemini-3.1-pro-preview",
    "gemini-3.5-flash",
    "gemini-embedding-001",
    "text-embedding-004",
)
"""The models in the list, besides the scenarios. Any other whose name begins with ``gemini-`` answers too."""


def every() -> list[str]:
    """The names in the list of models."""
    return [*NAMES, *scenarios.SCENARIOS]


def exists(name: str) -> bool:
    """Whether there is such a model."""
    return name in NAMES or name.startswith("gemini-") or scenarios.find(name) is not None


def list_models(backend: Backend, call: Call) -> TimedResponse:
    """``models.list``, in pages; Vertex AI calls them publisher models."""
    found = [describe(name, vertex=call.vertex) for name in every()]
    field = "publisherModels" if call.vertex else "models"
    return backend.object(call, page(found, call.query, field, usual=50, largest=1000))


def get_model(backend: Backend, call: Call) -> TimedResponse:
    """``models.get``."""
    name = call.names["model"]
    if not exists(name):
        raise RefusedError(model_not_found(name, call.version))
    return backend.object(call, describe(name, vertex=call.vertex))


def describe(name: str, *, vertex: bool = False) -> dict[str, Any]:
    """The description of a model."""
    if vertex:
        return {
            "name": f"publishers/google/models/{name}",
            "versionId": "default",
            "openSourceCategory": "PROPRIETARY",
            "launchStage": "GA",
            "publisherModelTemplate": f"projects/{{project}}/locations/{{location}}/publishers/google/models/{name}",
        }
    scenario = scenarios.find(name)
    found: dict[str, Any] = {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "description": scenario.description if scenario else "A model of the embedded upstream",
    }
    if "embedding" in name:
        limits = {"inputTokenLimit": 2048, "outputTokenLimit": 1}
        return {**found, **limits, "supportedGenerationMethods": list(_EMBEDDING)}
    return {
        **found,
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "supportedGenerationMethods": list(_GENERATING),
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
    }
