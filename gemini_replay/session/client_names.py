"""How a client is named in a cassette: "httpx2 2.16.2; google-genai-sdk/3.4.0"."""

from __future__ import annotations

from ..cassette.model import Headers, header

_AGENTS = ("x-goog-api-client", "user-agent")
"""The headers in which an SDK names itself; the one with more details comes first."""

_OWN_AGENTS = ("python-httpx", "python-urllib3", "Python-urllib", "Python/")
"""The beginnings of the client libraries' user agents, which say no more than the libraries' names."""


def client_name(headers: Headers, library: str | None = None) -> str | None:
    """The client's name, or None if it is not known.

    Args:
        headers: a request's headers.
        library: the client library with its version ("httpx 0.28.1"), if it is known.
    """
    agent = next((value.strip() for name in _AGENTS if (value := header(headers, name))), "")
    if library and agent.startswith(_OWN_AGENTS):
        agent = ""
    return "; ".join(filter(None, (library, agent.partition(" ")[0]))) or None
