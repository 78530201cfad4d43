"""aiohttp as a client of `support.clients`, and helpers for aiohttp's own tests: ask, read, serve."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

import aiohttp

from support.clients import ASK, KEY, Client, Seen
from support.streams import GOOGLE, PATH

HEADERS = {"x-goog-api-key": KEY}


async def _fetch(url: str, options: dict[str, Any]) -> Seen:
    seen = Seen()
    consume, stop_after = options.get("consume", 0.0), options.get("stop_after")
    make = options.get("made") or aiohttp.ClientSession
    connector = aiohttp.TCPConnector(ssl=options["verify"]) if "verify" in options else None
    timeout = aiohttp.ClientTimeout(
        total=None, connect=options.get("connect", 30.0), sock_read=options.get("timeout", 30.0)
    )
    async with make(timeout=timeout, connector=connector, auto_decompress=not options.get("raw", True)) as client:
        seen.began = time.perf_counter()
        try:
            async with client.post(
                url, json=options.get("json", ASK), headers=options.get("headers", {"x-goog-api-key": KEY})
            ) as response:
                seen.headed = time.perf_counter()
                seen.status = response.status
                seen.headers = {name.lower(): value for name, value in response.headers.items()}
                async for chunk, _ in response.content.iter_chunks():
                    if not chunk:
                        continue  # it only says that an HTTP chunk is complete
                    seen.times.append(time.perf_counter())
                    seen.chunks.append(chunk)
                    if consume:
                        await asyncio.sleep(consume)
                    if stop_after is not None and len(seen.chunks) >= stop_after:
                        break
        except Exception as error:
            seen.error = error
        seen.ended = time.perf_counter()
    if "verify" in options:
        await _disconnected()
    return seen


async def _disconnected() -> None:
    """Wait until TLS connections are closed. aiohttp before 3.12.6 does not wait when a session closes."""
    loop: Any = asyncio.get_running_loop()
    sockets = getattr(loop._selector, "get_map", dict)
    async with asyncio.timeout(10):
        while len(sockets()) > 1:  # one socket is the loop's own
            await asyncio.sleep(0.001)


_TIMEOUT = getattr(aiohttp, "SocketTimeoutError", aiohttp.ServerTimeoutError)  # SocketTimeoutError exists since 3.10
_CONNECT_TIMEOUT = getattr(aiohttp, "ConnectionTimeoutError", aiohttp.ServerTimeoutError)

AIOHTTP = Client(
    "aiohttp",
    aiohttp,
    lambda url, **options: asyncio.run(_fetch(url, options)),
    {
        "reset": aiohttp.ClientPayloadError,
        "closed": aiohttp.ClientPayloadError,
        "timeout": _TIMEOUT,
        "head reset": aiohttp.ClientOSError,
        "head closed": aiohttp.ServerDisconnectedError,
        "head timeout": _TIMEOUT,
        "connect": aiohttp.ClientConnectorError,
        "tls": aiohttp.ClientConnectorCertificateError,
        "connect timeout": _CONNECT_TIMEOUT,
        "pool timeout": _CONNECT_TIMEOUT,
    },
    is_async=True,
)


def ask(client: Any, url: str = GOOGLE, **options: Any) -> Any:
    """The request, to be awaited or used in `async with`."""
    return client.post(url, **{"json": ASK, "headers": HEADERS, **options})


async def read(url: str = GOOGLE, client: Any = None, **options: Any) -> bytes:
    """Ask and read the whole answer, by default with a new client."""
    if client is None:
        async with aiohttp.ClientSession() as own:
            return await read(url, own, **options)
    async with ask(client, url, **options) as response:
        data: bytes = await response.read()
        return data


async def failure(url: str = GOOGLE, **options: Any) -> BaseException | None:
    """The exception that `read` raises, or None."""
    try:
        await read(url, **options)
    except Exception as error:
        return error
    return None


@contextlib.contextmanager
def answering(*answers: bytes, end: str = "kept") -> Iterator[str]:
    """A server that gives these bytes for each request in turn, then keeps, closes or resets the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(20)
                    head, _, body = receive(connection, b"").partition(b"\r\n\r\n")
                    if b"100-continue" in head:
                        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                    while length and len(body) < int(length[0].partition(b":")[2]):
                        body = receive(connection, body)
                    connection.sendall(answer)
                    if end == "kept":
                        connection.recv(1)  # until the client closes the connection
                    elif end == "reset":
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"
        thread.join(20)
        assert not thread.is_alive()


def receive(connection: socket.socket, data: bytes) -> bytes:
    more = connection.recv(65536)
    assert more
    return data + more
