"""Every way from Python to a host that is known: names, TLS, proxies, connections that are open already, gRPC.

A way is prepared before the session opens, and gives a function that asks. It is tried on this machine's loopback:
the host is `localhost`, which the session is told to own, so that what leaks is seen by a server of the test and by
nobody else, whatever function or library looks the name up.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.request import HTTPSHandler, ProxyHandler, build_opener, urlopen

import pytest
import trustme

HOST = "localhost"
PATH = "/v1beta/cachedContents"
HEAD = f"GET {PATH} HTTP/1.1\r\nUser-Agent: x\r\nHost: {HOST}\r\n\r\n".encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Landing:
    """A server that takes everything, and what it was told. It answers each head of a request, also CONNECT."""

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
                return  # TLS, of which the first message has said enough
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
    """What a way leads to: a plain server and one with TLS, which are `localhost`, and a proxy."""

    plain: Landing
    secret: Landing
    proxy: Landing
    trust: ssl.SSLContext
    datagrams: socket.socket
    monkeypatch: pytest.MonkeyPatch

    def clear(self) -> None:
        for one in (self.plain, self.secret, self.proxy):
            one.clear()

    def reached(self, way: Way, *, within: float) -> bool:
        """Whether the host is reached, in so many seconds; of ways that begin at an address: whether it is named."""
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
    ):
        udp.bind(("127.0.0.1", plain.port))
        udp.setblocking(False)
        yield Stage(plain, secret, proxy, trust, udp, monkeypatch)


Ask = Callable[[], object]


@dataclass(frozen=True)
class Way:
    """One way out.

    Attributes:
        name: its id.
        prepare: what is done before the session opens; gives what asks.
        names: whether it begins with the name, so that there must be no connection at all.
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
    """A way of asyncio, once on its own loop and once on uvloop's."""

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


# -- names -----------------------------------------------------------------------------------------------------------


def by_info(found: Any) -> None:
    """Connect to the address of IPv4 among those that were found."""
    connect(next(info[4] for info in found if info[0] == socket.AF_INET))


getaddrinfo, gethostbyname = socket.getaddrinfo, socket.gethostbyname
"""Imported by name before any session, as other modules do."""

plainly(lambda stage: socket.create_connection(at(stage)), "create_connection")
plainly(lambda stage: by_info(socket.getaddrinfo(*at(stage))), "getaddrinfo")
plainly(lambda stage: by_info(socket.getaddrinfo(HOST.encode(), stage.plain.port)), "getaddrinfo_of_bytes")
plainly(lambda stage: by_info(socket.getaddrinfo("LocalHost", str(stage.plain.port))), "getaddrinfo_in_capitals")
plainly(lambda stage: by_info(socket.getaddrinfo("ｌocalhost", stage.plain.port)), "getaddrinfo_full_width")
plainly(lambda stage: by_info(getaddrinfo(*at(stage))), "getaddrinfo_imported_before")
plainly(lambda stage: by_info(importlib.import_module("_socket").getaddrinfo(*at(stage))), "getaddrinfo_of__socket")
plainly(lambda stage: connect((socket.gethostbyname(HOST), stage.plain.port)), "gethostbyname")
plainly(lambda stage: connect((gethostbyname(HOST), stage.plain.port)), "gethostbyname_imported_before")
plainly(lambda stage: connect((socket.gethostbyname_ex(HOST)[2][0], stage.plain.port)), "gethostbyname_ex")
plainly(lambda stage: connect((socket.gethostbyaddr(HOST)[2][0], stage.plain.port)), "gethostbyaddr")
plainly(lambda stage: connect(at(stage)), "connect_by_name")
plainly(lambda stage: socket.socket().connect((HOST.upper().encode(), stage.plain.port)), "connect_by_bytes")
plainly(lambda stage: socket.socket().connect_ex(at(stage)), "connect_ex_by_name")
plainly(lambda stage: importlib.import_module("_socket").socket().connect(at(stage)), "connect_of__socket")
plainly(lambda stage: socket.socket(type=socket.SOCK_DGRAM).sendto(b"hi", at(stage)), "sendto")
plainly(lambda stage: socket.socket(type=socket.SOCK_DGRAM).sendto(b"hi", 0, at(stage)), "sendto_with_flags")
plainly(lambda stage: socket.socket(type=socket.SOCK_DGRAM).sendmsg([b"hi"], [], 0, at(stage)), "sendmsg")


@way(names=True)
def a_method_that_was_bound_before(stage: Stage) -> Ask:
    bound = socket.socket().connect
    return lambda: bound(at(stage))


