"""requests and urllib3, as clients of `support.clients`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import requests.adapters
import urllib3

from .clients import ASK, KEY, Client, Seen


class _Adapter(requests.adapters.HTTPAdapter):
    """An adapter with a given TLS context, which requests itself does not accept."""

    def __init__(self, context: Any) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> Any:
        return super().init_poolmanager(*args, ssl_context=self._context, **kwargs)


def _requests(url: str, **options: Any) -> Seen:
    """What ``requests`` sees. `raw` makes no difference: reading always decodes, as in the code of its users."""
    seen = Seen()
    make = options.get("made") or requests.Session
    with make() as client:
        if "verify" in options:
            client.mount("https://", _Adapter(options["verify"]))
        with _watched(seen):
            with client.post(
                url,
                json=options.get("json", ASK),
                headers=options.get("headers", {"x-goog-api-key": KEY}),
                timeout=(options.get("connect", 30.0), options.get("timeout", 30.0)),
                stream=True,
            ) as response:
                seen.headed = time.perf_counter()
                seen.status, seen.headers = response.status_code, {k.lower(): v for k, v in response.headers.items()}
                _read(seen, response.iter_content(chunk_size=None), options)
    return seen


def _urllib3(url: str, **options: Any) -> Seen:
    seen = Seen()
    make = options.get("made") or urllib3.PoolManager
    tls = {"ssl_context": options["verify"]} if "verify" in options else {}
    timeout = urllib3.Timeout(connect=options.get("connect", 30.0), read=options.get("timeout", 30.0))
    with make(timeout=timeout, **tls) as client:
        with _watched(seen):
            response = client.request(
                "POST",
                url,
                body=json.dumps(options.get("json", ASK)).encode(),
                headers={"content-type": "application/json", **options.get("headers", {"x-goog-api-key": KEY})},
                preload_content=False,
            )
            seen.headed = time.perf_counter()
            seen.status, seen.headers = response.status, {k.lower(): v for k, v in response.headers.items()}
            try:
                _read(seen, response.stream(None, decode_content=not options.get("raw", True)), options)
            finally:
                response.close()
    return seen


@contextmanager
def _watched(seen: Seen) -> Iterator[None]:
    seen.began = time.perf_counter()
    try:
        yield
    except Exception as error:
        seen.error = error
    seen.ended = time.perf_counter()


def _read(seen: Seen, chunks: Iterator[bytes], options: dict[str, Any]) -> None:
    for chunk in chunks:
        seen.times.append(time.perf_counter())
        seen.chunks.append(chunk)
        if options.get("consume"):
            time.sleep(options["consume"])
        if options.get("stop_after") is not None and len(seen.chunks) >= options["stop_after"]:
            break


REQUESTS = Client(
    "requests",
    requests,
    _requests,
    errors={
        "reset": requests.exceptions.ChunkedEncodingError,
        "closed": requests.exceptions.ChunkedEncodingError,
        "timeout": requests.exceptions.ConnectionError,
        "head reset": requests.exceptions.ConnectionError,
        "head closed": requests.exceptions.ConnectionError,
        "head timeout": requests.exceptions.ReadTimeout,
        "connect": requests.exceptions.ConnectionError,
        "tls": requests.exceptions.SSLError,
        "connect timeout": requests.exceptions.ConnectTimeout,
        "pool timeout": urllib3.exceptions.EmptyPoolError,  # requests does not wrap it
    },
)

URLLIB3 = Client(
    "urllib3",
    urllib3,
    _urllib3,
    errors={
        "reset": urllib3.exceptions.ProtocolError,
        "closed": urllib3.exceptions.ProtocolError,
        "timeout": urllib3.exceptions.ReadTimeoutError,
        "head reset": urllib3.exceptions.ProtocolError,
        "head closed": urllib3.exceptions.ProtocolError,
        "head timeout": urllib3.exceptions.ReadTimeoutError,
        "connect": urllib3.exceptions.MaxRetryError,
        "tls": urllib3.exceptions.MaxRetryError,
        "connect timeout": urllib3.exceptions.MaxRetryError,
        "pool timeout": urllib3.exceptions.EmptyPoolError,
    },
)

CLIENTS = [REQUESTS, URLLIB3]
