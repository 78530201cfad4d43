"""What Google's front end does around a model: response headers, error objects, keys."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any, Literal
from urllib.parse import parse_qsl

Json = dict[str, Any]
Header = tuple[str, str]
KeyPlace = Literal["header", "query", "bearer"]

_SERVICE = "generativelanguage.googleapis.com"
_VERTEX_SERVICE = "aiplatform.googleapis.com"

SSE = "text/event-stream"
JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"


_VERTEX_PATH = re.compile(r"/v\d\w*/projects/[^/]+/locations/(?P<location>[a-z0-9-]+)/")


def vertex(path: str) -> str | None:
    """The base URL of Vertex AI where a path is one of its own; it names the region. None: the path is not."""
    found = _VERTEX_PATH.match(path)
    if found is None:
        return None
    location = found["location"]
    return f"https://{'' if location == 'global' else f'{location}-'}{_VERTEX_SERVICE}"


def error(code: int, status: str, message: str, *details: Json) -> Json:
    """An error object as Google sends it."""
    found: Json = {"code": code, "message": message, "status": status}
    if details:
        found["details"] = list(details)
    return {"error": found}


def detail(kind: str, **fields: Any) -> Json:
    """One element of an error's ``details``; ``kind`` is "ErrorInfo", "RetryInfo" or the like."""
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **fields}


def response_headers(content_type: str, *, first_byte: float, vertex: bool = False) -> list[Header]:
    """The headers of Google's answers, without HTTP's own framing; ``first_byte`` in seconds."""
    found = [("content-type", content_type)]
    if content_type == SSE:
        found.append(("content-disposition", "attachment"))
    found += [("vary", name) for name in ("Origin", "X-Origin", "Referer")]
    found += [
        ("date", formatdate(usegmt=True)),
        ("server", "scaffolding on HTTPServer2"),
        ("x-xss-protection", "0"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-content-type-options", "nosniff"),
    ]
    if not vertex:
        found.append(("server-timing", f"gfet4t7; dur={round(first_byte * 1000)}"))
    found.append(("alt-svc", 'h3=":443"; ma=2592000,h3-29=":443"; ma=2592000'))
    return found


def gateway_headers(content_type: str) -> list[Header]:
    """The headers of an API gateway in front of Gemini."""
    return [
        ("content-type", content_type),
        ("cache-control", "no-cache"),
        ("date", formatdate(usegmt=True)),
        ("server", "gateway"),
    ]


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
    """None where the key will do, else the error.

    Args:
        found: the key and its place, as ``find_key`` gives them.
        wanted: the one right key; "any" where every key will do; None where none is needed.
        vertex: whether the request came by Vertex AI's path, which misses credentials rather than a
            key.
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
        "PERMISSION_DENIED",
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
        "UNAUTHENTICATED",
        f"Request is missing required authentication credential. {_EXPECTED}",
        _info("CREDENTIALS_MISSING", _VERTEX_SERVICE),
    )


def _bad_token(vertex: bool) -> Json:
    return error(
        401,
        "UNAUTHENTICATED",
        f"Request had invalid authentication credentials. {_EXPECTED}",
        _info("ACCESS_TOKEN_TYPE_UNSUPPORTED", _VERTEX_SERVICE if vertex else _SERVICE),
    )


def _bad_key(vertex: bool) -> Json:
    message = "API key not valid. Please pass a valid API key."
    return error(
        400,
        "INVALID_ARGUMENT",
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
        "NOT_FOUND",
        f"models/{model} is not found for API version {version}, or is not supported for {action}. "
        "Call ListModels to see the list of available models and their supported methods.",
    )


def invalid(message: str) -> Json:
    """The error for a request that cannot be understood."""
    return error(400, "INVALID_ARGUMENT", message)


NO_SUCH_PAGE = (
    "<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n"
    "<p><b>404.</b> <ins>That’s an error.</ins>\n"
    "<p>The requested URL was not found on this server. <ins>That’s all we know.</ins>\n"
)
