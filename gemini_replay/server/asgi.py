"""The little of ASGI that the servers need: types, the request's body, delivery of an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from ..errors import UsageError
from .plan import Plan

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CONNECTION = "gemini_replay.connection"
"""The ASGI extension by which an app can break its TCP connection; see ``Connection``."""


class Connection(Protocol):
    """The TCP connection below one request. Both ways to end it return when it is gone."""

    async def reset(self) -> None:
        """Send what is written, then a TCP reset."""

    async def close(self) -> None:
        """Send what is written, then a FIN, in good order, wherever the body stands."""


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
    plan: Plan,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    began: float,
    pace: float = 1.0,
    before_send: Callable[[bytes], None] = lambda data: None,
) -> None:
    """Send ``plan`` at its times; return early when the client has left.

    Args:
        plan: the answer.
        scope: the request's ASGI scope.
        receive: the request's ASGI channel, with the body already read.
        send: where the answer goes; one chunk of the plan is one ASGI message, hence one HTTP
            chunk.
        began: the running loop's time to which the plan's times are relative. All waits are for
            absolute deadlines, so that lateness does not add up.
        pace: factor on all times; 0 sends without waiting.
        before_send: called with each chunk just before it is sent.
    """
    gone = asyncio.ensure_future(_disconnect(receive))

    async def reached(at: float) -> bool:
        delay = began + at * pace - asyncio.get_running_loop().time()
        if delay > 0:
            await asyncio.wait({gone}, timeout=delay)
        else:
            await asyncio.sleep(0)  # other streams get their turn, and a lost connection is noticed
        return not gone.done()

    try:
        if not await reached(plan.head_at):
            return
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in plan.headers]
        await send({"type": "http.response.start", "status": plan.status, "headers": headers})
        for at, data in plan.chunks:
            if not await reached(at):
                return
            before_send(data)
            await send({"type": "http.response.body", "body": data, "more_body": True})
        if not await reached(plan.end_at):
            return
        if plan.end == "eof":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif plan.end == "reset":
            await _connection(scope).reset()
        else:
            await _connection(scope).close()
    finally:
        gone.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _connection(scope: Scope) -> Connection:
    found: Connection | None = (scope.get("extensions") or {}).get(CONNECTION)
    if found is None:
        raise UsageError(
            "This server cannot break a connection off.",
            todo="Run the app with gemini_replay.server.running.serve.",
        )
    return found
