"""uvicorn made fast, silent, strict, and able to reset a connection.

No other module imports uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import os
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..loops import AsyncioClock, Timer
from ..provider import Provider
from .asgi import CONNECTION, MARK, App, Message, Receive, Scope, Send
from .entrance import Entrance, Rules, refusal
from .strict_http import BadHeadError, StrictHttp
from .turns import Turns

_log = logging.getLogger("gemini_replay.server")
_log.addHandler(logging.NullHandler())  # silent, unless the program sets up logging


_LINGER_SECONDS = 1.0
"""How long a connection stays open after a refusal: if it is closed with unread data, the answer may be lost."""


class _Connection(H11Protocol):
    """uvicorn's HTTP/1.1 connection, which apps can also reset (``asgi.Connection``).

    A request that is not valid HTTP, breaks the rules, or takes too long to arrive is refused with an error body like
    the provider's.
    """

    def __init__(self, rules: Rules, provider: Provider | None, turns: Turns, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arrived = 0.0
        self._turns = turns
        self.logger = _log
        self.access_log = False
        self.conn = self._http = StrictHttp(rules)
        self._rules = rules
        self._provider = provider
        self._lost = asyncio.Event()
        self._awaited: object = None
        self._time_limit: Timer | None = None
        self._refused = False

    @property
    def app(self) -> Any:  # not an attribute, which would make a reference cycle
        """The function that uvicorn calls for each request."""
        return self._run

    @app.setter
    def app(self, app: Any) -> None:
        self._answer = app

    def data_received(self, data: bytes) -> None:
        if not self._refused:
            super().data_received(data)

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self.arrived = self._turns.began()
        self._limit_time()

    def _limit_time(self) -> None:
        """Set a time limit for the rest of a head or body that the client has begun to send."""
        state = self.conn.their_state
        awaited: object = None
        if state is h11.SEND_BODY:
            awaited = self.cycle
        elif state is h11.IDLE and self.conn.trailing_data[0]:
            awaited = "head"
        if awaited is self._awaited or self._refused:
            return
        self._lift_limit()
        self._awaited = awaited
        if awaited is not None:
            rules = self._rules
            what, seconds = ("head", rules.head_seconds) if awaited == "head" else ("body", rules.body_seconds)
            reason = f"The request's {what} did not arrive within {seconds:g} seconds."
            clock = AsyncioClock(self.loop)
            self._time_limit = clock.call_at(clock.now() + seconds, lambda: self._refuse(408, reason))

    def _lift_limit(self) -> None:
        self._awaited = None
        if self._time_limit is not None:
            self._time_limit.cancel()
            self._time_limit = None

    def send_400_response(self, msg: str) -> None:
        """Refuse; called by uvicorn while it handles h11's error."""
        problem = sys.exception()
        if isinstance(problem, BadHeadError):
            self._refuse(problem.error_status_hint, str(problem))
        else:  # h11's message may quote a header with a key
            self._refuse(400, "The request is not valid HTTP/1.1.")

    def _refuse(self, status: int, reason: str) -> None:
        """Answer, unless an answer has begun, and close the connection."""
        _log.warning("A request was refused (%d): %s", status, reason)
        self._refused = True
        self._lift_limit()
        if self.transport.is_closing():
            return
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = refusal(status, reason, self._provider)
            headers = [
                ("content-type", "application/json; charset=UTF-8"),
                ("content-length", str(len(body))),
                ("connection", "close"),
                (MARK, "error"),
            ]
            for event in (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"] = {**(scope.get("extensions") or {}), CONNECTION: self}
        try:
            await self._answer(scope, receive, self._quick(send))
        except asyncio.CancelledError:
            # The server stops. uvicorn would log that, unless the connection is gone.
            self.transport.abort()
            await self._lost.wait()
        except Exception as problem:
            # uvicorn would log the exception's message, which may hold a key.
            places = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("A bug in gemini-replay: %s while answering a request\n%s", type(problem).__name__, places)
            if self.conn.our_state is h11.SEND_RESPONSE:
                self._refuse(500, "A bug in gemini-replay. The server's log has the details.")
            self.transport.close()
            await self._lost.wait()
        finally:
            del scope["extensions"]  # another reference cycle

    def _quick(self, send: Send) -> Send:
        """A `send` that frames and writes chunks itself, and leaves the rest to uvicorn.

        uvicorn and h11 make twenty calls for each chunk.
        """
        cycle, http, flow, transport = self.cycle, self._http, self.flow, self.transport
        has_body, in_chunks = cycle.scope["method"] != "HEAD", False

        async def sending(message: Message) -> None:
            nonlocal in_chunks
            data: bytes = message.get("body", b"")
            if in_chunks and data and message.get("more_body") and not (flow.write_paused or cycle.disconnected):
                transport.write(b"%x\r\n%b\r\n" % (len(data), data))
            else:
                await send(message)
                in_chunks = has_body and http.sends_chunks and http.our_state is h11.SEND_BODY

        return sending

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # asyncio does this only for some listening sockets. Without it small chunks wait up to 40 ms for the peer's
        # delayed acknowledgement, and a reset loses them.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _should_upgrade(self) -> bool:
        return False  # some clients offer HTTP/2 with every request (RFC 9110, 7.8), which uvicorn would log

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lift_limit()
        self._lost.set()

    async def reset(self) -> None:
        # abort() drops what the kernel has not taken yet, so wait until it has.
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
    """Replaces the app while uvicorn loads its configuration."""


class Server(uvicorn.Server):
    """One app on one listening socket.

    Args:
        app: the app; an `Entrance` is put in front of it.
        rules: which requests the server accepts.
        ssl_certfile: as for `running.Running`.
        provider: likewise.

    Raises:
        OSError: the certificate or its key cannot be read or used.
    """

    def __init__(
        self,
        app: App,
        rules: Rules,
        ssl_certfile: str | os.PathLike[str] | None = None,
        provider: Provider | None = None,
    ) -> None:
        config = uvicorn.Config(
            _nothing,
            loop="asyncio",
            http=functools.partial(_Connection, rules, provider, Turns()),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            # A client may keep a connection idle for a whole test.
            timeout_keep_alive=60,
            ssl_certfile=ssl_certfile,
        )
        config.load()
        super().__init__(config)
        # `listen` adds the app: load() may call an app to see whether it is a factory, and may wrap it to log
        # requests with their keys.
        self._app = app
        self._rules = rules
        self._provider = provider
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready: Callable[[], object] = lambda: None
        self._stopping = asyncio.Event()

    async def listen(self, listener: socket.socket, ready: Callable[[], object]) -> None:
        """Serve on ``listener`` until ``stop``; call ``ready`` once it accepts requests."""
        self._loop = asyncio.get_running_loop()
        self._ready = ready
        local = ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback
        self.config.loaded_app = Entrance(self._app, self._rules, local=local, provider=self._provider)
        await self.serve(sockets=[listener])

    def stop(self) -> None:
        """End ``listen``. Any thread may call this, at any time after it is ready."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stopping.set)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not replace the process's signal handlers, as uvicorn does."""
        yield

    async def main_loop(self) -> None:
        """Wait for ``stop``; uvicorn checks ten times a second."""
        self._ready()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is open; uvicorn waits for it."""
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
        close = getattr(self._app, "aclose", None)
        if close is not None:  # an app with connections of its own
            await close()
