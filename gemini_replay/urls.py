"""The server in a URL, as it is written: an IPv6 address stands in brackets."""

from __future__ import annotations

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def netloc(url: str) -> str:
    """The host and port of a URL, as they are written; without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def host(url: str) -> str:
    """The host of a URL, in lower case, as a URL has it; without its port."""
    return _bracketed(urlsplit(url).hostname or "")


def server(url: str) -> str:
    """The scheme, host and port of a URL; without user, password, path and query."""
    return f"{urlsplit(url).scheme}://{netloc(url)}"


def server_url(scheme: str, host: str, port: int | None) -> str:
    """The URL of a server, without a path; without the port if that is the scheme's own, or None."""
    return f"{scheme}://{host_and_port(scheme, host, port)}"


def host_and_port(scheme: str, host: str, port: int | None) -> str:
    """What a URL with this scheme has for a host and a port."""
    return _bracketed(host) if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
