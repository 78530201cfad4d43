"""What the servers need of ASGI: its types, reading a request's body, sending an answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from functools import lru_cache
from typing import Any, Protocol

from ..cassette.model import End, Headers
from ..engine.player import Data, Head, Silence, Step
from ..errors import UsageError
from ..loops import AsyncioClock, turn

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CONNECTION = "gemini_replay.connection"
"""The ASGI extension by which an app can break its TCP connection; see ``Connection``."""

MARK = "x-gemini-replay"
"""The response header that only answers of gemini-replay's own have: "miss" or "error"."""


class Connection(Protocol):
    """The TCP connection of one request. Both methods end it, and return once it is gone."""

    async def reset(self) -> None:
        """Send what is written, then a TCP reset."""

    async def close(self) -> None:
        """Send what is written, then a FIN, even in the middle of a body."""


async def read_body(receive: Receive) -> bytes | None:
    """The request's whole body; None where the client left before it was complete."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def deliver(
    steps: Iterable[Step],
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    began: float,
    pace: float = 1.0,
    before_send: Callable[[bytes], None] = lambda data: None,
) -> bool:
    """Send ``steps`` at their times; stop early when the client has left.

    Args:
        steps: the answer: its head (where it has one), its chunks, its end.
        scope: the request's ASGI scope.
        receive: the request's ASGI channel, with the body already read.
        send: where the answer goes; each of its chunks is one ASGI message, hence one HTTP chunk.
        began: the moment of `loops.AsyncioClock` to which the steps' times are relative. All waits are for
            absolute deadlines, so that lateness does not add up.
        pace: factor on all times; 0 sends without waiting.
        before_send: called with each chunk just before it is sent.

    Returns:
        Whether the client stayed to the end.
    """
    client = _Client(receive)
    try:
        for step in steps:
            if not await client.stays_until(began + step.at * pace):
                return False
            if isinstance(step, Head):
                await start(send, step.status, step.headers)
            elif isinstance(step, Data):
                before_send(step.data)
                await send({"type": "http.response.body", "body": step.data, "more_body": True})
            elif isinstance(step, Silence):
                began += step.seconds  # the client's time limits are real: only silence can try them
            elif step.end.kind == "timeout":
                await client.gone  # a server cannot raise the client's read timeout; it can be silent
            else:
                await finish(step.end, scope, send)
        return True
    finally:
        client.gone.cancel()


class _Client:
    """The client of one answer, while that is on its way.

    A wait is one timer and one future. `asyncio.wait` could do the same for 1.6 times the processor time, and a
    thousand streams wait ten thousand times a second.

    Attributes:
        gone: done when the client has left.
    """

    def __init__(self, receive: Receive) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = AsyncioClock(self._loop)
        self._waiting: asyncio.Future[None] | None = None
        self.gone = asyncio.ensure_future(_disconnect(receive))
        self.gone.add_done_callback(self._wake)

    async def stays_until(self, moment: float) -> bool:
        """Wait for a moment, or until the client leaves; whether it is still there."""
        if moment > self._clock.now():
            self._waiting = self._loop.create_future()
            timer = self._clock.call_at(moment, self._wake)
            try:
                await self._waiting
            finally:
                timer.cancel()
        else:
            await turn()  # other streams get their turn, and a lost connection is noticed
        return not self.gone.done()

    def _wake(self, _: object = None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


async def start(send: Send, status: int, headers: Iterable[tuple[str, str]]) -> None:
    """Send a response's head, without the headers that belong to another connection."""
    pairs = [(_encoded(name), _encoded(value)) for name, value in end_to_end(headers)]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def finish(end: End, scope: Scope, send: Send) -> None:
    """End a response: complete, or by breaking its connection off as it was broken."""
    if end.kind == "eof":
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    elif end.how == "closed":
        await connection(scope).close()
    else:
        await connection(scope).reset()


async def respond(
    send: Send, status: int, body: bytes, headers: Headers = (), *, receive: Receive | None = None
) -> None:
    """Send a whole JSON answer.

    Args:
        send: where it goes.
        status: its status.
        body: its JSON text.
        headers: what its head says besides type and length.
        receive: the request's ASGI channel where its body was not read. The rest is read, and forgotten, before the
            answer ends: a connection that is closed before may lose the answer.
    """
    about = (("content-type", "application/json; charset=UTF-8"), ("content-length", str(len(body))))
    await start(send, status, (*about, *headers))
    await send({"type": "http.response.body", "body": body, "more_body": True})
    while receive is not None and (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do ``work``; cancel it when the client has left, or when this is cancelled itself."""
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


_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


def end_to_end(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers that a proxy passes on: those of one connection stay with it (RFC 9110, 7.6.1)."""
    headers = tuple(headers)
    own = {
        item.strip().lower() for name, value in headers if name.lower() == "connection" for item in value.split(",")
    }
    return tuple(pair for pair in headers if pair[0].lower() not in _HOP_BY_HOP | own)


@lru_cache(maxsize=256)
def unsendable(status: int, headers: Headers) -> str:
    """What no server can send of this head, in words; empty where it can be sent."""
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
        return text.encode("latin-1")  # as HTTP's own bytes were decoded
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")  # a cassette written by hand


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def connection(scope: Scope) -> Connection:
    """The connection below a request.

    Raises:
        UsageError: the server that runs the app has no way to break it off.
    """
    found: Connection | None = (scope.get("extensions") or {}).get(CONNECTION)
    if found is None:
        raise UsageError(
            "This server cannot break a connection off.",
            hint="Run the app with gemini_replay.server.running.serve.",
        )
    return found
