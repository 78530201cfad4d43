"""httpcore without httpx, as clients of `support.clients`."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import anyio
import httpcore
import trio

from .clients import ASK, KEY, Client, Seen, decoder, errors_of


def _asked(url: str, options: dict[str, Any]) -> dict[str, Any]:
    connect = options.get("connect", 30.0)
    headers = {"content-type": "application/json", **options.get("headers", {"x-goog-api-key": KEY})}
    limits = {"connect": connect, "pool": connect, "read": options.get("timeout", 30.0), "write": 30.0}
    return {
        "method": "POST",
        "url": url,
        "headers": headers,
        "content": json.dumps(options.get("json", ASK)).encode(),
        "extensions": {"timeout": limits},
    }


def _pool(make: Any, options: dict[str, Any]) -> Any:
    make = options.get("made") or make
    return make(ssl_context=options["verify"]) if "verify" in options else make()


def _head(seen: Seen, response: Any, options: dict[str, Any]) -> Callable[[bytes], bytes]:
    seen.headed = time.perf_counter()
    seen.status = response.status
    seen.headers = {name.decode("ascii").lower(): value.decode("latin-1") for name, value in response.headers}
    return decoder(seen.headers, options)


def _sync(url: str, **options: Any) -> Seen:
    """What a connection pool sees. httpcore decodes nothing; with `raw=False`, this function does."""
    seen = Seen()
    with _pool(httpcore.ConnectionPool, options) as pool:
        seen.began = time.perf_counter()
        try:
            with pool.stream(**_asked(url, options)) as response:
                decoded = _head(seen, response, options)
                for chunk in response.iter_stream():
                    seen.times.append(time.perf_counter())
                    seen.chunks.append(decoded(chunk))
                    if options.get("consume"):
                        time.sleep(options["consume"])
                    if len(seen.chunks) == options.get("stop_after"):
                        break
        except Exception as error:
            seen.error = error
        seen.ended = time.perf_counter()
    return seen


def _async(run: Callable[..., Any]) -> Callable[..., Seen]:
    async def fetch(url: str, options: dict[str, Any]) -> Seen:
        seen = Seen()
        async with _pool(httpcore.AsyncConnectionPool, options) as pool:
            seen.began = time.perf_counter()
            try:
                async with pool.stream(**_asked(url, options)) as response:
                    decoded = _head(seen, response, options)
                    async for chunk in response.aiter_stream():
                        seen.times.append(time.perf_counter())
                        seen.chunks.append(decoded(chunk))
                        if options.get("consume"):
                            await anyio.sleep(options["consume"])
                        if len(seen.chunks) == options.get("stop_after"):
                            break
            except Exception as error:
                seen.error = error
            seen.ended = time.perf_counter()
        return seen

    return lambda url, **options: run(fetch, url, options)


CLIENTS = [
    Client("httpcore-sync", httpcore, _sync, errors_of(httpcore)),
    Client(
        "httpcore-asyncio",
        httpcore,
        _async(lambda function, *args: asyncio.run(function(*args))),
        errors_of(httpcore),
        is_async=True,
    ),
    Client("httpcore-trio", httpcore, _async(trio.run), errors_of(httpcore), is_async=True),
]
