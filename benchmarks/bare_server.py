"""A minimal server in Python, for comparison: ``python -m benchmarks.bare_server CASSETTE``.

Of a request it reads only the length. It writes prepared bytes at precomputed moments, by timers of one asyncio loop,
without an HTTP library, tasks or matching. Every answer has a normal end.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from typing import Any

from benchmarks.story import Story


class Connection(asyncio.Protocol):
    """Answers one request after the other."""

    def __init__(self, moments: list[tuple[float, bytes]]) -> None:
        self._moments = moments
        self._loop = asyncio.get_running_loop()
        self._asked = b""
        self._next = 0

    def connection_made(self, transport: Any) -> None:
        """Send small writes at once."""
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Begin once the request is complete."""
        self._asked += data
        head, _, body = self._asked.partition(b"\r\n\r\n")
        if len(body) == int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or -1):
            self._asked, self._next = b"", 0
            self._began = self._loop.time()
            self._arm()

    def _arm(self) -> None:
        if self._next < len(self._moments):
            self._loop.call_at(self._began + self._moments[self._next][0], self._write)

    def _write(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._moments[self._next][1])
            self._next += 1
            self._arm()


async def serve(story: Story) -> None:
    """Serve until the process is killed."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = [f"{len(data):x}\r\n".encode() + data + b"\r\n" for data in story.chunks]
    moments = list(zip([story.head, *story.due, story.due[-1]], [head, *chunks, b"0\r\n\r\n"], strict=True))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(moments), "127.0.0.1", 0, backlog=2048)
    gc.collect()
    gc.freeze()
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Story.load(sys.argv[1])))
