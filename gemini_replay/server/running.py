"""Run an ASGI app on a real socket: in a thread for tests, in the foreground for the command line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from ..errors import MissingExtraError, UsageError
from ..provider import Provider
from .asgi import App
from .entrance import DEFAULT_RULES, Rules

if TYPE_CHECKING:
    from .uvicorn_server import Server

_Path = str | os.PathLike[str] | None


class Running:
    """A server in a thread, from its construction until ``stop``; also a context manager.

    Args:
        app: an ASGI app; no lifespan events are sent to it.
        host: the address to listen on.
        port: the port; 0 for any free one.
        rules: which requests are accepted, and how large they may be.
        ssl_certfile: a PEM file with the certificate chain and its key, for HTTPS.
        provider: refusals have the form of this API's errors; None for Gemini.

    Attributes:
        port: the port it listens on.
        url: its base URL, without a final slash.

    Raises:
        MissingExtraError: uvicorn is not installed.
        UsageError: it cannot listen on the address, or cannot use the certificate.
    """

    def __init__(
        self,
        app: Any,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        rules: Rules = DEFAULT_RULES,
        ssl_certfile: _Path = None,
        provider: Provider | None = None,
    ) -> None:
        self.app = app
        self._server, self._socket, self.url = _prepare(app, host, port, rules, ssl_certfile, provider)
        self.port: int = self._socket.getsockname()[1]
        self._failure: BaseException | None = None
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(ready,), name=f"gemini-replay server {self.url}", daemon=True
        )
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            self.stop()
            raise self._failure

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._server.listen(self._socket, ready.set))
        except BaseException as failure:  # the thread that waits until this one is ready raises the error
            self._failure = failure
        finally:
            self._socket.close()
            ready.set()

    def stop(self) -> None:
        """Stop listening, close what is open, end the thread. A second call does nothing."""
        self._server.stop()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve_forever(
    app: App,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    rules: Rules = DEFAULT_RULES,
    provider: Provider | None = None,
    announce: Callable[[str], object],
) -> None:
    """Run ``app`` in this thread until SIGINT or SIGTERM.

    ``announce`` gets the base URL once it listens.

    Raises:
        MissingExtraError: uvicorn is not installed.
        UsageError: it cannot listen on the address.
    """
    server, listener, url = _prepare(app, host, port, rules, provider=provider)

    def ready() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Only the main thread can handle signals; another one stops with its process.
            with contextlib.suppress(ValueError, RuntimeError):
                loop.add_signal_handler(number, server.stop)
        announce(url)

    with listener:
        asyncio.run(server.listen(listener, ready))


def _prepare(
    app: App, host: str, port: int, rules: Rules, ssl_certfile: _Path = None, provider: Provider | None = None
) -> tuple[Server, socket.socket, str]:
    """A server, its listening socket, and its base URL."""
    try:
        from .uvicorn_server import Server
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("uvicorn", "h11"):
            raise
        raise MissingExtraError("uvicorn", extra="server", purpose="A local server") from missing
    try:
        server = Server(app, rules, ssl_certfile, provider)
    except OSError as problem:  # ssl.SSLError is an OSError
        raise UsageError(
            f"Cannot use the certificate {ssl_certfile}: {problem}",
            hint="Give a PEM file with the certificate chain and its key.",
        ) from problem
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as problem:
        raise UsageError(
            f"Cannot listen on {host}:{port}: {problem}",
            hint="Choose another port, or 0 for any free one.",
        ) from problem
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if ssl_certfile else "http"
    return server, listener, f"{scheme}://{shown}:{listener.getsockname()[1]}"
