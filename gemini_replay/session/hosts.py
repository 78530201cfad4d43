"""Which hosts and URLs belong to a session."""

from __future__ import annotations

import _socket
import gc
import ipaddress
import os
import re
import socket
import stat
import sys
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from urllib.parse import urlsplit

from ..errors import UsageError
from ..provider import Provider
from ..shipped import shipped

_ANY_REGION = "us-central1"
"""A text to put in place of the stars of a provider's host patterns, which gives one of its hosts."""

Address = tuple[str, int]
"""A host, in lower case, and a port."""

_REMEMBERED = 256
"""How many hosts and URLs are remembered: programs use the same ones again and again."""


class Hosts:
    """Decides which hosts belong to a session. With `hosts` None, `every` request does.

    The provider's own hosts always are. Hosts that the user has named are, unless they are ignored too. On any other
    host, URLs that name a model and an action as the provider's do are: those of gateways. The upstream's address is
    the session's too, and not code under test.

    Attributes:
        provider: the API's; None as an argument is the one that ships.
    """

    def __init__(
        self,
        hosts: Iterable[str] | None,
        ignore: Iterable[str],
        upstream: str | None,
        provider: Provider | None = None,
    ) -> None:
        self.provider = provider or shipped()
        self.every = hosts is None
        self._own = parse_patterns(self.provider.hosts)
        self._named = parse_patterns(hosts or (), "hosts")
        self._ignored = parse_ignored(ignore, self.provider)
        self._upstream = None if upstream is None else comparable_address(upstream)
        self._owned: dict[tuple[str, int | None], bool] = {}

    def ignoring(self, where: str) -> Hosts:
        """A copy that also ignores this host with its port."""
        found = copy(self)
        found._ignored = (*self._ignored, *parse_patterns([where], "ignore_hosts"))
        found._owned = {}
        return found

    def owns_host(self, host: str, port: int | None = None) -> bool:
        """Whether every request to this host is the session's, whatever its path; without a port: to any port."""
        owned = self._owned.get((host, port))
        if owned is None:
            if len(self._owned) >= _REMEMBERED:
                self._owned.clear()
            owned = self._owned[host, port] = self._owns_host(normal_host(host), port)
        return owned

    def _owns_host(self, host: str, port: int | None) -> bool:
        if any(pattern.matches(host, None) for pattern in self._own):
            return True
        if any(pattern.matches(host, port) for pattern in self._ignored):
            return False
        if not self.every and host in self.provider.token_hosts:
            return False
        return self.every or any(pattern.matches(host, port) for pattern in self._named)

    def grpc_hosts(self, method: str) -> set[str]:
        """The provider's hosts that serve a gRPC method, given by its full name ("/package.Service/Method")."""
        return {host for start, host in self.provider.grpc_services.items() if method.startswith(start)}

    def owns(self, url: str, recorded: Callable[[str], bool] = lambda url: False) -> bool:
        """Whether a request to this URL is the session's: by its host or its path, or since an answer has led there.

        An answer of the upstream may name the upstream's own address, in a redirect or for an upload. When it is
        replayed, what was `recorded` from there answers.
        """
        try:
            host, port = where = address(url)
        except ValueError:  # the brackets do not hold an address, so the URL is invalid
            return self.every
        if self._owned.get(where) or self.owns_host(host, port):
            return True
        ignored = any(pattern.matches(host, port) for pattern in self._ignored)
        if ignored:
            return False
        led = comparable_address(url) == self._upstream or recorded(url)
        return led or self.provider.target(url).action is not None

    def is_under_test(self, url: str, *, recorded: Callable[[], Container[Address]], recording: bool) -> bool:
        """Whether a request calls a server of this process, which is then code under test and not a gateway.

        It is not under test if the user has named the host, if the server itself stands for the API (`recording`
        without an upstream, or an upstream of this process), or if the cassette has recordings from there
        (`recorded`).
        """
        host, port = address(url)
        if self.owns_host(host, port) or (recording and self._upstream is None):
            return False
        if comparable_address(url) == self._upstream or not _is_loopback(host):
            return False
        return comparable_address(url) not in recorded() and listens(host, port)


@lru_cache(_REMEMBERED)
def address(url: str) -> Address:
    """The host and port of a URL."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:  # no client will reach it
        port = 0
    return normal_host(parts.hostname or ""), port or (443 if parts.scheme == "https" else 80)


def normal_host(host: str) -> str:
    """A host as it is looked up: in lower case, without the last dot, and in ASCII.

    Resolvers also take names with full-width letters and with the dots of East Asian scripts.
    """
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:  # no resolver takes it
            host = unicodedata.normalize("NFKC", host)
    return host.lower().rstrip(".")


def comparable_address(url: str) -> Address:
    """Where a URL leads, to be compared: all names and addresses of this machine's loopback are one."""
    host, port = address(url)
    return ("localhost" if _is_loopback(host) else host), port


# -- patterns --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pattern:
    """A host as a shell pattern, and perhaps a port."""

    host: str
    port: int | None = None

    def matches(self, host: str, port: int | None) -> bool:
        """Whether it names this host, as `normal_host` gives it, on this port; None: on every port."""
        return self.port in (None, port) and self.matches_host(host)

    def matches_host(self, host: str) -> bool:
        """Whether it names this host, on some port."""
        return fnmatchcase(host, self.host)


