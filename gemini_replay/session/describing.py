"""Requests in words."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..cassette.model import Request


def describe(request: Request) -> str:
    """A request in one line, without secrets (it must be redacted already)."""
    if request.model and request.action:
        return f"{request.method} {request.model}:{request.action}" + (f"?alt={request.alt}" if request.alt else "")
    parts = urlsplit(request.url)
    return f"{request.method} {parts.hostname}{parts.path}"
