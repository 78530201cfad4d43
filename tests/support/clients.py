"""One interface for all clients, and httpx and httpx2: ask, read the raw chunks as they come, say what was seen."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
import httpx2
import trio

KEY = "test-key-0123456789-abcdefghijklmnopqrs"
TIMEOUT = 0.6
"""A read timeout in seconds, for tests that wait for it. A busy machine sends within it what is due."""
ASK = {"contents": [{"role": "user", "parts": [{"text": "给我讲一个关于月亮的小故事。"}]}]}


@dataclass
class Seen:
    """What a client saw of one response. Times are of `time.perf_counter`."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    began: float = 0.0
    headed: float = 0.0
    error: BaseException | None = None
    ended: float = 0.0

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)


@dataclass(frozen=True)
class Client:
    """One client: `fetch(url)` posts `ASK` and reads the answer.

    The options of `fetch`: `json` and `headers` of the request; `consume`, seconds of work per chunk; `stop_after`,
    the number of chunks after which the client closes the response; `timeout`, its read timeout; `connect`, its limit
    for getting a connection; `raw`, the wire's bytes instead of decoded ones; `verify`, the TLS setting; `made`, a
    function that builds the client.

    Attributes:
        errors: what the library raises for each ending in mid-stream ("reset", "closed", "timeout"), for the same
            endings before the head ("head reset" …), for a connection that is refused ("connect"), for a certificate
            that is not trusted ("tls"), and for the time limits of connecting and of the pool.
    """

    name: str
    library: Any
    fetch: Callable[..., Seen]
    errors: Mapping[str, type[BaseException]]
    is_async: bool = False


def _sync(library: Any) -> Callable[..., Seen]:
    def fetch(url: str, **options: Any) -> Seen:
        seen = Seen()
        consume, stop_after = options.get("consume", 0.0), options.get("stop_after")
        make = options.get("made") or library.Client
        timeout = _timeout(library, options)
        with make(timeout=timeout, **_verify(options)) as client:
            seen.began = time.perf_counter()
            try:
                with client.stream("POST", url, json=options.get("json", ASK), headers=_headers(options)) as response:
                    seen.headed = time.perf_counter()
                    seen.status, seen.headers = response.status_code, dict(response.headers)
                    reader = response.iter_raw() if options.get("raw", True) else response.iter_bytes()
                    for chunk in reader:
                        seen.times.append(time.perf_counter())
                        seen.chunks.append(chunk)
                        if consume:
                            time.sleep(consume)
                        if stop_after is not None and len(seen.chunks) >= stop_after:
                            break
            except Exception as error:
                seen.error = error
            seen.ended = time.perf_counter()
        return seen

    return fetch


def _async(library: Any, run: Callable[..., Any]) -> Callable[..., Seen]:
    async def fetch(url: str, options: dict[str, Any]) -> Seen:
        seen = Seen()
        consume, stop_after = options.get("consume", 0.0), options.get("stop_after")
        make = options.get("made") or library.AsyncClient
        timeout = _timeout(library, options)
        async with make(timeout=timeout, **_verify(options)) as client:
            seen.began = time.perf_counter()
            try:
                async with client.stream(
                    "POST", url, json=options.get("json", ASK), headers=_headers(options)
                ) as response:
                    seen.headed = time.perf_counter()
                    seen.status, seen.headers = response.status_code, dict(response.headers)
                    reader = response.aiter_raw() if options.get("raw", True) else response.aiter_bytes()
                    async for chunk in reader:
                        seen.times.append(time.perf_counter())
                        seen.chunks.append(chunk)
                        if consume:
                            await anyio.sleep(consume)
                        if stop_after is not None and len(seen.chunks) >= stop_after:
                            break
            except Exception as error:
                seen.error = error
            seen.ended = time.perf_counter()
        return seen

    return lambda url, **options: run(fetch, url, options)


def _headers(options: dict[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = options.get("headers", {"x-goog-api-key": KEY})
    return headers


def _timeout(library: Any, options: dict[str, Any]) -> Any:
    connect = options.get("connect", 30.0)
    return library.Timeout(30.0, read=options.get("timeout", 30.0), connect=connect, pool=connect)


def _verify(options: dict[str, Any]) -> dict[str, Any]:
    return {"verify": options["verify"]} if "verify" in options else {}


def _asyncio(function: Callable[..., Any], *args: Any) -> Any:
    return asyncio.run(function(*args))


def decoder(headers: Mapping[str, str], options: Mapping[str, Any]) -> Callable[[bytes], bytes]:
    """A function that decodes each piece of a gzip body if `raw=False` asks for it; otherwise it changes nothing."""
    if options.get("raw", True) or headers.get("content-encoding") != "gzip":
        return bytes
    return zlib.decompressobj(wbits=31).decompress


def errors_of(library: Any) -> dict[str, type[BaseException]]:
    """What httpx, httpx2 or httpcore raises for each failure."""
    return {
        "reset": library.ReadError,
        "closed": library.RemoteProtocolError,
        "timeout": library.ReadTimeout,
        "head reset": library.ReadError,
        "head closed": library.RemoteProtocolError,
        "head timeout": library.ReadTimeout,
        "connect": library.ConnectError,
        "tls": library.ConnectError,
        "connect timeout": library.ConnectTimeout,
        "pool timeout": library.PoolTimeout,
    }


CLIENTS = [
    Client(f"{library.__name__}-{flavour}", library, fetch, errors_of(library), flavour != "sync")
    for library in (httpx, httpx2)
    for flavour, fetch in (
        ("sync", _sync(library)),
        ("asyncio", _async(library, _asyncio)),
        ("trio", _async(library, trio.run)),
    )
]
"""httpx and httpx2; `support.every_client` has the others as well."""

__all__ = ["ASK", "CLIENTS", "KEY", "Client", "Seen", "decoder", "errors_of"]
