"""What recording a large stream costs in memory and time, per client and in the recording proxy.

    python benchmarks/recording_memory.py [--megabytes 300] [--clients requests,aiohttp,…]

Each client runs in a process of its own, against a server in another one that makes the bytes as it sends them:
events of 1.4 KB in HTTP chunks of about 64 KB. Memory is the growth of the process's peak after a small recording
of the same kind. Each cassette is then compared with what was sent, byte for byte.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

PATH = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
URL = f"https://generativelanguage.googleapis.com{PATH}"
TEXT = "The moon keeps its distance, and tonight it is 384,400 km. 月亮很远。" * 17
PER_CHUNK = 46
SMALL = 1_000_000


# -- the stream ------------------------------------------------------------------------------------------------------


def chunks(size: int) -> Iterator[bytes]:
    """A stream of at least `size` bytes, as its server flushes it."""
    sent = number = 0
    while sent < size:
        events = (
            f'data: {{"candidates":[{{"content":{{"parts":[{{"text":"{n} {TEXT}"}}]}},"index":0}}]}}\r\n\r\n'
            for n in range(number, number + PER_CHUNK)
        )
        data = "".join(events).encode()
        number += PER_CHUNK
        sent += len(data)
        yield data


def serve() -> None:
    """Answer each request with a stream as long as its body asks for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=[connection], daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        while True:
            data = b""
            while not data.endswith(b"}"):
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            size = json.loads(data.partition(b"\r\n\r\n")[2])["size"]
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.sendall(head)
            for chunk in chunks(size):
                connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            connection.sendall(b"0\r\n\r\n")


# -- the clients -----------------------------------------------------------------------------------------------------


def _httpx(url: str, size: int, library: str = "httpx") -> int:
    client = __import__(library)
    with client.stream("POST", url, content=_ask(size), timeout=60) as response:
        return sum(len(data) for data in response.iter_raw())


async def _ahttpx(url: str, size: int) -> int:
    import httpx

    count = 0
    async with httpx.AsyncClient(timeout=60) as client, client.stream("POST", url, content=_ask(size)) as response:
        async for data in response.aiter_raw():
            count += len(data)
    return count


def _trio(url: str, size: int) -> int:
    import trio

    return trio.run(_ahttpx, url, size)


def _requests(url: str, size: int) -> int:
    import requests

    with requests.post(url, data=_ask(size), stream=True, timeout=60) as response:
        return sum(len(data) for data in response.iter_content(None))


def _urllib3(url: str, size: int) -> int:
    import urllib3

    response = urllib3.request("POST", url, body=_ask(size), preload_content=False, timeout=60)
    return sum(len(data) for data in response.stream())


async def _aiohttp(url: str, size: int) -> int:
    import aiohttp

    count = 0
    async with aiohttp.ClientSession() as client, client.post(url, data=_ask(size)) as response:
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


def _ask(size: int) -> bytes:
    return json.dumps({"size": size}).encode()


# -- measuring -------------------------------------------------------------------------------------------------------


def peak(process: int | str = "self") -> float:
    """The largest resident size that a process has had so far, in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(name: str, upstream: str, size: int, folder: Path) -> None:
    """In a process of its own: one client without and with recording."""
    import gemini_replay

    fetch = CLIENTS[name]
    plain = _timed(lambda: fetch(upstream + PATH, size // 4)) * 4
    with gemini_replay.record(folder / "small.jsonl", upstream=upstream):
        fetch(URL, SMALL)
    base = peak()
    began = time.perf_counter()
    with gemini_replay.record(folder / "large.jsonl", upstream=upstream):
        streamed = _timed(lambda: fetch(URL, size))
    took = time.perf_counter() - began
    print(json.dumps({"growth": peak() - base, "plain": plain, "streamed": streamed, "took": took}))


def _timed(call: Callable[[], int]) -> float:
    began = time.perf_counter()
    assert call()
    return time.perf_counter() - began


def measure_proxy(upstream: str, size: int, folder: Path) -> dict[str, float]:
    """The recording proxy, asked by a bare socket."""
    command = [sys.executable, "-m", "gemini_replay", "record", str(folder / "large.jsonl"), "--upstream", upstream]
    proxy = subprocess.Popen([*command, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        assert proxy.stdout is not None
        url = proxy.stdout.readline().split()[-1]
        plain = _timed(lambda: _raw(upstream, size // 4)) * 4
        _raw(url, SMALL)
        base = peak(proxy.pid)
        began = time.perf_counter()
        streamed = _timed(lambda: _raw(url, size))
    finally:
        proxy.send_signal(signal.SIGINT)
        _, status, usage = os.wait4(proxy.pid, 0)
    took = time.perf_counter() - began
    assert os.waitstatus_to_exitcode(status) == 0, "the proxy's recording failed"
    return {"growth": usage.ru_maxrss / 1024 - base, "plain": plain, "streamed": streamed, "took": took}


def _raw(url: str, size: int) -> int:
    parts = urlsplit(url)
    body = _ask(size)
    head = f"POST {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 80)) as connection:
        connection.sendall(head.encode() + body)
        count, tail = 0, b""
        while not tail.endswith(b"0\r\n\r\n") and (data := connection.recv(1 << 18)):
            count += len(data)
            tail = (tail + data)[-16:]
    assert count > size
    return count


def compare(cassette: Path, *sizes: int) -> None:
    """Check that a cassette holds these streams and nothing else."""
    sent, kept = hashlib.sha256(), hashlib.sha256()
    for size in sizes:
        for chunk in chunks(size):
            sent.update(chunk)
    with cassette.open("rb") as lines:
        for line in lines:
            if line.startswith(b"["):
                for part in json.loads(line)[1:]:
                    if isinstance(part, str):
                        kept.update(part.encode())
                    elif "hex" in part:
                        kept.update(bytes.fromhex(part["hex"]))
                    else:
                        kept.update(base64.b64decode(part["b64"]))
    assert kept.digest() == sent.digest(), f"{cassette} does not hold what was sent"


def run(name: str, upstream: str, size: int) -> dict[str, float]:
    """Measure one client, and compare its cassette with what was sent."""
    with tempfile.TemporaryDirectory() as folder:
        if name == "proxy":
            found = measure_proxy(upstream, size, Path(folder))
            compare(Path(folder) / "large.jsonl", SMALL, size)
            return found
        command = [sys.executable, __file__, "--one", name, upstream, str(size), folder]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        compare(Path(folder) / "large.jsonl", size)
        result: dict[str, float] = json.loads(ran.stdout)
        return result


def main() -> None:
    """Print one row for each client."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--clients", default=",".join([*CLIENTS, "proxy"]))
    options = parser.parse_args()
    size = options.megabytes * 1_000_000
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        upstream = server.stdout.readline().strip()
        print(f"a stream of {options.megabytes} MB: growth of the peak of memory, and MB/s")
        print(f"{'client':15}{'growth':>10}{'plain':>10}{'recorded':>10}{'and saved':>11}")
        for name in options.clients.split(","):
            found = run(name, upstream, size)
            rates = [size / 1e6 / found[key] for key in ("plain", "streamed", "took")]
            print(f"{name:15}{found['growth']:7.1f} MB{rates[0]:10.0f}{rates[1]:10.0f}{rates[2]:11.0f}", flush=True)
    finally:
        server.kill()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve()
    elif sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5]))
    else:
        main()
