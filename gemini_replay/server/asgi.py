"""ASGI for the servers: its types, reading a request's body, sending an answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from functools import lru_cache
from typing import Any, Protocol

from ..cassette.model import Ending, Headers
from ..engine.schedule import Broken, Head, Schedule
from ..errors import UsageError
from ..loops import AsyncioClock, turn

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CONNECTION = "gemini_replay.connection"
"""The ASGI extension with which an app can end its TCP connection; see ``Connection``."""

MARK = "x-gemini-replay"
"""A response header that marks gemini-replay's own answers: "miss" or "error"."""


class Connection(Protocol):
    """The TCP connection of one request. Both methods end it, and return once it is closed.

    Attributes:
        arrived: when the request came, on `loops.AsyncioClock`.
    """

    arrived: float

    async def reset(self) -> None:
        """Send what has been written, then a TCP reset."""

    async def close(self) -> None:
        """Send what has been written, then a FIN, even in the middle of a body."""


def arrived(scope: Scope) -> float:
    """When a request came, on `loops.AsyncioClock`. The answer is due from then on."""
    below: Connection | None = (scope.get("extensions") or {}).get(CONNECTION)
    return AsyncioClock().now() if below is None else below.arrived


async def read_body(receive: Receive) -> bytes | None:
    """The request's whole body; None if the client disconnected before it was complete."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def deliver(
    schedule: Schedule,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    before_send: Callable[[bytes], None] | None = None,
) -> bool:
    """Send a response, each part when it is due; stop when the client disconnects.

    The schedule has the times of `loops.AsyncioClock`. It must wait for stalls: only real silence tests the time
    limits of a client in another process. Each chunk is one ASGI message, and so one HTTP chunk; `before_send` is
    called with it first. The request's body has been read already.

    Returns:
        Whether the client stayed connected to the end.
    """
    client = _Client(receive)
    now = client.clock.now()
    in_a_row = 0
    try:
        while True:
            seconds = schedule.wait(now)
            if seconds > 0:
                if not await client.stays(now + seconds):
                    return False
                now = client.clock.now()
                in_a_row = 0
            try:
                parts = schedule.take()
            except Broken as broken:
                if broken.ending == "timeout":
                    await client.leaves()  # only silence of a server makes a client time out
                else:
                    await finish(broken.ending, scope, send)
                return True
            if not parts:
                await finish("eof", scope, send)
                return True
            for part in parts:
                if in_a_row == _MOST_IN_A_ROW:
                    await turn()
                    in_a_row = 0
                in_a_row += 1
                if isinstance(part, Head):
                    await start(send, part.status, part.headers)
                else:
                    if before_send is not None:
                        before_send(part)
                    await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        client.forget()


_MOST_IN_A_ROW = 32
"""How many parts a stream sends without waiting before other streams have their turn."""


class _Client:
    """The client of one answer, while it is sent.

    A wait is one timer and one future. `asyncio.wait` takes 1.6 times the processor time, and a thousand streams wait
    ten thousand times a second. Nothing watches the connection before the first wait: an answer that is sent at once
    needs no such task.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self.clock = AsyncioClock(self._loop)
        self._waiting: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] | None = None

    async def stays(self, until: float) -> bool:
        """Wait until that moment, or until the client disconnects; return whether it is still connected."""
        gone = self._disconnecting()
        self._waiting = self._loop.create_future()
        timer = self.clock.call_at(until, self._end_wait)
        try:
            await self._waiting
        finally:
            timer.cancel()
        return not gone.done()

    async def leaves(self) -> None:
        """Wait until the client disconnects."""
        await self._disconnecting()

    def forget(self) -> None:
        """Stop to watch the connection."""
        if self._gone is not None:
            self._gone.cancel()

    def _disconnecting(self) -> asyncio.Future[None]:
        """Done when the client has disconnected."""
        if self._gone is None:
            self._gone = asyncio.ensure_future(_disconnect(self._receive))
            self._gone.add_done_callback(self._end_wait)
        return self._gone

    def _end_wait(self, _: object = None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


async def start(send: Send, status: int, headers: Iterable[tuple[str, str]]) -> None:
    """Send a response's head, without the headers that were for the recorded connection."""
    await send({"type": "http.response.start", "status": status, "headers": _wire_headers(tuple(headers))})


@lru_cache(maxsize=256)
def _wire_headers(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((_encoded(name), _encoded(value)) for name, value in end_to_end(headers))


async def finish(ending: Ending, scope: Scope, send: Send) -> None:
    """End a response: complete it, or end its connection as the recording did."""
    if ending == "eof":
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    elif ending == "closed":
        await connection(scope).close()
    else:
        await connection(scope).reset()


async def respond(
    send: Send, status: int, body: bytes, headers: Headers = (), *, receive: Receive | None = None
) -> None:
    """Send a whole JSON answer; `headers` are added to its type and length.

    `receive` is given if the request's body has not been read. The rest is read and dropped before the answer ends:
    if a connection is closed with unread data, the answer may be lost.
    """
    about = (("content-type", "application/json; charset=UTF-8"), ("content-length", str(len(body))))
    await start(send, status, (*about, *headers))
    await send({"type": "http.response.body", "body": body, "more_body": True})
    while receive is not None and (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do ``work``; cancel it when the client disconnects, or when this is cancelled."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()


_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


def end_to_end(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers that a proxy passes on: all except those for a single connection (RFC 9110, 7.6.1)."""
    headers = tuple(headers)
    own = {
        item.strip().lower() for name, value in headers if name.lower() == "connection" for item in value.split(",")
    }
    return tuple(pair for pair in headers if pair[0].lower() not in _HOP_BY_HOP | own)


@lru_cache(maxsize=256)
def unsendable(status: int, headers: Headers) -> str:
    """A description of the part of this head that a server cannot send, or ""."""
    if not 200 <= status <= 599:
        return f"the status {status}"
    for name, value in headers:
        if not (_FIELD_NAME.fullmatch(_encoded(name)) and _FIELD_VALUE.fullmatch(_encoded(value))):
            return f"the header {name!r}"
    return ""


_FIELD_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_FIELD_VALUE = re.compile(rb"(?:[^\0\s](?:[^\0\n\r\f\v]*[^\0\s])?)?")


def _encoded(text: str) -> bytes:
    try:
        return text.encode("latin-1")  # HTTP heads are decoded as Latin-1
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")  # a cassette written by hand


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def connection(scope: Scope) -> Connection:
    """The connection below a request.

    Raises:
        UsageError: the server that runs the app cannot end it.
    """
    found: Connection | None = (scope.get("extensions") or {}).get(CONNECTION)
    if found is None:
        raise UsageError(
            "This server cannot end a connection before its response is complete.",
            hint="Run the app with gemini_replay.server.running.Running.",
        )
    return found