@way(names=True)
def a_thread_that_was_started_before(stage: Stage) -> Ask:
    pool = ThreadPoolExecutor(1)
    pool.submit(int).result()
    return lambda: pool.submit(socket.create_connection, at(stage)).result()


@way(names=True)
def a_forked_child(stage: Stage) -> Ask:
    if not hasattr(os, "fork"):
        pytest.skip("the system has no fork")

    def ask() -> None:
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                socket.create_connection(at(stage))
            os._exit(0)
        os.waitpid(child, 0)

    return ask


# -- event loops -----------------------------------------------------------------------------------------------------


async def loop_getaddrinfo(stage: Stage) -> None:
    by_info(await asyncio.get_running_loop().getaddrinfo(*at(stage), type=socket.SOCK_STREAM))


async def sock_connect(stage: Stage) -> None:
    with socket.socket() as sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, at(stage))


async def datagrams(stage: Stage) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=at(stage), family=socket.AF_INET
    )
    transport.sendto(b"hi")
    await asyncio.sleep(0.05)
    transport.close()


async def server_name(stage: Stage) -> None:
    await asyncio.open_connection("127.0.0.1", stage.plain.port, ssl=stage.trust, server_hostname=HOST)


async def start_tls(stage: Stage) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", stage.plain.port)
    await writer.start_tls(stage.trust, server_hostname=HOST)


async def written(stage: Stage) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", stage.plain.port)
    writer.write(HEAD)
    await writer.drain()
    await asyncio.sleep(0.05)


async def sock_sendall(stage: Stage) -> None:
    with socket.create_connection(("127.0.0.1", stage.plain.port)) as sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(sock, HEAD)
        await asyncio.sleep(0.05)


coroutine(lambda stage: asyncio.open_connection(*at(stage)), "open_connection")
coroutine(loop_getaddrinfo, "getaddrinfo")
coroutine(sock_connect, "sock_connect")
coroutine(datagrams, "datagram_endpoint")
coroutine(server_name, "server_name_of_tls", names=False)
coroutine(start_tls, "start_tls", names=False)
coroutine(sock_sendall, "sock_sendall", names=False)
WAYS.append(Way("asyncio_head", lambda stage: lambda: asyncio.run(written(stage)), names=False))


def trio_run(function: Callable[..., Any], *args: Any) -> object:
    import trio

    async def main() -> None:
        with trio.fail_after(5):
            await function(*args)

    return trio.run(main)


async def trio_names(stage: Stage) -> None:
    import trio

    await trio.open_tcp_stream(*at(stage))


async def trio_tls(stage: Stage) -> None:
    import trio

    stream = await trio.open_tcp_stream("127.0.0.1", stage.plain.port)
    await trio.SSLStream(stream, stage.trust, server_hostname=HOST).do_handshake()


async def trio_head(stage: Stage) -> None:
    import trio

    stream = await trio.open_tcp_stream("127.0.0.1", stage.plain.port)
    await stream.send_all(HEAD)
    await trio.sleep(0.05)


async def anyio_names(stage: Stage) -> None:
    import anyio

    await anyio.connect_tcp(*at(stage))


async def anyio_head(stage: Stage) -> None:
    import anyio

    stream = await anyio.connect_tcp("127.0.0.1", stage.plain.port)
    await stream.send(HEAD)
    await anyio.sleep(0.05)


plainly(lambda stage: trio_run(trio_names, stage), "trio_names")
plainly(lambda stage: trio_run(trio_tls, stage), "trio_tls", names=False)
plainly(lambda stage: trio_run(trio_head, stage), "trio_head", names=False)
plainly(lambda stage: trio_run(anyio_names, stage), "anyio_on_trio")
plainly(lambda stage: trio_run(anyio_head, stage), "anyio_on_trio_head", names=False)
coroutine(anyio_names, "anyio")
WAYS.append(Way("anyio_head", lambda stage: lambda: asyncio.run(anyio_head(stage)), names=False))


# -- clients ---------------------------------------------------------------------------------------------------------


async def websocket(stage: Stage) -> None:
    client = pytest.importorskip("websockets.asyncio.client")
    async with client.connect(url(stage).replace("http", "ws"), proxy=None):
        pass


async def httpcore_async(stage: Stage) -> None:
    async with pytest.importorskip("httpcore").AsyncConnectionPool() as pool:
        await pool.request("GET", url(stage))


async def tornado_fetch(stage: Stage) -> None:
    await (
        pytest.importorskip("tornado.simple_httpclient").SimpleAsyncHTTPClient(force_instance=True).fetch(url(stage))
    )


