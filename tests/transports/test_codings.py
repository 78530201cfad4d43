"""Compressed bodies, also odd and broken ones: on replay, each client gets what it got live.

"Live" means a server without a session. The replayed cassette holds the same chunks as the recorder decodes them.
"""

from __future__ import annotations

import gzip
import importlib
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.cassettes import recorded, streaming
from support.clients import Client, Seen
from support.every_client import EVERY_CLIENT
from support.raw_server import LAST, Answer, chunked, head, raw_server
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay.cassette.model import Chunk, End, Interaction
from gemini_replay.engine.coding import content_decoder

A, B, C = events(3)
LONG = json.dumps([f"{n * n:x}" for n in range(400)]).encode()
CLIENTS = [client for client in EVERY_CLIENT if client.name in {"httpx-sync", "httpx2-sync", "requests", "aiohttp"}]
GAP = 0.02
"""Seconds between two chunks, so that a client reads each by itself."""


def zstd(data: bytes) -> bytes:
    for name in filter(installed, ("compression.zstd", "backports.zstd")):
        return bytes(importlib.import_module(name).compress(data))
    return bytes(pytest.importorskip("zstandard").compress(data))


def member(coding: str) -> Callable[[bytes], bytes]:
    """A function that makes one complete member of a coding."""
    if coding == "br":
        return lambda data: bytes(pytest.importorskip("brotli").compress(data, quality=5))
    return {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "deflate-raw": lambda data: zlib.compress(data, wbits=-15),
        "zstd": zstd,
    }[coding]


def spoiled(data: bytes) -> bytes:
    """The data with its middle overwritten."""
    at = len(data) // 2
    return data[:at] + b"\xff" * 16 + data[at + 16 :]


BODIES: dict[str, Callable[[Callable[[bytes], bytes]], list[bytes]]] = {
    "one member": lambda m: [m(A + B)],
    "one member in pieces": lambda m: [m(A + B)[:20], m(A + B)[20:-3], m(A + B)[-3:]],
    "a member for each chunk": lambda m: [m(A), m(B), m(C)],
    "several members in a chunk": lambda m: [m(A) + m(B), m(C)],
    "a member across chunks": lambda m: [m(A) + m(B)[:9], m(B)[9:] + m(C)],
    "empty members": lambda m: [m(b"") + m(A), m(b""), m(B) + m(b"")],
    "only an empty member": lambda m: [m(b"")],
    "garbage after the end": lambda m: [m(A) + b"garbage" + m(B)],
    "garbage in later chunks": lambda m: [m(A), b"garbage", b"more of it"],
    "zeros after the end": lambda m: [m(A) + bytes(20), m(B)],
    "plain text": lambda m: [A, B],
    "a little plain text": lambda m: [b"no"],
    "cut off": lambda m: [m(LONG)[:400], m(LONG)[400:-12]],
    "cut off in its head": lambda m: [m(A)[:3]],
    "a corrupt chunk": lambda m: [m(LONG)[:800], spoiled(m(LONG)[800:])],
    "corrupt in one long chunk": lambda m: [spoiled(m(LONG))],
    "corrupt in the second member": lambda m: [m(A), spoiled(m(LONG)), m(C)],
    "a false checksum": lambda m: [m(LONG)[:800], m(LONG)[800:-8] + b"\x00" * 8],
}


UNFINISHED = {"cut off", "cut off in its head", "a false checksum"}


def chunks_of(coding: str, wire: list[bytes], gap: float) -> Interaction:
    """The recording of a body that came in these chunks, with this gap before each."""
    decode = content_decoder(coding)
    assert decode is not None
    chunks = []
    for data in wire:
        found = decode.decode(data)
        chunks.append(Chunk(gap, found.data, found.members, found.coded))
    how = "unfinished" if decode.unfinished else None
    if rest := decode.close():
        chunks.append(Chunk(0.0, b"", coded=rest))
        how = None
    made = replace(streaming(end=End("eof", how=how)), chunks=tuple(chunks))
    assert made.response is not None
    headers = (("content-type", "text/event-stream"), ("content-encoding", coding))
    return replace(made, response=replace(made.response, headers=headers, body="decoded"))


def outcome(seen: Seen) -> tuple[bytes, str]:
    return seen.body, type(seen.error).__name__


def decodes(client: Client, coding: str) -> bool:
    """Whether the client can decode it in this environment."""
    if coding == "br":
        return installed("brotli")
    if coding == "zstd" and client.name.startswith("httpx-"):
        return "zstd" in client.library._decoders.SUPPORTED_DECODERS  # not before 0.27.1, nor without zstandard
    return coding != "zstd" or installed("compression.zstd") or installed("backports.zstd")


def installed(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "deflate-raw", "br", "zstd"])
@pytest.mark.parametrize("body", BODIES)
def test_a_client_gets_on_replay_what_it_got_live(client: Client, coding: str, body: str, tmp_path: Path) -> None:
    """It gets the same bytes and the same error, whatever is wrong with the coding."""
    name = coding.removesuffix("-raw")
    if not decodes(client, name):
        pytest.skip(f"{client.name} cannot decode {name} here")
    if client.name == "aiohttp" and name == "deflate" and body in UNFINISHED:
        pytest.skip("aiohttp waits for ever for the end of such a body")
    wire = BODIES[body](member(coding))
    asked = {"headers": {"accept-encoding": name}, "raw": False}
    start = head("200 OK", "transfer-encoding: chunked", f"content-encoding: {name}")
    gap = 0.06 if client.name == "aiohttp" else GAP  # it drops unread bytes when it meets an error
    with raw_server(Answer([(0.0, start), *((gap, chunked(data)) for data in wire), (gap, LAST)])) as server:
        live = client.fetch(server.url + PATH, **asked)
    path = recorded(tmp_path / "story.jsonl", chunks_of(name, wire, gap))
    with gemini_replay.replay(path):
        again = client.fetch(GOOGLE, **asked)
    assert outcome(again) == outcome(live)
