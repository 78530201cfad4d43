"""Clients on real sockets, as light as they can be: they note when bytes arrive, and look at them afterwards."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator

from benchmarks.story import ASK, PATH, Stream


class Client(asyncio.Protocol):
    """One connection: notes how many bytes were there at which moment."""

    def __init__(self) -> None:
        self.sent = 0.0
        self.received = bytearray()
        self.moments: list[tuple[float, int]] = []
        self.done = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Note the bytes."""
        self.received += data
        self.moments.append((time.perf_counter(), len(self.received)))
        if self.received.endswith(b"\r\n0\r\n\r\n"):
            self.done.set_result(True)

    def connection_lost(self, problem: Exception | None) -> None:
        """A connection that is lost before the end is a failure."""
        if not self.done.done():
            self.done.set_result(False)

    def stream(self) -> Stream:
        """Each HTTP chunk, with the moment when its last byte was there."""
        assert self.received.startswith(b"HTTP/1.1 200 "), bytes(self.received[:40])
        return Stream(self.sent, list(self._chunks()))

    def _chunks(self) -> Iterator[tuple[float, bytes]]:
        at = self.received.index(b"\r\n\r\n") + 4
        moments = iter(self.moments)
        when, there = next(moments)
        while True:
            start = self.received.index(b"\r\n", at) + 2
            size = int(self.received[at : start - 2], 16)
            end = start + size + 2
            assert self.received[end - 2 : end] == b"\r\n", "an HTTP chunk is not as long as it says"
            if not size:
                assert end == len(self.received), "bytes after the end"
                return
            while there < end:
                when, there = next(moments)
            yield when, bytes(self.received[start : end - 2])
            at = end


async def warm(url: str) -> None:
    """Ask once and leave with the head: what a server loads for its first answer is not what is measured."""
    host, port, request = _request(url)
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def play(url: str, count: int, ramp: float) -> list[Stream]:
    """This many streams, begun within `ramp` seconds. All are connected before the first one sends its request."""
    loop = asyncio.get_running_loop()
    host, port, request = _request(url)

    async def one(number: int, transport: asyncio.Transport, client: Client) -> Stream:
        await asyncio.sleep(ramp * number / count)
        client.sent = time.perf_counter()
        transport.write(request)
        assert await asyncio.wait_for(client.done, 120), "a stream was broken off"
        transport.close()
        return client.stream()

    pairs = [await loop.create_connection(Client, host, port) for _ in range(count)]
    gc.collect()
    gc.disable()  # only the server is measured
    try:
        return await asyncio.gather(*(one(number, *pair) for number, pair in enumerate(pairs)))
    finally:
        gc.enable()


def _request(url: str) -> tuple[str, int, bytes]:
    host, _, port = url.removeprefix("http://").partition(":")
    head = f"POST {PATH} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(ASK)}\r\n\r\n"
    return host, int(port), head.encode() + ASK
