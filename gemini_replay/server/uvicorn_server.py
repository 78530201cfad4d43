"""uvicorn as this package needs it: quick, silent, and able to break a connection off.

The only module that imports uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..loops import AsyncioClock
from .asgi import CONNECTION, App, Receive, Scope, Send

_log = logging.getLogger("gemini_replay.server")
_log.addHandler(logging.NullHandler())  # silent, unless the program sets up logging


class _Connection(H11Protocol):
    """uvicorn's HTTP/1.1 connection, which apps can also end by a reset (``asgi.Connection``)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _log
        self.access_log = False
        self._answer: Any = self.app
        self.app: Any = self._run
        self._lost = asyncio.Event()

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"] = {**(scope.get("extensions") or {}), CONNECTION: self}
        try:
            await self._answer(scope, receive, send)
        except asyncio.CancelledError:
            # The server stops. uvicorn would log that; once the connection is gone, it has nothing
            # to log.
            self.transport.abort()
            await self._lost.wait()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # asyncio does this only where the listening socket names its protocol. Without it small
        # chunks wait for the peer's delayed acknowledgement: 40 ms, and a reset loses them.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _should_upgrade(self) -> bool:
        return False  # some clients offer HTTP/2 with every request (RFC 9110, 7.8); uvicorn would log each

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lost.set()

    async def reset(self) -> None:
        # abort() forgets what the kernel has not taken yet: let that go out first.
        while self.transport.get_write_buffer_size() and not self.transport.is_closing():
            await AsyncioClock().sleep(0.001)
        if not self.transport.is_closing():
            # Lingering for 0 seconds makes close() a reset.
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0)
            )
        self.transport.abort()
        await self._lost.wait()

    async def close(self) -> None:
        self.transport.close()
        await self._lost.wait()


_LINGER = "hh" if os.name == "nt" else "ii"


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands in for the app while uvicorn loads its configuration."""


class Server(uvicorn.Server):
    """One app on one listening socket.

    Raises:
        OSError: the certificate or its key cannot be read or used.
    """

    def __init__(
        self,
        app: App,
        *,
        ssl_certfile: str | os.PathLike[str] | None = None,
        ssl_keyfile: str | os.PathLike[str] | None = None,
    ) -> None:
        config = uvicorn.Config(
            _nothing,
            loop="asyncio",
            http=_Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            # Idle connections of test clients may rest as long as a test does.
            timeout_keep_alive=60,
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
        )
        config.load()
        # Only now: load() may call an app to see whether it is a factory, and may wrap it to log
        # requests with their keys.
        config.loaded_app = app
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready: Callable[[], object] = lambda: None
        self._stopping = asyncio.Event()

    async def listen(self, listener: socket.socket, ready: Callable[[], object]) -> None:
        """Serve on ``listener`` until ``stop``; ``ready`` is called once requests are accepted."""
        self._loop = asyncio.get_running_loop()
        self._ready = ready
        await self.serve(sockets=[listener])

    def stop(self) -> None:
        """End ``listen``; from any thread, at any time after it is ready."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stopping.set)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process' signal handlers alone."""
        yield

    async def main_loop(self) -> None:
        """Wait for ``stop``, instead of looking for it ten times a second."""
        self._ready()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Break off what is open instead of waiting for it."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        close = getattr(self.config.loaded_app, "aclose", None)
        if close is not None:  # an app with connections of its own
            await close()
