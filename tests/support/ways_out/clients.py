"""Ways of HTTP and WebSocket clients."""

from __future__ import annotations

import asyncio
from http.client import HTTPConnection, HTTPSConnection
from urllib.request import urlopen

import pytest

from support.ways_out.stage import (
    HOST,
    PATH,
    WAYS,
    Stage,
    Way,
    at,
    coroutine,
    plainly,
    trio_run,
    url,
)


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
