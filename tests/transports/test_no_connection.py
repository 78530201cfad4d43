"""Faults that refuse a connection: each library raises the same as for a real failure to connect."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpcore
import httpx
import httpx2
import pytest
import requests
import trio
import trustme
import urllib3
from support.aiohttp_client import HEADERS, ask
from support.cassettes import recorded, streaming
from support.clients import ASK, Client
from support.every_client import EVERY_CLIENT
from support.raw_server import full_backlog
from support.streams import GOOGLE, PATH, events
from support.urllib3_cases import BODY

import gemini_replay
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

LIMIT = 0.3


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return recorded(tmp_path / "story.jsonl", streaming(*events(3)))


def why(error: BaseException | None) -> list[type[BaseException]]:
    """The types of an error and of those causes that are the library's own errors.

    The causes of httpcore's errors do not count, since they depend on its backend.
    """
    found = []
    while error is not None:
        found.append(type(error))
        if type(error).__module__.startswith("httpcore"):
            break
        error = getattr(error, "reason", None) or (error.args[0] if error.args else None)
        error = error if isinstance(error, BaseException) else None
    return found


def seconds(client: Client) -> float:
    """How long a client tries to connect if each attempt may take `LIMIT`: urllib3 makes four attempts."""
    return LIMIT * (4 if client.name == "urllib3" else 1)


def message(error: BaseException | None) -> str:
    """The message of an error, with no object's address in memory."""
    return re.sub("0x[0-9a-f]+", "", str(error))


def test_a_refused_connection(client: Client, path: Path) -> None:
    """It is the same as for a port on which no server listens."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}{PATH}"
        real = client.fetch(url)
    with gemini_replay.replay(path, fault="refuse", hosts=["127.0.0.1"]):
        seen = client.fetch(url)
    assert type(seen.error) is client.errors["connect"]
    assert why(seen.error) == why(real.error)
    if client.name != "aiohttp":  # its message names the address that was looked up; a replay looks up none
        assert message(seen.error) == message(real.error)
    assert seen.status is None


def test_a_certificate_that_is_not_trusted(client: Client, path: Path, tmp_path: Path) -> None:
    """It is the same as for a server with an unknown certificate authority."""
    pem = tmp_path / "server.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    with upstream.start(Scenario.from_chunks(events(3)), ssl_certfile=pem) as server:
        real = client.fetch(server.url + PATH)
    with gemini_replay.replay(path, fault="tls"):
        seen = client.fetch(GOOGLE)
    assert type(seen.error) is client.errors["tls"]
    assert why(seen.error) == why(real.error)
    assert "CERTIFICATE_VERIFY_FAILED" in str(seen.error)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue may refuse")
def test_a_connection_without_an_answer(client: Client, path: Path) -> None:
    """It is the same as for an overloaded server, and comes after the client's own connect timeout."""
    with full_backlog() as url:
        real = client.fetch(url + PATH, connect=LIMIT)
    with gemini_replay.replay(path, fault="timeout:connect", hosts=["127.0.0.1"]):
        seen = client.fetch(url + PATH, connect=LIMIT)
    assert type(seen.error) is client.errors["connect timeout"]
    assert why(seen.error) == why(real.error)
    assert message(seen.error) == message(real.error)
    for one in (seen, real):
        assert seconds(client) - 0.02 < one.ended - one.began < seconds(client) + 5


@pytest.mark.parametrize("cause", ["connect", "pool"])
def test_at_instant_speed_the_error_comes_without_waiting(client: Client, path: Path, cause: str) -> None:
    """Neither a connect timeout nor a pool timeout is waited for."""
    with gemini_replay.replay(path, fault=f"timeout:{cause}", speed="instant"):
        seen = client.fetch(GOOGLE, connect=20.0)
    assert type(seen.error) is client.errors[f"{cause} timeout"]
    assert seen.ended - seen.began < 10


@pytest.mark.parametrize(
    "client", [one for one in EVERY_CLIENT if one.name not in ("requests", "urllib3")], ids=lambda client: client.name
)
def test_a_pool_without_a_free_connection(client: Client, path: Path) -> None:
    """The error comes after the client's own pool timeout, if it has one that is known."""
    with gemini_replay.replay(path, fault="timeout:pool"):
        seen = client.fetch(GOOGLE, connect=LIMIT)
    assert type(seen.error) is client.errors["pool timeout"]
    assert LIMIT - 0.02 < seen.ended - seen.began < LIMIT + 5


# -- pools that really have no connection left -----------------------------------------------------------------------


def httpx_pool(library: Any, url: str) -> BaseException:
    timeout = library.Timeout(10, pool=LIMIT)
    with library.Client(limits=library.Limits(max_connections=1), timeout=timeout, verify=False) as client:
        with client.stream("POST", url, json=ASK), pytest.raises(library.TransportError) as raised:
            client.post(url, json=ASK)
    return raised.value


def httpx_asyncio_pool(library: Any, url: str, run: Callable[..., Any] = asyncio.run) -> BaseException:
    async def main() -> BaseException:
        timeout, limits = library.Timeout(10, pool=LIMIT), library.Limits(max_connections=1)
        async with library.AsyncClient(limits=limits, timeout=timeout, verify=False) as client:
            async with client.stream("POST", url, json=ASK):
                with pytest.raises(library.TransportError) as raised:
                    await client.post(url, json=ASK)
        return raised.value

    found: BaseException = run(main()) if run is asyncio.run else run(main)
    return found


