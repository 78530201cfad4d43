"""aiohttp behind the face of `support.clients`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from support.clients import ASK, KEY, Seen


@dataclass(frozen=True)
class AiohttpClient:
    """What `support.clients.Client` is for httpx; `errors` names the exception for each way to fail."""

    name: str
    library: Any
    fetch: Callable[..., Seen]
    errors: Mapping[str, type[BaseException]] = field(default_factory=dict)

    @property
    def is_async(self) -> bool:
        return True


async def _fetch(url: str, options: dict[str, Any]) -> Seen:
    seen = Seen()
    consume, stop_after = options.get("consume", 0.0), options.get("stop_after")
    make = options.get("made") or aiohttp.ClientSession
    connector = aiohttp.TCPConnector(ssl=options["verify"]) if "verify" in options else None
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30.0, sock_read=options.get("timeout", 30.0))
    async with make(timeout=timeout, connector=connector, auto_decompress=not options.get("raw", True)) as client:
        seen.began = time.perf_counter()
        try:
            async with client.post(
                url, json=options.get("json", ASK), headers=options.get("headers", {"x-goog-api-key": KEY})
            ) as response:
                seen.headed = time.perf_counter()
                seen.status = response.status
                seen.headers = {name.lower(): value for name, value in response.headers.items()}
                async for chunk, _ in response.content.iter_chunks():
                    if not chunk:
                        continue  # only the news that an HTTP chunk is complete
                    seen.times.append(time.perf_counter())
                    seen.chunks.append(chunk)
                    if consume:
                        await asyncio.sleep(consume)
                    if stop_after is not None and len(seen.chunks) >= stop_after:
                        break
        except Exception as error:
            seen.error = error
        seen.ended = time.perf_counter()
    return seen


AIOHTTP = AiohttpClient(
    "aiohttp",
    aiohttp,
    lambda url, **options: asyncio.run(_fetch(url, options)),
    {
        "reset": aiohttp.ClientPayloadError,
        "closed": aiohttp.ClientPayloadError,
        "timeout": getattr(aiohttp, "SocketTimeoutError", aiohttp.ServerTimeoutError),  # the former since 3.10
        "connect": aiohttp.ClientConnectorError,
        "transport": aiohttp.ClientError,
    },
)
