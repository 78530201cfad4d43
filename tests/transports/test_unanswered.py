"""Requests without an answer: the recording says why, or that there was no connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpcore
import httpx
import httpx2
import pytest
from support.clients import ASK, Client
from support.every_client import EVERY_CLIENT
from support.raw_server import full_backlog
from support.streams import GOOGLE, PATH

import gemini_replay
from gemini_replay.errors import RecordingError

HEADERS = {"x-goog-api-key": "test-key"}
SYNC = [client for client in EVERY_CLIENT if not client.is_async]


@contextlib.contextmanager
def resetting() -> Iterator[str]:
    """A server that resets each connection in the middle of a request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.recv(4096)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpx leaves its generators to trio
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # aiohttp's
@pytest.mark.parametrize("through", ["itself", "an upstream"])
def test_a_reset_while_sending_is_recorded_as_a_reset(client: Client, through: str, path: Path) -> None:
    """The server was reached, and the recording is whole."""
    large = {"contents": [{"role": "user", "parts": [{"text": "x" * 8_000_000}]}]}
    with resetting() as url:
        upstream = url if through == "an upstream" else None
        with gemini_replay.record(path, upstream=upstream) as session:
            seen = client.fetch(GOOGLE if upstream else url + PATH, json=large)
        assert seen.error is not None
        assert not getattr(seen.error, "__notes__", [])
        assert {one.end.kind for one in session.recorded} == {"reset"}


@pytest.mark.parametrize("through", ["itself", "an upstream"])
@pytest.mark.parametrize("client", SYNC, ids=lambda client: client.name)
def test_an_interrupt_while_connecting_counts_as_the_clients(
    client: Client, through: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing about the server: the client has given up."""

    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    url = "http://127.0.0.1:9"
    upstream = url if through == "an upstream" else None
    with gemini_replay.record(path, upstream=upstream) as session:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt) as seen:
            patched.setattr(socket, "getaddrinfo", interrupted)
            client.fetch(GOOGLE if upstream else url + PATH)
        assert not getattr(seen.value, "__notes__", [])
        assert [one.end.kind for one in session.recorded] == ["cancelled"]


async def _httpcore(url: str) -> None:
    async with httpcore.AsyncConnectionPool() as client:
        await client.request("POST", url, headers=HEADERS, content=b"{}")


async def _httpx(url: str) -> None:
    async with httpx.AsyncClient(timeout=None) as client:
        await client.post(url, json=ASK, headers=HEADERS)


async def _httpx2(url: str) -> None:
    async with httpx2.AsyncClient(timeout=None) as client:
        await client.post(url, json=ASK, headers=HEADERS)


async def _aiohttp(url: str) -> None:
    async with aiohttp.ClientSession() as client:
        await client.post(url, json=ASK, headers=HEADERS)


@pytest.mark.parametrize("ask", [_httpcore, _httpx, _httpx2, _aiohttp], ids=lambda ask: ask.__name__.strip("_"))
def test_a_task_cancelled_while_connecting_counts_as_the_clients(
    ask: Callable[[str], Coroutine[Any, Any, None]], path: Path
) -> None:
    """It counts like one that is cancelled later."""
    with full_backlog() as url, gemini_replay.record(path) as session:
        with pytest.raises(asyncio.TimeoutError):
            asyncio.run(asyncio.wait_for(ask(url + PATH), 0.2))
        assert [one.end.kind for one in session.recorded] == ["cancelled"]


@pytest.mark.parametrize("through", ["itself", "an upstream"])
def test_an_ipv6_address_that_cannot_be_reached_keeps_its_brackets(client: Client, through: str, path: Path) -> None:
    """The note on the client's error and the session's message have them."""
    url = "http://[::1]:9"
    with pytest.raises(RecordingError, match=r"no connection to http://\[::1\]:9 \("):
        with gemini_replay.record(path, upstream=url if through == "an upstream" else None):
            seen = client.fetch(GOOGLE if through == "an upstream" else url + PATH)
    said = "".join(traceback.format_exception(seen.error))
    assert "no connection to http://[::1]:9. " in said
