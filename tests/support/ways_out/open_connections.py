"""Ways that use a connection opened before the session."""

from __future__ import annotations

import asyncio
import socket
from http.client import HTTPConnection, HTTPSConnection

import pytest

from support.ways_out.stage import (
    HEAD,
    HOST,
    PATH,
    Ask,
    Stage,
    at,
    secure,
    way,
)


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
    loop = stage.loop()
    opening = asyncio.open_connection(HOST, stage.secret.port, ssl=stage.trust)
    _, writer = loop.run_until_complete(opening)

    async def ask() -> None:
        writer.write(b"localhost, in no form that is known")
        await writer.drain()
        await asyncio.sleep(0.05)

    return lambda: loop.run_until_complete(ask())


@way(names=False)
def open_asyncio(stage: Stage) -> Ask:
    loop = stage.loop()
    _, writer = loop.run_until_complete(asyncio.open_connection(*at(stage)))

    async def ask() -> None:
        writer.writelines([HEAD[:20], HEAD[20:]])
        await writer.drain()
        await asyncio.sleep(0.05)

    return lambda: loop.run_until_complete(ask())
