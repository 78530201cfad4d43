"""The recording reverse proxy: ``gemini-replay record``. Client → proxy → upstream, chunk by chunk.

Requests go out through httpx, and are recorded like those of any httpx client: a separate task reads each chunk when
it arrives, so a slow client changes neither the recorded times nor the recorded chunks. Bodies pass through as they
arrive, compressed or not.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import h11
import httpx

from ..cassette.describing import describe
from ..cassette.model import Ending
from ..errors import GeminiReplayError, UsageError
from ..session import Forward, Session
from ..transports.httpx_exchange import AsyncExchange
from ..transports.httpx_family import family, text
from ..urls import netloc, server
from .asgi import MARK, end_to_end, finish, respond, start, unsendable, while_connected
from .replay import ReplayServer, ServedRequest

_log = logging.getLogger("gemini_replay.server")

_CONNECT_S = 30.0
_NO_TIMEOUT = {"connect": _CONNECT_S, "read": None, "write": None, "pool": None}
"""No time limit for an answer: the client has its own, and the proxy stops when the client disconnects."""

_NOT_FORWARDED = {"host", "expect", "proxy-authorization"}
"""Request headers for this server only: the upstream has another host, and uvicorn has answered ``100-continue``."""


class Forwarding(ServedRequest):
    """One request of a client, which is forwarded if the session decides so."""

    server: RecordingProxy

    async def record(self, forward: Forward) -> None:
        """Forward the request and record the answer."""
        try:
            await while_connected(self.receive, self._forward(forward))
        except asyncio.CancelledError:
            _log.warning(
                "The proxy stopped before the response to %s was complete; its recording ends there.",
                describe(self.request),
            )
            raise

    async def _forward(self, forward: Forward) -> None:
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in end_to_end(self.request.headers)
            if name not in _NOT_FORWARDED
        ]
        ending: Ending = "eof"
        library = self.server.library
        try:
            outgoing = httpx.Request(
                self.request.method,
                self.request.url,
                headers=headers,
                content=self.request.body,
                extensions={"timeout": _NO_TIMEOUT},
            )
            response = await AsyncExchange(library, outgoing, self.server.send).record(forward)
            async with aclosing(response.stream) as body:
                await start(self.send, response.status_code, text(response.headers.raw))
                async for data in body:
                    await self.send({"type": "http.response.body", "body": data, "more_body": True})
        except httpx.TransportError as problem:
            if library.never_connected(problem):
                await self._unreachable(forward, problem)
                return
            ending = library.classify(problem) or "reset"
        except httpx.InvalidURL as problem:
            forward.recorder.drop()
            await self._answer_error(400, f"gemini-replay cannot forward this URL: {problem}")
            return
        except _UnusableHeadError as problem:
            await self._answer_error(502, f"{problem.message} {problem.hint}")
            return
        except GeminiReplayError as error:  # another session of this process blocks the network
            await self.server.refuse(error, self.send)
            return
        # Last of all: once an answer is finished, the server reports the client as disconnected.
        await finish(ending, self.scope, self.send)

    async def _unreachable(self, forward: Forward, problem: Exception) -> None:
        where = server(forward.url)
        message = (
            f"gemini-replay was recording and could not reach {where}: {problem}\n"
            "This request was not recorded. Check the network and the upstream's URL"
            + (", and SSL_CERT_FILE if its certificate is private." if where.startswith("https:") else ".")
        )
        await self._answer_error(502, message)

    async def _answer_error(self, code: int, message: str) -> None:
        """Answer with an error body like the API's, and log the message."""
        _log.warning("%s", message)
        body = self.server.session.provider.error_body(code, message)
        await respond(self.send, code, body, ((MARK, "error"),))


class RecordingProxy(ReplayServer):
    """An ASGI app that forwards requests and records the answers, and replays what is already recorded.

    Args:
        session: decides how each request is answered.
        base: the upstream's base URL, which is also the recorded one. If the session has an upstream, requests go
            there, and `base` is only recorded.

    Raises:
        UsageError: `base` is not a base URL or holds credentials, or a certificate or proxy of the environment
            cannot be used.
    """

    served_request = Forwarding

    def __init__(self, session: Session, *, base: str | None = None) -> None:
        super().__init__(session, base=base)
        self.library = family("httpx")
        parts = urlsplit(session.upstream or base or session.provider.base_url())
        if "@" in parts.netloc:
            raise UsageError(
                f"The URL of the upstream {netloc(parts.geturl())} has a user name or password.",
                hint="Remove it, and let the client send its credentials as it does without a proxy.",
            )
        try:
            # Not an httpx client, which would log each request's URL, and that may hold a key.
            self._transport = httpx.AsyncHTTPTransport(
                proxy=_proxy_for(parts.scheme, parts.hostname or "", parts.port),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            )
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as problem:
            raise UsageError(
                f"Cannot forward requests to {parts.netloc}: {problem}",
                hint="Check the upstream, SSL_CERT_FILE, SSL_CERT_DIR, and the proxies set in the environment.",
            ) from problem

    async def aclose(self) -> None:
        """Close the connections to the upstream; called by the server that runs this app."""
        await self._transport.aclose()

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the upstream.

        Raises:
            _UnusableHeadError: the answer's head cannot be forwarded.
            httpx.TransportError: there is no answer.
        """
        try:
            response = await self._transport.handle_async_request(request)
        except httpx.RemoteProtocolError as problem:
            if _is_malformed(problem):
                what = str(problem).partition(":")[0]  # the rest of the message may quote a header with a secret
                raise _UnusableHeadError(f"a head that is not valid HTTP/1.1 ({what})") from None
            raise
        if what := unsendable(response.status_code, ()):
            await response.aclose()
            raise _UnusableHeadError(what)
        return response


class _UnusableHeadError(GeminiReplayError):
    """The upstream answered with a head that is not valid HTTP."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The upstream answered with {what}, which cannot be forwarded.",
            hint="This request was not recorded. Check that the upstream's URL is that of an HTTP server.",
        )


def _is_malformed(problem: BaseException | None) -> bool:
    """Whether an answer was not valid HTTP, and not just cut off."""
    while problem is not None:
        if isinstance(problem, h11.RemoteProtocolError):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _proxy_for(scheme: str, host: str, port: int | None) -> str | None:
    """The proxy that the environment sets for an address (``HTTPS_PROXY`` and the like), if any."""
    proxies = getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    if found is None or proxy_bypass(f"{host}:{port}" if port else host):
        return None
    return found if "://" in found else f"http://{found}"
