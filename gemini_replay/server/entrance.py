"""The entrance of a server. It accepts well-formed requests of limited size, from local programs and pages.

Every page in a browser of this machine can reach a server on a loopback address: it can send requests there, and with
DNS rebinding it can even pass for one of the server's own pages. So a request with an ``Origin`` or ``Host`` that is
neither local nor allowed is refused. Local pages get the CORS headers that Google sends.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from ..errors import UsageError
from ..plain_text import plain
from ..provider import Provider
from ..shipped import shipped
from .asgi import MARK, App, Message, Receive, Scope, Send, respond, start

_log = logging.getLogger("gemini_replay.server")

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Rules:
    """The rules for which requests a server accepts.

    Args:
        allow_origins: origins of pages that may use the server, besides those on localhost and loopback addresses:
            ``https://app.example``, or ``null`` for pages without an origin (files, sandboxed frames).
        allow_hosts: host names, without a port, that requests may use for the server, besides localhost and loopback
            addresses. Only a server that listens on a loopback address checks this.
        max_body: the largest body of a request, in bytes.
        head_bytes: the largest head of a request.
        head_lines: the most lines of a head.
        head_seconds: how long the head may take, from its first byte.
        body_seconds: how long the body may take, from the end of the head.

    Raises:
        UsageError: an origin, a host name or the size is not valid.
    """

    allow_origins: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    max_body: int = 128 * _MIB
    head_bytes: int = 64 * 1024
    head_lines: int = 128
    head_seconds: float = 10.0
    body_seconds: float = 60.0

    def __post_init__(self) -> None:
        for origin in self.allow_origins:
            if not _ORIGIN.fullmatch(origin):
                raise UsageError(
                    f"{origin!r} is not an origin.",
                    hint="Give scheme and host, and the port if it is not the default, such as https://app.example.",
                )
        for host in self.allow_hosts:
            if not _HOST.fullmatch(host):
                raise UsageError(
                    f"{host!r} is not a host name.",
                    hint="Give a name without scheme or port, such as host.docker.internal.",
                )
        if self.max_body < 0:
            raise UsageError(f"max_body is {self.max_body}.", hint="Give a number of bytes.")


DEFAULT_RULES = Rules()
"""The default rules."""

_ORIGIN = re.compile(r"null|[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#@]+")
_HOST = re.compile(r"[^\s/:?#@\[\]]+|\[[0-9a-fA-F:.]+\]")
_SIZE = re.compile(r"(\d+)\s*([KMG]?)(?:i?B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """A size in bytes: ``1000``, ``64K``, ``128M``, ``1G``.

    Raises:
        UsageError: it is not a size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{plain(text)!r} is not a size.", hint="Give a number of bytes, such as 1000, 64K, 128M or 1G."
        )
    factor: int = 1024 ** " KMG".index(found[2].upper() or " ")
    return int(found[1]) * factor


