"""The servers that a way out leads to, and the list of all ways.

A way is prepared before the session opens; that returns a function that asks. It is tried on this machine's loopback:
the host is `localhost`, which the session is told to own. So whatever function or library looks the name up, a leak
reaches only a server of the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import trustme

HOST = "localhost"
PATH = "/v1beta/cachedContents"
HEAD = f"GET {PATH} HTTP/1.1\r\nUser-Agent: x\r\nHost: {HOST}\r\n\r\n".encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Landing:
    """A server that accepts everything and keeps what it was sent. It answers each request's head, also CONNECT."""

    port: int = 0
    connections: int = 0
    said: bytearray = field(default_factory=bytearray)

    def clear(self) -> None:
        self.connections = 0
        self.said.clear()


@contextlib.contextmanager
def landing(context: ssl.SSLContext | None = None) -> Iterator[Landing]:
    found, opened, ended = Landing(), list[socket.socket](), threading.Event()

    def serve() -> None:
        threads = []
        while True:
            sock, _ = listener.accept()
            if ended.is_set():
                sock.close()
                break
            found.connections += 1
            opened.append(sock)
            threads.append(threading.Thread(target=answer, args=(sock,)))
            threads[-1].start()
        for sock in opened:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()

    def answer(sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            if context is None:
                talk(sock)
            else:
                with context.wrap_socket(sock, server_side=True) as secret:
                    opened.append(secret)
                    talk(secret)

    def talk(sock: socket.socket) -> None:
        while data := sock.recv(65536):
            found.said.extend(data)
            if data.startswith(b"\x16"):
                return  # TLS: its first message names the host
            if data.startswith(b"\x05") and len(data) <= 4:
                sock.sendall(b"\x05\x00")
            elif data.endswith(b"\r\n\r\n"):
                sock.sendall(ANSWER.partition(b"Content")[0] + b"\r\n" if b"CONNECT" in data else ANSWER)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        found.port = listener.getsockname()[1]
        server = threading.Thread(target=serve)
        server.start()
        try:
            yield found
        finally:
            ended.set()
            socket.create_connection(("127.0.0.1", found.port)).close()
            server.join(20)


@dataclass
class Stage:
    """The servers that a way may reach: a plain one and one with TLS, both on `localhost`, and a proxy."""

    plain: Landing
    secret: Landing
    proxy: Landing
    trust: ssl.SSLContext
    datagrams: socket.socket
    monkeypatch: pytest.MonkeyPatch
    opened: contextlib.ExitStack

    def loop(self) -> asyncio.AbstractEventLoop:
        """A new event loop, which is closed when the stage is."""
        return self.opened.enter_context(contextlib.closing(asyncio.new_event_loop()))

    def clear(self) -> None:
        for one in (self.plain, self.secret, self.proxy):
            one.clear()

    def reached(self, way: Way, *, within: float) -> bool:
        """Whether the way reaches the host in this time; a way that begins at an address only has to name it."""
        end = time.monotonic() + within
        while not self._reached(way):
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def _reached(self, way: Way) -> bool:
        with contextlib.suppress(BlockingIOError):
            if self.datagrams.recv(100):
                return True
        landings = (self.plain, self.secret, self.proxy)
        if way.names:
            return any(one.connections for one in landings)
        return any(HOST.encode() in one.said for one in landings)


@contextlib.contextmanager
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    authority = trustme.CA()
    serving, trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert(HOST).configure_cert(serving)
    authority.configure_trust(trust)
    with (
        landing() as plain,
        landing(serving) as secret,
        landing() as proxy,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
        contextlib.ExitStack() as opened,
    ):
        udp.bind(("127.0.0.1", plain.port))
        udp.setblocking(False)
        yield Stage(plain, secret, proxy, trust, udp, monkeypatch, opened)


Ask = Callable[[], object]


@dataclass(frozen=True)
class Way:
    """One way out.

    Attributes:
        name: its id.
        prepare: runs before the session opens; returns a function that asks.
        names: whether the way begins with the host's name. Then there must be no connection at all.
    """

    name: str
    prepare: Callable[[Stage], Ask]
    names: bool


WAYS: list[Way] = []


def way(*, names: bool) -> Callable[[Callable[[Stage], Ask]], Callable[[Stage], Ask]]:
    def add(prepare: Callable[[Stage], Ask]) -> Callable[[Stage], Ask]:
        WAYS.append(Way(prepare.__name__, prepare, names))
        return prepare

    return add


def plainly(ask: Callable[[Stage], object], name: str, *, names: bool = True) -> None:
    WAYS.append(Way(name, lambda stage: lambda: ask(stage), names))


def coroutine(ask: Callable[[Stage], Coroutine[Any, Any, object]], name: str, *, names: bool = True) -> None:
    """Add a coroutine as two ways: on asyncio's own loop and on uvloop's."""

    def run(stage: Stage, runner: Callable[[Any], object]) -> Ask:
        return lambda: runner(asyncio.wait_for(ask(stage), 5))

    def wrapped(stage: Stage, module: str) -> Callable[[], object]:
        async def main() -> object:
            return await asyncio.wait_for(ask(stage), 5)

        return lambda: pytest.importorskip(module).run(main())

    WAYS.append(Way(f"asyncio_{name}", lambda stage: wrapped(stage, "asyncio"), names))
    WAYS.append(Way(f"uvloop_{name}", lambda stage: wrapped(stage, "uvloop"), names))


def at(stage: Stage) -> tuple[str, int]:
    return HOST, stage.plain.port


def url(stage: Stage) -> str:
    return f"http://{HOST}:{stage.plain.port}{PATH}"


def secure(stage: Stage) -> str:
    return f"https://{HOST}:{stage.secret.port}{PATH}"


def connect(address: Any, *_: Any) -> None:
    with socket.socket() as sock:
        sock.settimeout(5)
        sock.connect(address)


def by_info(found: Any) -> None:
    """Connect to the IPv4 address among those found."""
    connect(next(info[4] for info in found if info[0] == socket.AF_INET))


def trio_run(function: Callable[..., Any], *args: Any) -> object:
    import trio

    async def main() -> None:
        with trio.fail_after(5):
            await function(*args)

    return trio.run(main)