def http_client(stage: Stage) -> None:
    HTTPConnection(*at(stage), timeout=5).request("GET", PATH)


def https_client(stage: Stage) -> None:
    HTTPSConnection(HOST, stage.secret.port, timeout=5, context=stage.trust).request("GET", PATH)


plainly(http_client, "http_client")
plainly(https_client, "http_client_with_tls")
plainly(lambda stage: urlopen(url(stage), timeout=5), "urllib")
plainly(lambda stage: pytest.importorskip("httplib2").Http(timeout=5).request(url(stage)), "httplib2")
plainly(lambda stage: pytest.importorskip("httpcore").ConnectionPool().request("GET", url(stage)), "httpcore")
coroutine(httpcore_async, "httpcore")
plainly(lambda stage: trio_run(httpcore_async, stage), "httpcore_on_trio")
coroutine(websocket, "websockets")
plainly(
    lambda stage: pytest.importorskip("websockets.sync.client").connect(url(stage).replace("http", "ws"), proxy=None),
    "websockets",
)
WAYS.append(Way("tornado", lambda stage: lambda: asyncio.run(tornado_fetch(stage)), names=True))


# -- TLS at an address -----------------------------------------------------------------------------------------------


def tls_at_an_address(stage: Stage) -> None:
    with socket.create_connection(("127.0.0.1", stage.plain.port)) as sock:
        sock.settimeout(0.2)
        stage.trust.wrap_socket(sock, server_hostname=HOST)


def tls_by_hand(stage: Stage) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = stage.trust.wrap_bio(incoming, outgoing, server_hostname=HOST)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    with socket.create_connection(("127.0.0.1", stage.plain.port)) as sock:
        sock.sendall(outgoing.read())


def head_in_tls_for_another_name(stage: Stage) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", stage.secret.port)) as sock:
        context.wrap_socket(sock).sendall(HEAD)


plainly(tls_at_an_address, "tls_at_an_address", names=False)
plainly(tls_by_hand, "tls_by_hand", names=False)
plainly(head_in_tls_for_another_name, "head_in_tls_without_a_name", names=False)


# -- proxies ---------------------------------------------------------------------------------------------------------


def proxied(scheme: str) -> Callable[[Callable[[Stage], Ask]], Callable[[Stage], Ask]]:
    """A way on which the environment names a proxy."""

    def add(prepare: Callable[[Stage], Ask]) -> Callable[[Stage], Ask]:
        def with_proxy(stage: Stage) -> Ask:
            stage.monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{stage.proxy.port}")
            stage.monkeypatch.delenv("no_proxy", raising=False)
            return prepare(stage)

        WAYS.append(Way(f"{scheme}_proxy_{prepare.__name__}", with_proxy, names=False))
        return prepare

    return add


@proxied("http")
def urllib_plain(stage: Stage) -> Ask:
    return lambda: urlopen(url(stage), timeout=5)


@proxied("https")
def urllib_tls(stage: Stage) -> Ask:
    return lambda: build_opener(HTTPSHandler(context=stage.trust)).open(secure(stage), timeout=5)


@proxied("https")
def websockets_sync(stage: Stage) -> Ask:
    client = pytest.importorskip("websockets.sync.client")
    return lambda: client.connect(secure(stage).replace("http", "ws"), ssl=stage.trust, open_timeout=2)


def websocket_by(module: str) -> Callable[[Stage], Ask]:
    async def main(stage: Stage) -> None:
        client = pytest.importorskip("websockets.asyncio.client")
        async with client.connect(secure(stage).replace("http", "ws"), ssl=stage.trust, open_timeout=2):
            pass

    def prepare(stage: Stage) -> Ask:
        return lambda: pytest.importorskip(module).run(main(stage))

    prepare.__name__ = f"websockets_{module}"
    return prepare


proxied("https")(websocket_by("asyncio"))
proxied("https")(websocket_by("uvloop"))


def proxy_in_code(stage: Stage) -> None:
    build_opener(ProxyHandler({"http": f"http://127.0.0.1:{stage.proxy.port}"})).open(url(stage), timeout=5)


def tunnel(stage: Stage) -> None:
    connection = HTTPSConnection("127.0.0.1", stage.proxy.port, timeout=5, context=stage.trust)
    connection.set_tunnel(HOST, stage.secret.port)
    connection.request("GET", PATH)


def absolute_form(stage: Stage) -> None:
    HTTPConnection("127.0.0.1", stage.proxy.port, timeout=5).request("GET", url(stage))