class Entrance:
    """An ASGI app in front of another. It refuses what the rules forbid, and adds Google's CORS headers.

    If the server listens on a loopback address (`local`), the ``Host`` of a request must be local, too. A refusal
    looks like an error of the `provider`.
    """

    def __init__(self, app: App, rules: Rules, *, local: bool, provider: Provider | None = None) -> None:
        self._app = app
        self._provider = provider
        self._local = local
        self._max_body = rules.max_body
        self._origins = {origin.lower() for origin in rules.allow_origins}
        self._hosts = {host.lower() for host in rules.allow_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse one request, or pass it to the app."""
        headers = _joined(scope["headers"])
        refusal = next(self._refusals(scope, headers), None)
        if refusal is not None:
            await self._refuse(receive, send, *refusal)
            return
        origin = headers.get(b"origin")
        if origin is not None:
            if scope["method"] == "OPTIONS" and headers.get(b"access-control-request-method") is not None:
                await _answer_preflight(headers, origin, send)
                return
            send = _with_cors(send, origin)
        try:
            await self._app(scope, _limited(receive, self._max_body), send)
        except _TooLargeError as stopped:
            await self._refuse(receive if stopped.more else None, send, *self._too_large())

    def _refusals(self, scope: Scope, headers: dict[bytes, str]) -> Iterator[tuple[int, str]]:
        """Why a request must be refused: status and reason."""
        host, origin = headers.get(b"host"), headers.get(b"origin")
        if self._local and host is not None and _name_of(host) not in self._hosts and not _is_local(_name_of(host)):
            yield (
                403,
                f"This server only answers to local names, and {plain(host)} is not one. "
                "Use 127.0.0.1 or localhost, or allow the name with --allow-host.",
            )
        if origin is not None and not (origin.lower() in self._origins or _is_local_origin(origin)):
            yield (
                403,
                f"Pages of {plain(origin)} may not use this server. Allow the origin with --allow-origin.",
            )
        if origin is None and headers.get(b"sec-fetch-site") == "cross-site":
            yield 403, "Pages of other sites may not use this server."
        if b"content-length" in headers and b"transfer-encoding" in headers:
            yield 400, "The request has both Content-Length and Transfer-Encoding, so its length is ambiguous."
        path = scope["raw_path"]
        if not path.startswith(b"/"):
            yield (
                400,
                "The request's target is not a path, and this server is not a forward proxy. "
                "Set the client's base URL to this server, not its proxy.",
            )
        if b"#" in path or b"#" in scope["query_string"]:
            yield 400, "The request's path has a fragment (#), which clients must not send."
        if _has_dot_segment(path):
            yield 400, "The request's path has a segment . or .., which clients must resolve."
        length = headers.get(b"content-length")
        if length is not None and int(length) > self._max_body:
            yield self._too_large()

    async def _refuse(self, receive: Receive | None, send: Send, status: int, reason: str) -> None:
        _log.warning("A request was refused (%d): %s", status, reason)
        body = refusal(status, reason, self._provider)
        await respond(send, status, body, ((MARK, "error"),), receive=receive)

    def _too_large(self) -> tuple[int, str]:
        return 413, f"The request's body is larger than {self._max_body} bytes (--max-body)."


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """Headers by name, which ASGI has in lower case.

    Several values are joined by commas; with a comma, a value is not a valid host, origin or length.
    """
    values: dict[bytes, str] = {}
    for name, value in headers:
        text = value.decode("latin-1")
        values[name] = f"{values[name]}, {text}" if name in values else text
    return values


def _has_dot_segment(path: bytes) -> bool:
    if b"/." not in path and b"\\." not in path and b"%" not in path:
        return False
    text = path.decode("latin-1")
    while (decoded := unquote(text)) != text:  # an upstream may decode it more than once
        text = decoded
    return any(segment in (".", "..") for segment in re.split(r"[/\\]", text))


@lru_cache(maxsize=256)
def _name_of(host: str) -> str:
    """The name in a ``Host`` header, without its port."""
    name = host if host.endswith("]") else re.sub(r":\d*$", "", host)
    return name.lower().removesuffix(".")


@lru_cache(maxsize=256)
def _is_local(name: str) -> bool:
    """Whether a host name always means this machine: no DNS server can point it elsewhere."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    return False


@lru_cache(maxsize=256)
def _is_local_origin(origin: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and _is_local(_name_of(parts.netloc))
    return False


# -- bodies ----------------------------------------------------------------------------------------------------------


class _TooLargeError(Exception):
    """A body is too large; the app that reads it stops. `more` says whether there is more of it to read."""

    def __init__(self, more: bool) -> None:
        super().__init__()
        self.more = more


def _limited(receive: Receive, most: int) -> Receive:
    got = 0

    async def limited() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > most:
            raise _TooLargeError(message.get("more_body", False))
        return message

    return limited


# -- answers ---------------------------------------------------------------------------------------------------------


def refusal(status: int, reason: str, provider: Provider | None) -> bytes:
    """The body of a refusal in the form of the provider's errors; None for the default provider."""
    return (provider or shipped()).error_body(status, f"gemini-replay: {reason}")


async def _answer_preflight(headers: dict[bytes, str], origin: str, send: Send) -> None:
    """Tell a browser that a page of this origin may send the request that it has announced."""
    found = [
        ("access-control-allow-origin", origin),
        ("vary", "origin"),
        ("access-control-allow-methods", "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"),
        ("access-control-max-age", "3600"),
        ("content-length", "0"),
    ]
    asked = headers.get(b"access-control-request-headers")
    if asked is not None:
        found.append(("access-control-allow-headers", asked))
    if headers.get(b"access-control-request-private-network") == "true":
        found.append(("access-control-allow-private-network", "true"))
    await start(send, 200, found)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _with_cors(send: Send, origin: str) -> Send:
    """Let a page of this origin read the answer; replaces what was recorded for another origin."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if not name.lower().startswith(_CORS)]
            seen = dict.fromkeys(name.lower() for name, _ in kept)
            own = [
                (_CORS + b"allow-origin", origin.encode("latin-1")),
                (_CORS + b"expose-headers", b",".join(seen)),
                (b"vary", b"Origin"),
            ]
            message = {**message, "headers": [*kept, *own]}
        await send(message)

    return sending


_CORS = b"access-control-"
