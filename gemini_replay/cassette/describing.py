"""Descriptions of requests."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..urls import host
from .model import Request


def describe(request: Request) -> str:
    """A request in one line, without secrets (it must be redacted already)."""
    model, action, alt, _ = request.target
    if model and action:
        return f"{request.method} {model}:{action}" + (f"?alt={alt}" if alt else "")
    parts = urlsplit(request.url)
    return f"{request.method} {host(request.url)}{parts.path}"
