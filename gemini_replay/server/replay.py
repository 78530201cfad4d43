"""Answers from a session over HTTP, for any client in any language: ``gemini-replay serve``, ``gemini_server``.

How a recording ends on a real connection:

- "eof": the body's regular end;
- "reset": a TCP reset;
- "closed": a FIN before the body is complete;
- "timeout" (the recorded client timed out): silence until this client times out too;
- "cancelled" (the recorded client closed the response): a TCP reset at that moment, and a warning in the log. Nothing
  is invented beyond the recording, and no client takes an incomplete body for a complete one;
- a connection that a fault refuses: a TCP reset before any answer.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..cassette.describing import describe
from ..cassette.model import Headers, Request, header
from ..engine.faults import NoConnection
from ..engine.player import Playback
from ..errors import CassetteError, GeminiReplayError, MissError, UsageError
from ..session import Forward, Session, base_url
from ..transports.dispatch import carry_out
from ..urls import netloc
from .asgi import MARK, Receive, Scope, Send, arrived, connection, deliver, read_body, respond, unsendable

_KEPT_MISSES = 100
"""How many misses a server keeps in its session; more are only counted."""

_log = logging.getLogger("gemini_replay.server")


@dataclass(eq=False, repr=False)
class ServedRequest:
    """One request of a client, to be answered over its connection (`transports.dispatch.Exchange`).

    Args:
        request: as a client of the API itself would have made it.
        receive: its ASGI channel, with the body already read.
        began: when the request arrived, on `loops.AsyncioClock`.
    """

    server: ReplayServer
    request: Request
    scope: Scope
    receive: Receive
    send: Send
    began: float

    async def play(self, playback: Playback) -> None:
        """Send a recording."""
        recorded = playback.interaction
        head = recorded.response
        if head is not None and (what := unsendable(head.status, head.headers)):
            where = describe(recorded.request)
            problem = CassetteError(f"The recording of {where} has {what}, which HTTP does not allow.")
            await self.server.refuse(problem, self.send)
            return
        accepted = header(self.request.headers, "accept-encoding") or ""
        schedule = playback.schedule(accepted, self.began, skip_stalls=False)
        whole = await deliver(schedule, self.scope, self.receive, self.send)
        if whole and recorded.end.kind == "cancelled":
            _log.warning(
                "The recording of %s ends where its client closed the response; the connection was reset there.",
                describe(recorded.request),
            )

    async def fail(self, failure: NoConnection) -> None:
        """Reset the connection. It is open already, and a reset is closest to a refusal."""
        await connection(self.scope).reset()

    async def record(self, forward: Forward) -> None:
        """Only a recording proxy records."""
        raise AssertionError("a session that only replays never forwards a request")

    async def pass_on(self) -> None:
        """Never called: the server's session owns every request."""
        raise AssertionError("a session that is served is not in mode 'live'")


class ReplayServer:
    """An ASGI app that answers every request from a session that only replays.

    Args:
        session: decides how each request is answered.
        base: the base URL of the API that requests are for. With None, or the API's own, the path of each request
            tells which of the API's hosts it is for.

    Attributes:
        missed: how many requests no recording answered.

    Raises:
        UsageError: `base` is not a base URL, or a server cannot cause a fault of the session.
    """

    served_request = ServedRequest

    def __init__(self, session: Session, *, base: str | None = None) -> None:
        for fault in session.faults:
            if fault.cause not in (None, "refused"):
                raise UsageError(
                    f"A server cannot cause the fault {fault}.",
                    hint="Replay in the client's process, or use `refuse` or `reset@head`.",
                )
        if session.test is None and session.record_command is None:
            session.record_command = lambda mode: f"gemini-replay record {session.path} --mode {mode}"
        self.session = session
        self.missed = 0
        own = session.provider.base_url()
        parts = urlsplit(base_url(base) or own)
        given = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._base = None if given == own else given

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began = arrived(scope)
        body = await read_body(receive)
        if body is None:
            return
        request = self._as_sent_to_api(scope, body)
        try:
            decision = self.session.decide(request)
        except GeminiReplayError as error:
            await self.refuse(error, send)
            return
        await carry_out(decision, self.served_request(self, request, scope, receive, send, began))

    def _as_sent_to_api(self, scope: Scope, body: bytes) -> Request:
        """The request as a client of the API itself would have made it."""
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        base = self._base or self.session.provider.base_url(path)
        host = netloc(base)
        headers: Headers = tuple((name, host if name == "host" else value) for name, value in pairs)
        url = f"{base}{path}{'?' if query else ''}{query}"
        return Request(scope["method"], url, headers, body)

    async def refuse(self, error: GeminiReplayError, send: Send) -> None:
        """Answer with an error body like the API's, and log the error."""
        missed = isinstance(error, MissError)
        if missed:
            self.missed += 1
            del self.session.misses[_KEPT_MISSES:]
        error.__traceback__ = None  # its traceback would keep the request in memory
        _log.warning("%s", error)
        code = 404 if missed else 500
        body = self.session.provider.error_body(code, str(error))
        await respond(send, code, body, ((MARK, "miss" if missed else "error"),))