def httpcore_pool(url: str) -> BaseException:
    timeout = {"timeout": {"pool": LIMIT}}
    with httpcore.ConnectionPool(max_connections=1) as pool, pool.stream("POST", url, content=BODY):
        with pytest.raises(httpcore.TimeoutException) as raised:
            pool.request("POST", url, content=BODY, extensions=timeout)
    return raised.value


def httpcore_async_pool(url: str, run: Callable[..., Any]) -> BaseException:
    async def main() -> BaseException:
        timeout = {"timeout": {"pool": LIMIT}}
        async with httpcore.AsyncConnectionPool(max_connections=1) as pool:
            async with pool.stream("POST", url, content=BODY):
                with pytest.raises(httpcore.TimeoutException) as raised:
                    await pool.request("POST", url, content=BODY, extensions=timeout)
        return raised.value

    found: BaseException = run(main)
    return found


def aiohttp_pool(url: str) -> BaseException:
    async def main() -> BaseException:
        timeout = aiohttp.ClientTimeout(connect=LIMIT)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), timeout=timeout) as client:
            async with ask(client, url):
                with pytest.raises(aiohttp.ClientError) as raised:
                    await ask(client, url)
        return raised.value

    return asyncio.run(main())


def urllib3_pool(url: str) -> BaseException:
    with urllib3.PoolManager(maxsize=1, block=True) as client:
        first = client.request("POST", url, body=BODY, headers=HEADERS, preload_content=False)
        with pytest.raises(urllib3.exceptions.HTTPError) as raised:
            client.request("POST", url, body=BODY, headers=HEADERS, pool_timeout=LIMIT)
        first.close()
    return raised.value


def requests_pool(url: str) -> BaseException:
    """A session whose pools have a time limit, which requests itself does not offer."""

    class Impatient(requests.adapters.HTTPAdapter):
        def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
            pool = super().get_connection_with_tls_context(*args, **kwargs)
            original = type(pool)._get_conn
            pool._get_conn = lambda timeout=None: original(pool, LIMIT)
            return pool

    with requests.Session() as client:
        client.mount("http://", Impatient(pool_maxsize=1, pool_block=True))
        with client.post(url, json=ASK, stream=True), pytest.raises(Exception) as raised:  # noqa: PT011  # any at all
            client.post(url, json=ASK)
    return raised.value


POOLS: dict[str, Callable[[str], BaseException]] = {
    "httpx-sync": lambda url: httpx_pool(httpx, url),
    "httpx-asyncio": lambda url: httpx_asyncio_pool(httpx, url),
    "httpx-trio": lambda url: httpx_asyncio_pool(httpx, url, trio.run),
    "httpx2-sync": lambda url: httpx_pool(httpx2, url),
    "httpx2-asyncio": lambda url: httpx_asyncio_pool(httpx2, url),
    "httpx2-trio": lambda url: httpx_asyncio_pool(httpx2, url, trio.run),
    "httpcore-sync": httpcore_pool,
    "httpcore-asyncio": lambda url: httpcore_async_pool(url, lambda function: asyncio.run(function())),
    "httpcore-trio": lambda url: httpcore_async_pool(url, trio.run),
    "requests": requests_pool,
    "urllib3": urllib3_pool,
    "aiohttp": aiohttp_pool,
}


def test_a_pool_that_is_really_empty_raises_the_same(client: Client, path: Path) -> None:
    """A second request is made while the only connection is streaming."""
    if client.name not in POOLS:
        pytest.skip(f"{client.name} has no pool")
    with upstream.start(Scenario.from_chunks(events(2), gaps=[0.0, 5.0])) as server:
        real = POOLS[client.name](server.url + PATH)
    with gemini_replay.replay(path, fault="timeout:pool", speed="instant"):
        seen = client.fetch(GOOGLE)
    assert why(seen.error) == why(real)
    assert type(real) is client.errors["pool timeout"]


def test_urllib3s_pool_has_its_connection_back_afterwards(path: Path) -> None:
    """Otherwise a blocking pool would wait for its connection for ever."""
    answers: list[bytes] = []

    def twice() -> None:
        with urllib3.PoolManager(maxsize=1, block=True) as client:
            with pytest.raises(urllib3.exceptions.EmptyPoolError):
                client.request("POST", GOOGLE, body=BODY)
            answers.append(client.request("POST", GOOGLE, body=BODY).data)

    with gemini_replay.replay(path, fault="timeout:pool;once", speed="instant"):
        thread = threading.Thread(target=twice, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
    assert answers == [b"".join(events(3))]


def test_without_a_connect_timeout_aiohttp_gets_the_systems_error(path: Path) -> None:
    """The system gives up by itself, which is a connection error."""

    async def main() -> BaseException:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as client:
            with pytest.raises(aiohttp.ClientError) as raised:
                await ask(client)
        return raised.value

    with gemini_replay.replay(path, fault="timeout:connect", speed="instant"):
        error = asyncio.run(main())
    assert type(error) is aiohttp.ClientConnectorError
    assert isinstance(error.os_error, TimeoutError)


@pytest.mark.parametrize("fault", ["refuse", "tls", "timeout:connect", "timeout:pool"])
def test_aiohttps_connector_has_all_its_connections_afterwards(path: Path, fault: str) -> None:
    """A refused connection does not count against the connector's limit."""

    async def main() -> int:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as client:
            for _ in range(2):
                with pytest.raises(aiohttp.ClientError):
                    await ask(client)
            async with ask(client) as response:
                await response.read()
            assert client.connector is not None
            return len(client.connector._acquired)

    with gemini_replay.replay(path, fault=f"{fault};times=2", speed="instant"):
        assert asyncio.run(main()) == 0
