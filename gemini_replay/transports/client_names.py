"""How a client is named in a cassette: "httpx2 2.16.2; google-genai-sdk/3.4.0"."""

from __future__ import annotations

from ..cassette.model import Headers, header

_AGENTS = ("x-goog-api-client", "user-agent")
"""The headers in which an SDK names itself, the more telling one first."""


def client_name(headers: Headers, library: str = "", *, own_agent: str = "") -> str | None:
    """The client's name; None if nothing is known of it.

    Args:
        headers: of a request.
        library: the client library with its version ("httpx 0.28.1"), if it is known.
        own_agent: how the library's own user agent begins, which tells nothing more.
    """
    agent = next((value.strip() for name in _AGENTS if (value := header(headers, name))), "")
    if own_agent and agent.startswith(own_agent):
        agent = ""
    return "; ".join(filter(None, (library, agent.partition(" ")[0]))) or None
