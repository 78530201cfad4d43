"""Which hosts and URLs belong to a session, and what is said of one that must not be reached."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatch
from urllib.parse import urlsplit

from ..errors import NetworkBlockedError, UsageError

GEMINI_HOSTS = (
    "generativelanguage.googleapis.com",
    "*.generativelanguage.googleapis.com",
    "aiplatform.googleapis.com",
    "*-aiplatform.googleapis.com",
    "aiplatform.*.rep.googleapis.com",
)
"""The Gemini API and Vertex AI with its regional and multi-regional endpoints."""

GEMINI_PATH = re.compile(r"/models/[^/:]+:[A-Za-z]+$")


def is_gemini_host(host: str, hosts: Iterable[str] = GEMINI_HOSTS) -> bool:
    """Whether a host name matches one of the patterns."""
    return any(fnmatch(host.lower().rstrip("."), pattern.lower()) for pattern in hosts)


def blocked(host: str) -> NetworkBlockedError:
    """The error for a Gemini host that something is about to reach past every cassette."""
    return NetworkBlockedError(
        f"A request to {host} was stopped before it left this machine.",
        closest="It came through a client that gemini-replay does not intercept, so no cassette could answer it.",
        todo="Use a supported client (httpx, httpx2, requests, urllib3, aiohttp), or serve the cassette to it with "
        "`gemini-replay serve`; --gemini-record live allows the network.",
    )


def base_url(upstream: str | None) -> str | None:
    """An upstream's base URL, checked.

    Raises:
        UsageError: it has no scheme or no host.
    """
    if upstream is None:
        return None
    try:
        parts = urlsplit(upstream)
        wrong = parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        wrong = True
    if wrong:
        raise UsageError(
            f"{upstream!r} is no base URL.",
            todo="Give scheme and host, such as https://generativelanguage.googleapis.com or http://127.0.0.1:8080.",
        )
    return upstream
