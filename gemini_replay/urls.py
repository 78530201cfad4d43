"""The server in a URL, as it is written there: an IPv6 address has brackets."""

from __future__ import annotations

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def netloc(url: str) -> str:
    """The host and port of a URL as written, without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def host(url: str) -> str:
    """The host of a URL in lower case, as written in a URL, without the port."""
    return _bracketed(urlsplit(url).hostname or "")


def server(url: str) -> str:
    """The scheme, host and port of a URL, without user, password, path and query."""
    return f"{urlsplit(url).scheme}://{netloc(url)}"


def server_url(scheme: str, host: str, port: int | None) -> str:
    """The URL of a server without a path. A port is left out if it is None or the scheme's default."""
    return f"{scheme}://{host_and_port(scheme, host, port)}"


def host_and_port(scheme: str, host: str, port: int | None) -> str:
    """The host and port as a URL with this scheme has them."""
    return _bracketed(host) if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{_bracketed(host)}:{port}"


def address(url: str) -> str:
    """The host and port of a URL; the port is there even if it is the scheme's default."""
    parts = urlsplit(url)
    return f"{host(url)}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
