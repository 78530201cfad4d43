"""A kept-alive connection serves later responses as if the first one had not been recorded."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpcore
import httpx
import httpx2
import pytest
import requests
import urllib3
from support.clients import TIMEOUT
from support.raw_server import CHUNKED, LAST, Answer, chunked, head, raw_server
from support.reading import until
from support.streams import PATH, events

import gemini_replay

HEADERS = {"content-type": "application/json", "x-goog-api-key": "test-key"}
BODY = b"{}"


def _http_client(url: str) -> None:
    client = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    try:
        for _ in range(2):
            client.request("POST", PATH, BODY, HEADERS)
            client.getresponse().read()
    finally:
        client.close()


def _httplib2(url: str) -> None:
    client = pytest.importorskip("httplib2", reason="httplib2 is not installed").Http(timeout=TIMEOUT)
    try:
        for _ in range(2):
            client.request(url + PATH, "POST", BODY, HEADERS)
    finally:
        client.close()


def _urllib3(url: str) -> None:
    with urllib3.PoolManager(timeout=TIMEOUT, retries=False) as client:
        for _ in range(2):
            client.request("POST", url + PATH, body=BODY, headers=HEADERS)


def _requests(url: str) -> None:
    with requests.Session() as client:
        for _ in range(2):
            client.post(url + PATH, data=BODY, headers=HEADERS, timeout=TIMEOUT)


def _httpcore(url: str) -> None:
    with httpcore.ConnectionPool() as client:
        for _ in range(2):
            extensions = {"timeout": {"read": TIMEOUT}}
            client.request("POST", url + PATH, headers=HEADERS, content=BODY, extensions=extensions)


async def _httpcore_async(url: str) -> None:
    async with httpcore.AsyncConnectionPool() as client:
        for _ in range(2):
            extensions = {"timeout": {"read": TIMEOUT}}
            await client.request("POST", url + PATH, headers=HEADERS, content=BODY, extensions=extensions)


def _httpx(library: Any) -> Callable[[str], None]:
    def twice(url: str) -> None:
        with library.Client(timeout=TIMEOUT, headers=HEADERS) as client:
            for _ in range(2):
                client.post(url + PATH, content=BODY)

    return twice


def _httpx_async(library: Any) -> Callable[[str], None]:
    async def twice(url: str) -> None:
        async with library.AsyncClient(timeout=TIMEOUT, headers=HEADERS) as client:
            for _ in range(2):
                await client.post(url + PATH, content=BODY)

    return lambda url: asyncio.run(twice(url))


async def _aiohttp(url: str) -> None:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout, headers=HEADERS) as client:
        for _ in range(2):
            async with client.post(url + PATH, data=BODY) as response:
                await response.read()


TWICE: dict[str, Callable[[str], None]] = {
    "http.client": _http_client,
    "httplib2": _httplib2,
    "urllib3": _urllib3,
    "requests": _requests,
    "httpcore-sync": _httpcore,
    "httpcore-asyncio": lambda url: asyncio.run(_httpcore_async(url)),
    "httpx-sync": _httpx(httpx),
    "httpx-asyncio": _httpx_async(httpx),
    "httpx2-sync": _httpx(httpx2),
    "httpx2-asyncio": _httpx_async(httpx2),
    "aiohttp": lambda url: asyncio.run(_aiohttp(url)),
}
"""Posts twice on one connection, and reads each answer to its end."""

STREAM = b"".join(events(2))
WHOLE = {
    "chunked": Answer([(0.0, CHUNKED), (0.01, chunked(STREAM)), (0.01, LAST)]),
    "length": Answer([(0.0, head("200 OK", f"content-length: {len(STREAM)}")), (0.01, STREAM)]),
}
SILENT = {
    "no head": Answer([(4.0, b"")], end="close"),
    "no body": Answer([(0.0, CHUNKED), (4.0, b"")], end="close"),
}


@pytest.mark.parametrize("silent", SILENT)
@pytest.mark.parametrize("framing", WHOLE)
@pytest.mark.parametrize("name", TWICE)
def test_the_read_timeout_holds_for_the_next_response_of_a_connection(
    name: str, framing: str, silent: str, path: Path
) -> None:
    """After a recorded response, a silent server causes the client's own timeout, as without recording."""
    with raw_server(WHOLE[framing], SILENT[silent]) as server, pytest.raises(Exception) as live:  # noqa: PT011
        TWICE[name](server.url)
    with raw_server(WHOLE[framing], SILENT[silent]) as server, gemini_replay.record(path) as session:
        with pytest.raises(Exception) as recorded:  # noqa: PT011
            TWICE[name](server.url)
    assert server.connections == 1
    assert len(server.requests) == 2
    assert type(recorded.value) is type(live.value)
    assert [one.end.kind for one in session.recorded] == ["eof", "timeout"]


def test_a_client_that_sets_another_timeout_meanwhile_keeps_it(path: Path) -> None:
    """The recording restores the old timeout only if the client has not set another one."""
    slow = Answer([(0.0, CHUNKED), (0.5, chunked(STREAM) + LAST)])
    with raw_server(slow) as server, gemini_replay.record(path):
        client = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
        client.request("POST", PATH, BODY, HEADERS)
        with client.getresponse() as response:
            until(lambda: client.sock.gettimeout() is None)
            client.sock.settimeout(10)
            assert response.read() == STREAM
        assert client.sock.gettimeout() == 10
        client.close()
