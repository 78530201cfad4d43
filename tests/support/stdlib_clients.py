"""http.client and urllib.request, as clients of `support.clients`."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from .clients import ASK, KEY, Client, Seen, decoder


def _headers(options: dict[str, Any]) -> dict[str, str]:
    return {"content-type": "application/json", **options.get("headers", {"x-goog-api-key": KEY})}


def _http_client(url: str, **options: Any) -> Seen:
    """What a connection sees. http.client decodes nothing; with `raw=False`, `_read` does."""
    seen, parts = Seen(), urlsplit(url)
    assert parts.hostname is not None
    # One time limit serves for connecting and for each read.
    limit = options.get("connect", options.get("timeout", 30.0))
    client: http.client.HTTPConnection
    if parts.scheme == "https":
        context = options.get("verify")
        client = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=limit, context=context)
    else:
        client = http.client.HTTPConnection(parts.hostname, parts.port, timeout=limit)
    seen.began = time.perf_counter()
    try:
        client.request("POST", f"{parts.path}?{parts.query}", json.dumps(options.get("json", ASK)), _headers(options))
        with client.getresponse() as response:
            _read(seen, response, options)
    except Exception as error:
        seen.error = error
    finally:
        client.close()
    seen.ended = time.perf_counter()
    return seen


def _urllib(url: str, **options: Any) -> Seen:
    seen = Seen()
    context = options.get("verify") or ssl.create_default_context()
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    body = json.dumps(options.get("json", ASK)).encode()
    request = urllib.request.Request(url, body, _headers(options))
    limit = options.get("connect", options.get("timeout", 30.0))
    seen.began = time.perf_counter()
    try:
        with opener.open(request, timeout=limit) as response:
            _read(seen, response, options)
    except urllib.error.HTTPError as response:
        with response:
            _read(seen, response, options)
    except Exception as error:
        seen.error = error
    seen.ended = time.perf_counter()
    return seen


def _read(seen: Seen, response: Any, options: dict[str, Any]) -> None:
    seen.headed = time.perf_counter()
    seen.status, seen.headers = response.status, {k.lower(): v for k, v in response.headers.items()}
    decoded = decoder(seen.headers, options)
    raw = response.fp if isinstance(response, urllib.error.HTTPError) else response
    while chunk := _chunk(raw):
        seen.times.append(time.perf_counter())
        seen.chunks.append(decoded(chunk))
        if options.get("consume"):
            time.sleep(options["consume"])
        if len(seen.chunks) == options.get("stop_after"):
            break


def _chunk(response: http.client.HTTPResponse) -> bytes:
    """One HTTP chunk, even if it takes several reads."""
    chunk = response.read1()
    while response.chunked and response.chunk_left:
        chunk += response.read1()
    return chunk


_ERRORS: dict[str, type[BaseException]] = {
    "reset": ConnectionResetError,
    "closed": http.client.IncompleteRead,
    "timeout": TimeoutError,
    "head reset": ConnectionResetError,
    "head closed": http.client.RemoteDisconnected,
    "head timeout": TimeoutError,
    "connect": ConnectionRefusedError,
    "tls": ssl.SSLCertVerificationError,
    "connect timeout": TimeoutError,
    "pool timeout": TimeoutError,
}
_WRAPPED = dict.fromkeys(("connect", "tls", "connect timeout", "pool timeout"), urllib.error.URLError)

CLIENTS = [
    Client("http.client", http.client, _http_client, _ERRORS),
    Client("urllib", urllib.request, _urllib, {**_ERRORS, **_WRAPPED}),
]
