"""uvicorn with a minimal app, for comparison: ``python -m benchmarks.bare_uvicorn CASSETTE``.

The app reads the request's body and sends the cassette's chunks, one message each, when they are due. It matches
nothing, and does not watch the connection.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from itertools import accumulate
from typing import Any

import uvicorn

from gemini_replay import Cassette, Interaction


def app(interaction: Interaction) -> Callable[..., Awaitable[None]]:
    """The app that streams this answer."""
    assert interaction.response is not None
    response, chunks = interaction.response, interaction.chunks
    headers = [(name.encode(), value.encode()) for name, value in response.headers]
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    due = list(accumulate((chunk.after for chunk in chunks), initial=response.after))
    parts = [(moment, chunk.data) for moment, chunk in zip(due[1:], chunks, strict=True)]

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (await receive()).get("more_body", False):
            pass
        if due[0]:
            await asyncio.sleep(began + due[0] - loop.time())
        await send(start)
        for moment, data in parts:
            if moment:
                await asyncio.sleep(began + moment - loop.time())
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return answer


class Server(uvicorn.Server):
    """A server that prints its address."""

    async def startup(self, sockets: Any = None) -> None:
        """Print the address, as gemini-replay does."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        print(f"listening on http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}", flush=True)


def main() -> None:
    """Serve until the process is killed."""
    (interaction,) = Cassette.load(sys.argv[1]).interactions
    config = uvicorn.Config(
        app(interaction),
        port=0,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
    )
    Server(config).run()


if __name__ == "__main__":
    main()
