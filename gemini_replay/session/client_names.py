"""How a client is named in a cassette: "httpx2 2.16.2; google-genai-sdk/3.4.0"."""

from __future__ import annotations

from ..cassette.model import Headers, header

_AGENTS = ("x-goog-api-client", "user-agent")
"""The headers in which an SDK names itself, the more telling one first."""

_OWN_AGENTS = ("python-httpx", "python-urllib3", "Python-urllib", "Python/")
"""How the user agents of the client libraries begin, which tell nothing more than their names."""


def client_name(headers: Headers, library: str | None = None) -> str | None:
    """The client's name; None if nothing is known of it.

    Args:
        headers: of a request.
        library: the client library with its version ("httpx 0.28.1"), if it is known.
    """
    agent = next((value.strip() for name in _AGENTS if (value := header(headers, name))), "")
    if library and agent.startswith(_OWN_AGENTS):
        agent = ""
    return "; ".join(filter(None, (library, agent.partition(" ")[0]))) or None
