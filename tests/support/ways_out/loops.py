"""Ways of asyncio's, uvloop's, trio's and anyio's own functions."""

from __future__ import annotations

import asyncio
import socket

from support.ways_out.stage import (
    HEAD,
    HOST,
    WAYS,
    Stage,
    Way,
    at,
    by_info,
    coroutine,
    plainly,
    trio_run,
)


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