def httpcore_proxy(stage: Stage) -> Any:
    return pytest.importorskip("httpcore").HTTPProxy(f"http://127.0.0.1:{stage.proxy.port}", ssl_context=stage.trust)


async def httpcore_async_proxy(stage: Stage) -> None:
    proxy = pytest.importorskip("httpcore").AsyncHTTPProxy(f"http://127.0.0.1:{stage.proxy.port}")
    await proxy.request("GET", secure(stage))


def httplib2_proxy(stage: Stage) -> None:
    httplib2, _ = pytest.importorskip("httplib2"), pytest.importorskip("socks")
    proxy = httplib2.ProxyInfo(3, "127.0.0.1", stage.proxy.port)
    httplib2.Http(proxy_info=proxy, timeout=2).request(url(stage))


def socks(kind: str) -> Callable[[Stage], object]:
    def ask(stage: Stage) -> None:
        module = pytest.importorskip("socks")
        sock = module.socksocket()
        sock.settimeout(1)
        sock.set_proxy(getattr(module, kind), "127.0.0.1", stage.proxy.port, rdns=True)
        sock.connect(at(stage))

    return ask


def python_socks(stage: Stage) -> None:
    proxy = pytest.importorskip("python_socks.sync").Proxy
    proxy.from_url(f"socks5://127.0.0.1:{stage.proxy.port}", rdns=True).connect(*at(stage), timeout=1)


async def python_socks_async(stage: Stage) -> None:
    proxy = pytest.importorskip("python_socks.async_.asyncio").Proxy
    await proxy.from_url(f"socks5://127.0.0.1:{stage.proxy.port}", rdns=True).connect(*at(stage), timeout=1)


def connect_by_hand(stage: Stage) -> None:
    with socket.create_connection(("127.0.0.1", stage.proxy.port)) as sock:
        sock.sendmsg([b"CONNECT ", f"{HOST}:443".encode(), b" HTTP/1.1\r\n\r\n"])


