"""The work of Google's front end: checking keys, and errors about requests."""

from __future__ import annotations

import hmac
import random
from collections.abc import Sequence
from typing import Literal
from urllib.parse import parse_qsl

from ...gemini.error_objects import Json, detail, error
from ...gemini.heads import HeaderField

KeyPlace = Literal["header", "query", "bearer"]

_SERVICE = "generativelanguage.googleapis.com"
_VERTEX_SERVICE = "aiplatform.googleapis.com"


def find_key(headers: Sequence[HeaderField], query: str) -> tuple[KeyPlace, str] | None:
    """The first key of a request and its place: header, then query, then Bearer."""
    found = dict(reversed([(name.lower(), value) for name, value in headers]))
    if found.get("x-goog-api-key"):
        return "header", found["x-goog-api-key"]
    for name, value in parse_qsl(query):
        if name == "key":
            return "query", value
    scheme, _, token = found.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return "bearer", token.strip()
    return None


def check_key(
    found: tuple[KeyPlace, str] | None, wanted: str | None, *, vertex: bool = False, token: str | None = None
) -> Json | None:
    """None if the key is right, or else the error.

    ``wanted`` is the one right key; "any" for every key; None if none is needed. ``token`` is an access token that is
    right too. Vertex AI's paths (``vertex``) need credentials instead of a key.
    """
    if wanted is None:
        return None
    service = _VERTEX_SERVICE if vertex else _SERVICE
    if found is None and not vertex:
        return error(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). Please "
            "use API Key or other form of API consumer identity to call this API.",
        )
    if found is None:
        message = f"Request is missing required authentication credential. {_EXPECTED}"
        return error(401, message, _info("CREDENTIALS_MISSING", service))
    place, key = found
    if wanted == "any" or hmac.compare_digest(key.encode(), wanted.encode()):
        return None
    if token is not None and place == "bearer" and hmac.compare_digest(key.encode(), token.encode()):
        return None
    if place == "bearer":
        message = f"Request had invalid authentication credentials. {_EXPECTED}"
        return error(401, message, _info("ACCESS_TOKEN_TYPE_UNSUPPORTED", service))
    message = "API key not valid. Please pass a valid API key."
    localized = detail("LocalizedMessage", locale="en-US", message=message)
    return error(400, message, _info("API_KEY_INVALID", service), localized)


_EXPECTED = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


def _info(reason: str, service: str) -> Json:
    return detail("ErrorInfo", reason=reason, domain="googleapis.com", metadata={"service": service})


def model_not_found(model: str, version: str, action: str = "generateContent") -> Json:
    """The error for a model that does not exist."""
    return error(
        404,
        f"models/{model} is not found for API version {version}, or is not supported for {action}. "
        "Call ListModels to see the list of available models and their supported methods.",
    )


def no_such_method() -> Json:
    """The error for a path, or an HTTP method, that the API does not have."""
    return error(404, "Method not found.")


def fake_token(seed: int) -> str:
    """The access token that the upstream gives, and accepts as `Bearer` besides the right key."""
    return f"ya29.upstream-{random.Random(f'{seed}/token').randbytes(24).hex()}"
