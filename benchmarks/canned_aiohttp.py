"""aiohttp clients that get one known answer, see `canned`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from benchmarks.canned import RECORDED, REQUESTS, TYPE, chunks, in_loop, one
from benchmarks.harness import Run, Setting
from benchmarks.story import ASK, GOOGLE, HEADERS


def run(setting: Setting, *, fed: bool, finds: bool = False) -> Run:
    """Makes requests with aiohttp, in the usual way or from a handler that is fed; it may look requests up first."""
    import aiohttp

    async def work() -> object:
        got = []
        async with aiohttp.ClientSession(connector=fed_connector(chunks(), finds=finds) if fed else None) as client:
            for _ in range(REQUESTS):
                async with client.post(GOOGLE, data=ASK, headers=HEADERS) as response:
                    got.append([chunk async for chunk in response.content.iter_any()])
        return one(got)

    return in_loop(setting, work)


def fed_connector(body: Sequence[bytes], due: Sequence[float] = (), *, finds: bool = False) -> Any:
    """A connector whose connections get one known answer.

    Args:
        body: the chunks of the answer.
        due: when the head and each chunk come, in seconds since the request; empty: one in each turn of the loop.
        finds: read the request first, and look it up in a table.
    """
    import aiohttp
    from aiohttp.client_proto import ResponseHandler

    head = f"HTTP/1.1 200 OK\r\nContent-Type: {TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    wire = [head, *(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in body), b"0\r\n\r\n"]

    class Feeding(asyncio.Transport):
        """Feeds its protocol one part after the other, once the request has come."""

        def __init__(self, protocol: Any) -> None:
            super().__init__()
            self._protocol, self._parts, self._closing = protocol, iter(wire), False
            self._loop: Any = None
            self._due = iter(due)

        def write(self, data: Any) -> None:
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
                self._began = self._loop.time()
                self._arm()

        def _arm(self) -> None:
            moment = next(self._due, None)
            if moment is None:
                self._loop.call_soon(self._feed)
            else:
                self._loop.call_at(self._began + moment, self._feed)

        def _feed(self) -> None:
            part = next(self._parts, None)
            if part is not None and not self._closing:
                self._protocol.data_received(part)
                self._arm()

        def pause_reading(self) -> None: ...

        def resume_reading(self) -> None: ...

        def is_closing(self) -> bool:
            return self._closing

        def close(self) -> None:
            if not self._closing:
                self._closing = True
                asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

        abort = close

    class Connector(aiohttp.BaseConnector):
        async def connect(self, req: Any, *args: Any, **options: Any) -> Any:
            if finds:
                headers = [(str(name), str(value)) for name, value in req.headers.items()]
                read = req.method, str(req.url), tuple(headers), await req.body.as_bytes()
                assert (read[0], read[1], read[3]) in RECORDED
            return await super().connect(req, *args, **options)

        async def _create_connection(self, *args: Any) -> Any:
            protocol = ResponseHandler(asyncio.get_running_loop())
            protocol.connection_made(Feeding(protocol))
            protocol.force_close()  # one for each request, as every replay has
            return protocol

    return Connector(limit=0) if due else Connector()
