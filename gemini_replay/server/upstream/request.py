"""Requests that reached the embedded upstream, kept without their secrets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from ..asgi import Scope
from . import keys

_SECRET_HEADERS = {"x-goog-api-key", "authorization", "proxy-authorization", "cookie"}
_SECRET_FIELDS = {"assertion", "client_secret", "refresh_token", "subject_token", "code"}
REDACTED = "REDACTED"


@dataclass(frozen=True)
class Received:
    """A request that reached the upstream, without its secrets.

    Attributes:
        path: the decoded path.
        query: the query string; the value of ``key`` is redacted.
        headers: name and value pairs; those that carry a key are redacted.
        body: the body; in a form, the values of fields that carry credentials are redacted.
        key_place: the place of the key: "header", "query", "bearer", or None without a key.
        scheme: "http" or "https".
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    key_place: keys.KeyPlace | None
    scheme: str = "http"

    def header(self, name: str) -> str:
        """The first value of a header, by its name in lower case, or ""."""
        return next((value.strip() for key, value in self.headers if key.lower() == name), "")

    @property
    def base_url(self) -> str:
        """The server's base URL, as the client spelled it."""
        return f"{self.scheme}://{self.header('host')}"


def received(scope: Scope, body: bytes) -> tuple[Received, str]:
    """The request of an ASGI scope, without its key, and that key or ""."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    query = scope["query_string"].decode("latin-1")
    key = keys.find_key(headers, query)
    if key and key[0] == "query":
        query = _redacted(query, {"key"})
    kept = tuple((name, REDACTED if name.lower() in _SECRET_HEADERS else value) for name, value in headers)
    place, secret = key or (None, "")
    return Received(scope["method"], scope["path"], query, kept, body, place, scope.get("scheme", "http")), secret


def without_credentials(request: Received) -> Received:
    """The request to keep: a form that asks for a token loses its credentials."""
    if not request.header("content-type").startswith("application/x-www-form-urlencoded"):
        return request
    return replace(request, body=_redacted(request.body.decode("utf-8", "replace"), _SECRET_FIELDS).encode())


def _redacted(form: str, secret: set[str]) -> str:
    """A query or form without the values of these fields."""
    pairs = parse_qsl(form, keep_blank_values=True)
    return urlencode([(name, REDACTED if name in secret else value) for name, value in pairs])
