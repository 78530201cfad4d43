"""The table of the API's methods: which function answers which path."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import caches, embeddings, files, generation, interactions, models, openai, tokens, uploads
from .backend import Backend
from .call import Call, ErrorForm
from .request import Received
from .timed_response import TimedResponse

Answer = Callable[[Backend, Call], TimedResponse]

_VERSIONS = "v1|v1alpha|v1beta|v1beta1"
_PROJECT = r"(?P<project>projects/[^/]+/locations/[^/]+)"
_GEMINI = rf"(?:/(?P<version>{_VERSIONS}))?"
_VERTEX = rf"(?P<vertex>(?:/{_PROJECT})?/publishers/google|/{_PROJECT.replace('project>', 'parent>')})"


@dataclass(frozen=True)
class Route:
    """One method of the API.

    Attributes:
        http: the HTTP methods.
        path: the path after version and project; ``{name}`` stands for one segment, up to a colon.
        answer: the function that answers it.
        before: the part of the path before the version.
        errors: the form of errors.
        needs: a parameter of the query without which it is another method.
        keyless: whether it takes requests without a key.
        versionless: whether the path has no version.
        refuse: the function that answers refused requests.
    """

    http: str
    path: str
    answer: Answer
    before: str = ""
    errors: ErrorForm = "object"
    needs: str = ""
    keyless: bool = False
    versionless: bool = False
    refuse: Callable[..., TimedResponse] = Backend.refuse
    pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        path = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(self.path))
        head = "" if self.versionless else rf"{_GEMINI}{_VERTEX}?"
        object.__setattr__(self, "pattern", re.compile(rf"(?P<prefix>/.*?)??{self.before}{head}/{path}"))


ROUTES = (
    Route("POST", "models/{model}:streamGenerateContent", generation.stream, refuse=generation.refuse_stream),
    Route("POST", "models/{model}:generateContent", generation.generate),
    Route("POST", "models/{model}:countTokens", generation.count),
    Route("POST", "models/{model}:embedContent", embeddings.embed),
    Route("POST", "models/{model}:batchEmbedContents", embeddings.embed_batch),
    Route("POST", "models/{model}:predict", embeddings.predict),
    Route("GET", "models", models.list_models),
    Route("GET", "models/{model}", models.get_model),
    Route("POST PUT", "files", uploads.proceed, before="/upload", needs="upload_id", keyless=True),
    Route("POST", "files", uploads.begin, before="/upload"),
    Route("GET", "files", files.list_files),
    Route("GET", "files/{file}", files.get_file),
    Route("DELETE", "files/{file}", files.delete),
    Route("POST", "cachedContents", caches.create),
    Route("GET", "cachedContents", caches.list_caches),
    Route("GET", "cachedContents/{cache}", caches.get_cache),
    Route("PATCH", "cachedContents/{cache}", caches.patch),
    Route("DELETE", "cachedContents/{cache}", caches.delete),
    Route("POST", "interactions", interactions.create, errors="interaction"),
    Route("GET", "interactions/{interaction}", interactions.get_interaction, errors="interaction"),
    Route("DELETE", "interactions/{interaction}", interactions.delete, errors="interaction"),
    Route("POST", "interactions/{interaction}/cancel", interactions.cancel, errors="interaction"),
    *(
        route
        for base in ("openai", "endpoints/openapi")
        for route in (
            Route("POST", f"{base}/chat/completions", openai.complete, errors="list"),
            Route("POST", f"{base}/embeddings", openai.embed, errors="list"),
            Route("GET", f"{base}/models", openai.list_models, errors="list"),
            Route("GET", f"{base}/models/{{model}}", openai.get_model, errors="list"),
            Route("GET", f"{base}/models/models/{{model}}", openai.get_model, errors="list"),
        )
    ),
    Route("POST", "token", tokens.give, keyless=True, versionless=True),
    Route("POST", "oauth2/v4/token", tokens.give, keyless=True, versionless=True),
)
"""All methods. The first one that fits answers."""


def understood(request: Received, *, any_prefix: bool = False) -> tuple[Route, Call] | None:
    """The method that a request asks for; None if the API has no such method.

    With ``any_prefix`` (gateways), a path may start with anything. Otherwise it may start with anything except a
    version of Vertex AI's.
    """
    for route in ROUTES:
        found = route.pattern.fullmatch(request.path)
        if found is None or request.method not in route.http.split():
            continue
        names: dict[str, Any] = found.groupdict()
        prefix, vertex = names.pop("prefix"), names.pop("vertex", None)
        if prefix and not (any_prefix or vertex):
            continue
        call = Call(
            request,
            version=names.pop("version", None) or "v1beta",
            project=names.pop("project", None) or names.pop("parent", None) or "",
            vertex=bool(vertex),
            names=names,
            errors=route.errors,
        )
        if route.needs in ("", *call.query):
            return route, call
    return None
