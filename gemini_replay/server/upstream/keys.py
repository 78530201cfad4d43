"""What Google's front end does around a model: it checks keys, and says what is wrong with a request."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Literal
from urllib.parse import parse_qsl

from ...gemini.error_objects import Json, detail, error

Header = tuple[str, str]
KeyPlace = Literal["header", "query", "bearer"]

_SERVICE = "generativelanguage.googleapis.com"
_VERTEX_SERVICE = "aiplatform.googleapis.com"


def find_key(headers: Sequence[Header], query: str) -> tuple[KeyPlace, str] | None:
    """The first key of a request and where it stood: header, then query, then Bearer."""
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


def check_key(found: tuple[KeyPlace, str] | None, wanted: str | None, *, vertex: bool = False) -> Json | None:
    """None if the key is right, else the error.

    Args:
        found: the key and its place, as ``find_key`` gives them.
        wanted: the one right key; "any" for every key; None if none is needed.
        vertex: whether the request came by Vertex AI's path, which asks for credentials instead of a key.
    """
    if wanted is None:
        return None
    if found is None:
        return _no_credentials() if vertex else _unregistered()
    place, key = found
    if wanted == "any" or hmac.compare_digest(key.encode(), wanted.encode()):
        return None
    return _bad_token(vertex) if place == "bearer" else _bad_key(vertex)


def _unregistered() -> Json:
    return error(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please "
        "use API Key or other form of API consumer identity to call this API.",
    )


_EXPECTED = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


def _no_credentials() -> Json:
    return error(
        401,
        f"Request is missing required authentication credential. {_EXPECTED}",
        _info("CREDENTIALS_MISSING", _VERTEX_SERVICE),
    )


def _bad_token(vertex: bool) -> Json:
    return error(
        401,
        f"Request had invalid authentication credentials. {_EXPECTED}",
        _info("ACCESS_TOKEN_TYPE_UNSUPPORTED", _VERTEX_SERVICE if vertex else _SERVICE),
    )


def _bad_key(vertex: bool) -> Json:
    message = "API key not valid. Please pass a valid API key."
    return error(
        400,
        message,
        _info("API_KEY_INVALID", _VERTEX_SERVICE if vertex else _SERVICE),
        detail("LocalizedMessage", locale="en-US", message=message),
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


def invalid(message: str) -> Json:
    """The error for a request that cannot be understood."""
    return error(400, message)


NO_SUCH_PAGE = (
    "<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n"
    "<p><b>404.</b> <ins>That’s an error.</ins>\n"
    "<p>The requested URL was not found on this server. <ins>That’s all we know.</ins>\n"
)
