"""Memory while a large stream is recorded, for each client and in the recording proxy.

The figure is the growth of the peak of resident memory, after a small recording of the same kind. The stream comes
from a server in a process of its own. Each cassette must hold what was sent, byte for byte.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting, at_most
from benchmarks.large_stream import ask, holds
from benchmarks.story import GOOGLE, PATH

SMALL = 1_000_000
MOST = 30
"""MB that recording may need, however large the stream is."""


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """The clients, then the proxy."""
    size = 4_000_000 if setting.quick else 300_000_000
    limit = "Nothing that was written is kept; what is read ahead of a slow consumer is bounded."
    yield Benchmark(
        f"Recording {size // 1_000_000} MB",
        "MB",
        [Contestant(name, _client(setting, name, size), targets=[at_most(MOST)]) for name in CLIENTS],
        measures="memory",
        expected=True,
        rounds=1,
        limit=limit,
    )
    yield Benchmark(
        f"Recording {size // 1_000_000} MB through the proxy",
        "MB",
        [Contestant("gemini-replay record", _proxy(setting, size), targets=[at_most(MOST)])],
        measures="reading",
        expected=True,
        rounds=1,
        limit=limit,
    )


def _upstream(setting: Setting) -> str:
    from support.processes import announced

    command = [sys.executable, "-m", "benchmarks.large_stream"]
    _, url = setting.closing.enter_context(announced(command))
    return str(url)


def _client(setting: Setting, name: str, size: int) -> Callable[[], Run]:
    def prepare() -> Run:
        import gemini_replay

        upstream, fetch, path = _upstream(setting), CLIENTS[name], setting.folder / f"{name}.jsonl"
        with gemini_replay.record(path, upstream=upstream):
            fetch(GOOGLE, SMALL)

        def run() -> bool:
            with gemini_replay.record(path, upstream=upstream):
                assert fetch(GOOGLE, size) >= size
            return holds(path, size)

        return run

    return prepare


def _proxy(setting: Setting, size: int) -> Callable[[], Run]:
    def prepare() -> Run:
        from support.processes import listening

        upstream, path = _upstream(setting), setting.folder / "proxy.jsonl"

        def run() -> Reading:
            path.unlink(missing_ok=True)
            with listening("record", path, "--upstream", upstream, "--listen", "127.0.0.1:0") as (process, url):
                _raw(url, SMALL)
                base = _peak(process.pid)
                began = time.perf_counter()
                _raw(url, size)
                took = time.perf_counter() - began
                process.send_signal(signal.SIGINT)
                growth = 0.0
                while process.poll() is None:
                    growth = max(growth, _peak(process.pid) - base)
                    time.sleep(0.02)
                assert process.returncode == 0, "the proxy's recording failed"
            return Reading(holds(path, SMALL, size), growth, {"MB/s": size / 1e6 / took})

        return run

    return prepare


def _peak(process: int) -> float:
    """The largest resident size that a process has had, in MB (Linux); 0 once it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    _, found, rest = status.partition("VmHWM:")
    return int(rest.split()[0]) * 1024 / 1e6 if found else 0.0


def _raw(url: str, size: int) -> None:
    """Ask by a bare socket."""
    parts, body = urlsplit(url), ask(size)
    head = f"POST {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 80)) as connection:
        connection.sendall(head.encode() + body)
        count, tail = 0, b""
        while not tail.endswith(b"0\r\n\r\n") and (data := connection.recv(1 << 18)):
            count += len(data)
            tail = (tail + data)[-16:]
    assert count > size


def _httpx(url: str, size: int, library: str = "httpx") -> int:
    client = __import__(library)
    with client.stream("POST", url, content=ask(size), timeout=60) as response:
        return sum(len(data) for data in response.iter_raw())


async def _ahttpx(url: str, size: int) -> int:
    import httpx

    count = 0
    async with httpx.AsyncClient(timeout=60) as client, client.stream("POST", url, content=ask(size)) as response:
        async for data in response.aiter_raw():
            count += len(data)
    return count


def _trio(url: str, size: int) -> int:
    import trio

    return trio.run(_ahttpx, url, size)


def _requests(url: str, size: int) -> int:
    import requests

    with requests.post(url, data=ask(size), stream=True, timeout=60) as response:
        return sum(len(data) for data in response.iter_content(None))


def _urllib3(url: str, size: int) -> int:
    import urllib3

    response = urllib3.request("POST", url, body=ask(size), preload_content=False, timeout=60)
    return sum(len(data) for data in response.stream())


async def _aiohttp(url: str, size: int) -> int:
    import aiohttp

    count = 0
    async with aiohttp.ClientSession() as client, client.post(url, data=ask(size)) as response:
        async for data in response.content.iter_any():
            count += len(data)
    return count


CLIENTS: dict[str, Callable[[str, int], int]] = {
    "httpx": _httpx,
    "httpx-asyncio": lambda url, size: asyncio.run(_ahttpx(url, size)),
    "httpx-trio": _trio,
    "httpx2": lambda url, size: _httpx(url, size, "httpx2"),
    "requests": _requests,
    "urllib3": _urllib3,
    "aiohttp": lambda url, size: asyncio.run(_aiohttp(url, size)),
}