def connect_by_a_file(stage: Stage) -> None:
    with socket.create_connection(("127.0.0.1", stage.proxy.port)) as sock, sock.makefile("wb") as file:
        file.write(f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n".encode())


plainly(proxy_in_code, "proxy_in_code_urllib", names=False)
plainly(tunnel, "proxy_http_client_tunnel", names=False)
plainly(absolute_form, "proxy_http_client_absolute_form", names=False)
plainly(lambda stage: httpcore_proxy(stage).request("GET", url(stage)), "proxy_httpcore_plain", names=False)
plainly(lambda stage: httpcore_proxy(stage).request("GET", secure(stage)), "proxy_httpcore_tunnel", names=False)
WAYS.append(
    Way("proxy_httpcore_asyncio", lambda stage: lambda: asyncio.run(httpcore_async_proxy(stage)), names=False)
)
plainly(lambda stage: trio_run(httpcore_async_proxy, stage), "proxy_httpcore_trio", names=False)
plainly(httplib2_proxy, "proxy_httplib2", names=False)
plainly(socks("SOCKS5"), "proxy_pysocks_5", names=False)
plainly(socks("SOCKS4"), "proxy_pysocks_4a", names=False)
plainly(socks("HTTP"), "proxy_pysocks_http", names=False)
plainly(python_socks, "proxy_python_socks", names=False)
coroutine(python_socks_async, "proxy_python_socks", names=False)
plainly(connect_by_hand, "proxy_by_hand", names=False)
plainly(connect_by_a_file, "proxy_by_a_file", names=False)


# -- connections that are open already -------------------------------------------------------------------------------


@way(names=False)
def open_socket(stage: Stage) -> Ask:
    sock = socket.create_connection(at(stage))
    return lambda: sock.sendall(HEAD)


@way(names=False)
def open_socket_with_tls(stage: Stage) -> Ask:
    sock = stage.trust.wrap_socket(socket.create_connection((HOST, stage.secret.port)), server_hostname=HOST)
    return lambda: sock.sendall(b"localhost, in no form that is known")


@way(names=False)
def open_http_client(stage: Stage) -> Ask:
    connection = HTTPConnection(*at(stage), timeout=5)
    connection.request("GET", PATH)
    connection.getresponse().read()
    return lambda: connection.request("GET", PATH)


@way(names=False)
def open_http_client_with_tls(stage: Stage) -> Ask:
    connection = HTTPSConnection(HOST, stage.secret.port, timeout=5, context=stage.trust)
    connection.request("GET", PATH)
    connection.getresponse().read()
    return lambda: connection.request("GET", PATH)


@way(names=False)
def open_httpcore_with_tls(stage: Stage) -> Ask:
    pool = pytest.importorskip("httpcore").ConnectionPool(ssl_context=stage.trust)
    pool.request("GET", secure(stage))
    return lambda: pool.request("GET", secure(stage))


@way(names=False)
def open_asyncio_with_tls(stage: Stage) -> Ask:
    loop = asyncio.new_event_loop()
    opening = asyncio.open_connection(HOST, stage.secret.port, ssl=stage.trust)
    _, writer = loop.run_until_complete(opening)

    async def ask() -> None:
        writer.write(b"localhost, in no form that is known")
        await writer.drain()
        await asyncio.sleep(0.05)

    return lambda: loop.run_until_complete(ask())


@way(names=False)
def open_asyncio(stage: Stage) -> Ask:
    loop = asyncio.new_event_loop()
    _, writer = loop.run_until_complete(asyncio.open_connection(*at(stage)))

    async def ask() -> None:
        writer.writelines([HEAD[:20], HEAD[20:]])
        await writer.drain()
        await asyncio.sleep(0.05)

    return lambda: loop.run_until_complete(ask())


# -- gRPC ------------------------------------------------------------------------------------------------------------

STREAM = "/google.ai.generativelanguage.v1beta.GenerativeService/StreamGenerateContent"
CALLS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


def call(channel: Any, kind: str) -> object:
    answer = getattr(channel, kind)(STREAM)(iter([b""]) if kind.startswith("stream") else b"", timeout=0.5)
    return list(answer) if kind.endswith("stream") else answer


def channel(make: Callable[[Any, str], Any], target: str = "{}:{}") -> Callable[[Stage], object]:
    def ask(stage: Stage) -> None:
        grpc = pytest.importorskip("grpc")
        with make(grpc, target.format(HOST, stage.plain.port)) as made:
            call(made, "unary_stream")

    return ask


def secure_channel(grpc: Any, target: str) -> Any:
    return grpc.secure_channel(target, grpc.ssl_channel_credentials())


def intercepted_channel(grpc: Any, target: str) -> Any:
    class Interceptor(grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]
        def intercept_unary_stream(self, go_on: Any, details: Any, request: Any) -> Any:
            return go_on(details, request)

    return grpc.intercept_channel(grpc.insecure_channel(target), Interceptor())


def aio_channel(*, tls: bool) -> Callable[[Stage], object]:
    async def main(stage: Stage) -> None:
        grpc = pytest.importorskip("grpc")
        target = f"dns:///{HOST}:{stage.plain.port}"
        made = (
            grpc.aio.secure_channel(target, grpc.ssl_channel_credentials())
            if tls
            else grpc.aio.insecure_channel(target)
        )
        async with made:
            await made.unary_unary(STREAM)(b"", timeout=0.5)

    return lambda stage: asyncio.run(main(stage))


plainly(channel(secure_channel), "grpc_secure")
plainly(channel(lambda grpc, target: grpc.insecure_channel(target)), "grpc_insecure")
plainly(channel(lambda grpc, target: grpc.insecure_channel(target), "dns:///{}:{}"), "grpc_dns_target")
plainly(channel(intercepted_channel), "grpc_intercepted")
plainly(aio_channel(tls=True), "grpc_aio_secure")
plainly(aio_channel(tls=False), "grpc_aio_insecure")


def open_channel(kind: str) -> Callable[[Stage], Ask]:
    def prepare(stage: Stage) -> Ask:
        made = pytest.importorskip("grpc").insecure_channel(f"{HOST}:{stage.plain.port}")

        def ask() -> None:
            with made:  # it would go on trying to connect
                call(made, kind)

        return ask

    return prepare


def open_aio_channel(kind: str) -> Callable[[Stage], Ask]:
    """A channel that does not tell its target: it is known by the method that is called."""

    def prepare(stage: Stage) -> Ask:
        grpc = pytest.importorskip("grpc")
        loop = asyncio.new_event_loop()

        async def make() -> Any:
            return grpc.aio.insecure_channel(f"{HOST}:{stage.plain.port}")

        made = loop.run_until_complete(make())

        async def ask() -> None:
            async with made:
                streams = kind.startswith("stream")
                call = getattr(made, kind)(STREAM)(iter([b""]) if streams else b"", timeout=0.5)
                await (call.read() if kind.endswith("stream") else call)

        return lambda: loop.run_until_complete(ask())

    return prepare


for each in CALLS:
    WAYS.append(Way(f"grpc_aio_open_{each}", open_aio_channel(each), names=True))
    WAYS.append(Way(f"grpc_open_{each}", open_channel(each), names=True))
