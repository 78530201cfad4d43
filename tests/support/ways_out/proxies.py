"""Ways that reach the host through a proxy."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.request import HTTPSHandler, ProxyHandler, build_opener, urlopen

import pytest

from support.ways_out.stage import (
    HOST,
    PATH,
    WAYS,
    Ask,
    Stage,
    Way,
    at,
    coroutine,
    plainly,
    secure,
    trio_run,
    url,
)


def proxied(scheme: str) -> Callable[[Callable[[Stage], Ask]], Callable[[Stage], Ask]]:
    """Adds a way for which the environment names a proxy."""

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
