"""The recording reverse proxy: ``gemini-replay record``. Client → proxy → upstream, chunk by chunk.

Requests go out through httpx and are recorded as those of any httpx client are: a reader of its own takes each chunk
when it arrives, so that a client that is slow to read, or does not read at all, shows neither in the recorded times
nor in what is recorded. Bodies pass through as they come, compressed or not.
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from ..cassette.model import End, Request
from ..errors import GeminiReplayError, UsageError
from ..session import Recording, Session
from ..transports.httpx_family import family
from . import google
from .asgi import Receive, Scope, Send, end_to_end, finish, respond, start, while_connected
from .replay import GOOGLE, MARK, ReplayServer

_log = logging.getLogger("gemini_replay.server")

_CONNECT_S = 30.0
_PATIENT = {"connect": _CONNECT_S, "read": None, "write": None, "pool": None}
"""How long an answer may take is the client's affair: it lets go, and so does the proxy."""

_OWN = {"host", "expect", "proxy-authorization"}
"""Request headers that end here: the upstream has its own host, and uvicorn has answered ``100-continue``."""


class RecordingProxy(ReplayServer):
    """An ASGI app that forwards requests and records the answers; what the session has already, it plays.

    Args:
        session: decides what becomes of each request.
        base: the upstream's base URL, which is also the one that is recorded. A session with an upstream of its own
            sends there, and records this one.

    Raises:
        UsageError: `base` is not a base URL or holds credentials, or the environment's certificates or proxies cannot
            be used.
    """

    def __init__(self, session: Session, *, base: str = GOOGLE) -> None:
        super().__init__(session, base=base)
        self._family = family("httpx")
        parts = urlsplit(session.upstream or base)
        if "@" in parts.netloc:
            raise UsageError(
                f"The upstream {parts.hostname} is given with a user or a password in its URL.",
                todo="Leave them out, and let the client send its credentials as it does without a proxy.",
            )
        try:
            # No httpx client: it would log each request's URL, which may hold a key.
            self._transport = httpx.AsyncHTTPTransport(
                proxy=_way_out(parts.scheme, parts.hostname or "", parts.port),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            )
        except (OSError, ValueError, ImportError) as problem:
            raise UsageError(
                f"Requests cannot be forwarded to {parts.netloc}: {problem}",
                todo="Check the upstream, and SSL_CERT_FILE, SSL_CERT_DIR and the proxies of the environment.",
            ) from problem

    async def aclose(self) -> None:
        """Close the connections to the upstream; called by the server that runs this app."""
        await self._transport.aclose()

    async def _forward(
        self, plan: Recording | None, request: Request, scope: Scope, receive: Receive, send: Send
    ) -> None:
        assert plan is not None  # no session that is served is in mode "live"
        await while_connected(receive, self._pass_on(plan, request, scope, send))

    async def _pass_on(self, recording: Recording, request: Request, scope: Scope, send: Send) -> None:
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in end_to_end(request.headers)
            if name not in _OWN
        ]
        outgoing = httpx.Request(
            request.method, request.url, headers=headers, content=request.body, extensions={"timeout": _PATIENT}
        )
        end = End()
        try:
            send_on = self._transport.handle_async_request
            response = await self._family.arecord(recording, outgoing, send_on)
            async with aclosing(response.stream) as body:
                pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
                await start(send, response.status_code, tuple(pairs))
                async for data in body:
                    await send({"type": "http.response.body", "body": data, "more_body": True})
        except httpx.TransportError as problem:
            if self._family.never_connected(problem):
                await self._unreachable(recording, problem, send)
                return
            kind, how = self._family.classify(problem) or ("reset", None)
            end = End(kind, how=how)
        except GeminiReplayError as error:  # another session of this process keeps requests from the network
            await self._refuse(error, send)
            return
        # Only now, when nothing is left to tidy up: the server takes a finished answer for a client that has left.
        await finish(end, scope, send)

    async def _unreachable(self, recording: Recording, problem: Exception, send: Send) -> None:
        parts = urlsplit(recording.url)
        port = f":{parts.port}" if parts.port else ""
        message = (
            f"gemini-replay was recording and could not reach {parts.scheme}://{parts.hostname}{port}: {problem}\n"
            "Nothing was recorded of this request. Check the network and the upstream's URL"
            + (", and SSL_CERT_FILE if its certificate is not a public one." if parts.scheme == "https" else ".")
        )
        _log.warning("%s", message)
        await respond(send, 502, google.error(502, "UNAVAILABLE", message), ((MARK, "error"),))


def _way_out(scheme: str, host: str, port: int | None) -> str | None:
    """The environment's own proxy for an address (``HTTPS_PROXY`` and its kin), as every client would take it."""
    proxies = getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    if found is None or proxy_bypass(f"{host}:{port}" if port else host):
        return None
    return found if "://" in found else f"http://{found}"