_SPELLED = re.compile(
    r"(?:\[(?P<bracketed>[\da-f.%*?]*(?::[\da-f.%*?]*){2,})\]|(?P<host>[^\s/@:]+))(?::(?P<port>\d{1,5}))?"
    r"|(?P<bare>[\da-f.%*?]*(?::[\da-f.%*?]*){2,})",
    re.ASCII,
)
"""A name, or an IPv6 address with or without brackets; the first two can have a port."""


def _pattern(text: str, argument: str) -> Pattern:
    found = _SPELLED.fullmatch(text.strip().lower())
    if found is None or (found["port"] and not 0 < int(found["port"]) < 65536):
        raise UsageError(
            f"{argument} names {text!r}, which is not a host.",
            hint='Give a host or a shell pattern, with or without a port: "*.example.org", "127.0.0.1:8080".',
        )
    host = found["bracketed"] or found["host"] or found["bare"]
    return Pattern(host.rstrip("."), int(found["port"]) if found["port"] else None)


def parse_patterns(texts: Iterable[str], argument: str = "hosts") -> tuple[Pattern, ...]:
    """Hosts as shell patterns; a `UsageError` if one of them is not a host."""
    return _patterns(tuple(texts), argument)


@lru_cache(maxsize=64)
def _patterns(texts: tuple[str, ...], argument: str) -> tuple[Pattern, ...]:
    return tuple([_pattern(text, argument) for text in texts])


def parse_ignored(texts: Iterable[str], provider: Provider | None = None) -> tuple[Pattern, ...]:
    """Hosts that are to be ignored.

    Raises:
        UsageError: one is not a host, or is one of the provider's: its requests would reach the network unseen.
    """
    provider = provider or shipped()
    patterns = parse_patterns(texts, "ignore_hosts")
    if not patterns:
        return ()
    own = parse_patterns(provider.hosts)
    examples = [pattern.host.replace("*", _ANY_REGION) for pattern in own]
    for pattern in patterns:
        if pattern.port not in (None, 80, 443):
            continue
        if any(one.matches(pattern.host, None) for one in own) or any(map(pattern.matches_host, examples)):
            raise UsageError(
                f"ignore_hosts names {pattern.host!r}, which takes in {provider.name}'s own hosts.",
                hint=f"Name only other hosts. To let requests to {provider.name} through, use the record mode live.",
            )
    return patterns


# -- base URLs ----------------------------------------------------------------------------------------------------


def _without_secrets(url: str) -> str:
    """A URL that a message may show: without user, password and query."""
    address = url.partition("?")[0]
    scheme, mark, rest = address.rpartition("://")
    return scheme + mark + rest.rpartition("@")[2]


def base_url(upstream: str | None) -> str | None:
    """An upstream's base URL; a `UsageError` if it has no scheme or no host."""
    if upstream is None:
        return None
    try:
        parts = urlsplit(upstream)
        wrong = parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0
    except ValueError:  # a port that is not a number, a bracket that is not closed
        wrong = True
    if wrong:
        raise UsageError(
            f"{_without_secrets(upstream)!r} is not a base URL.",
            hint="Give scheme and host, such as https://api.example.org or http://127.0.0.1:8080.",
        )
    return upstream


# -- servers of this process -----------------------------------------------------------------------------------------


def listens(host: str, port: int) -> bool:
    """Whether `host` is a loopback address, and a socket of this process listens there."""
    return _is_loopback(host) and any(_leads_to(host, bound) for bound, at in _listening() if at == port)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    ip = _ip(host)
    return ip is not None and (ip.is_loopback or ip.is_unspecified)


def _leads_to(host: str, bound: str) -> bool:
    """Whether a connection to a loopback host reaches a socket that is bound to this address."""
    socket_ip, host_ip = _ip(bound), _ip(host)
    if socket_ip is None or host_ip is None or host_ip.is_unspecified:  # the host is a name, or "any"
        return socket_ip is not None and (socket_ip.is_loopback or socket_ip.is_unspecified)
    if socket_ip.is_unspecified:
        return socket_ip.version == 6 or host_ip.version == 4
    return socket_ip == host_ip


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _listening() -> Iterator[Address]:
    """The addresses on which sockets of this process listen, whatever library opened them."""
    try:
        names = os.listdir("/dev/fd") if sys.platform in ("linux", "darwin") else None
    except OSError:
        names = None
    if names is None:  # the system does not list a process's descriptors: only Python's own sockets are found
        for thing in gc.get_objects():
            if issubclass(type(thing), socket.socket):
                with suppress(OSError):
                    yield from _bound(thing)
        return
    for name in names:
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                yield from _of_descriptor(int(name))


def _of_descriptor(descriptor: int) -> Iterator[Address]:
    blocks = os.get_blocking(descriptor)
    seen = _socket.socket(fileno=descriptor)  # the plain one: gevent's would change it
    try:
        yield from _bound(seen)
    finally:
        seen.detach()
        if os.get_blocking(descriptor) != blocks:  # socket.setdefaulttimeout() has changed it
            os.set_blocking(descriptor, blocks)


def _bound(seen: _socket.socket) -> Iterator[Address]:
    internet = seen.family in (socket.AF_INET, socket.AF_INET6)
    if internet and seen.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        host, port = seen.getsockname()[:2]
        yield host, port
