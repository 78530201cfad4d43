"""Whatever fails inside recording, the client gets the live response to its true end, and the session fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.clients import TIMEOUT
from support.every_client import EVERY_CLIENT
from support.processes import python
from support.raw_server import CHUNKED, LAST, Answer, RawServer, chunked, raw_server
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import http1
from gemini_replay.errors import GeminiReplayError
from gemini_replay.http1 import Unframer
from gemini_replay.transports import (
    aiohttp_connect,
    aiohttp_record,
    async_read_ahead,
    httpcore,
    httpx_exchange,
    httpx_family,
    sockets,
)
from gemini_replay.transports import urllib3 as urllib3_transport

CHUNKS = events(12)
PIECES = [(0.005, chunked(chunk)) for chunk in CHUNKS]


@pytest.fixture
def whole() -> Iterator[RawServer]:
    with raw_server(Answer([(0.0, CHUNKED), *PIECES, (0.0, LAST)])) as server:
        yield server


@pytest.fixture
def reset() -> Iterator[RawServer]:
    with raw_server(Answer([(0.0, CHUNKED), *PIECES[:3], (0.05, b"")], end="reset")) as server:
        yield server


def raises(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("a bug of ours")


def no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "gemini-replay-reader":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


def no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_read_ahead, "_spawn", raises)


def no_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx_exchange, "_interrupt", raises)


def no_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiohttp_record, "_watched", raises)


def no_watch(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setattr(aiohttp_record._Watch, name, raises)


def no_unframing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Unframer, "feed", raises)


def no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "_Incoming", raises)


FAMILY = ("httpx", "httpx2", "httpcore")
SYNC_HTTPX = {f"{library}-sync" for library in FAMILY}
ASYNC_HTTPX = {f"{library}-{flavour}" for library in FAMILY for flavour in ("asyncio", "trio")}
SOCKETS = {"requests", "urllib3", "http.client", "urllib"}

BUGS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], set[str]]] = {
    "no thread can be started": (no_thread, SYNC_HTTPX | SOCKETS),
    "no task can be started": (no_task, ASYNC_HTTPX),
    "the socket is not found": (no_interrupt, SYNC_HTTPX),
    "no file for the client": (no_file, SOCKETS),
    "unframing": (no_unframing, SOCKETS),
    "no class for the watch": (no_class, {"aiohttp"}),
    "the watch of the head": (no_watch("head"), {"aiohttp"}),
    "the watch of a chunk": (no_watch("chunk"), {"aiohttp"}),
    "the watch of the end": (no_watch("end"), {"aiohttp"}),
}
CASES = [pytest.param(bug, name, id=f"{bug}-{name}") for bug, (_, names) in BUGS.items() for name in sorted(names)]
BY_NAME = {client.name: client for client in EVERY_CLIENT}


@pytest.mark.parametrize(("bug", "name"), CASES)
def test_a_bug_between_the_client_and_the_wire_is_the_recordings_failure(
    bug: str, name: str, path: Path, whole: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client reads the whole answer chunk by chunk, the block raises, and no cassette is written."""
    BUGS[bug][0](monkeypatch)
    with pytest.raises(GeminiReplayError), gemini_replay.record(path, upstream=whole.url):
        seen = BY_NAME[name].fetch(GOOGLE, timeout=20)
    assert (seen.error, seen.status) == (None, 200)
    assert seen.body == b"".join(CHUNKS)
    assert len(whole.requests) == 1
    assert not path.exists()


@pytest.mark.parametrize(("bug", "name"), CASES)
def test_with_a_bug_of_ours_the_client_still_gets_the_wires_error(
    bug: str, name: str, path: Path, reset: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes after the chunks before it."""
    client = BY_NAME[name]
    BUGS[bug][0](monkeypatch)
    with pytest.raises(GeminiReplayError), gemini_replay.record(path, upstream=reset.url):
        seen = client.fetch(GOOGLE, timeout=20)
    assert type(seen.error) is client.errors["reset"]
    assert seen.chunks == CHUNKS[:3]


@pytest.mark.parametrize("name", sorted(SYNC_HTTPX | ASYNC_HTTPX))
def test_a_request_that_cannot_be_copied_is_sent_unchanged(
    name: str, path: Path, whole: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client reads the whole answer, and the recording fails."""
    monkeypatch.setattr(httpx_family.Family, "outgoing", raises)
    monkeypatch.setattr(httpcore.Core, "outgoing", raises)
    with pytest.raises(GeminiReplayError, match="a bug of ours"), gemini_replay.record(path):
        seen = BY_NAME[name].fetch(whole.url + PATH, timeout=20)
    assert (seen.error, seen.body) == (None, b"".join(CHUNKS))
    assert len(whole.requests) == 1
    assert not path.exists()


@pytest.mark.parametrize("name", sorted(SYNC_HTTPX | ASYNC_HTTPX | {"aiohttp", "urllib3", "requests"}))
def test_a_request_that_cannot_be_sent_to_the_upstream_is_not_sent(
    name: str, path: Path, whole: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not go to the server that the client named either. The recording fails at once."""
    monkeypatch.setattr(httpx_family.Family, "outgoing", raises)
    monkeypatch.setattr(httpcore.Core, "outgoing", raises)
    monkeypatch.setattr(aiohttp_connect, "_route", raises)
    monkeypatch.setattr(urllib3_transport, "_connection", raises)
    with pytest.raises(GeminiReplayError, match="a bug of ours"):
        with gemini_replay.record(path, upstream="http://127.0.0.1:9", hosts=None) as session:
            seen = BY_NAME[name].fetch(whole.url + PATH, timeout=20)
            assert len(session.problems) == 1
    assert isinstance(seen.error, ZeroDivisionError)
    assert not whole.requests
    assert not path.exists()


def test_the_read_timeout_is_kept_where_reading_ahead_cannot_be_set_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's timeout is not changed before reading ahead is set up."""
    no_thread(monkeypatch)
    no_task(monkeypatch)
    for client in EVERY_CLIENT:
        if client.name == "aiohttp":
            continue
        with raw_server(Answer([(0.0, CHUNKED), PIECES[0], (30.0, LAST)])) as server:
            with pytest.raises(GeminiReplayError), gemini_replay.record(path, upstream=server.url):
                seen = client.fetch(GOOGLE, timeout=TIMEOUT)
        assert type(seen.error) is client.errors["timeout"], client.name
        assert seen.chunks == CHUNKS[:1]


@pytest.mark.parametrize("kind", ["sockets", "httpx"])
def test_a_failure_to_classify_an_end_fails_the_recording(
    kind: str, path: Path, reset: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client still gets the wire's error."""
    owner: Any = sockets if kind == "sockets" else httpx_family.Family
    monkeypatch.setattr(owner, "classify", raises)
    for client in EVERY_CLIENT:
        if client.name in (SOCKETS if kind == "sockets" else SYNC_HTTPX | ASYNC_HTTPX):
            with pytest.raises(GeminiReplayError), gemini_replay.record(path, upstream=reset.url):
                seen = client.fetch(GOOGLE, timeout=20)
            assert type(seen.error) is client.errors["reset"], client.name
            assert not path.exists()


_FULL = """
import json, resource, signal, sys
from pathlib import Path
from support.every_client import EVERY_CLIENT
from support.streams import GOOGLE
import gemini_replay
from gemini_replay.errors import GeminiReplayError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.dont_write_bytecode = True
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

def room(count):
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))

url, moment = sys.argv[1:]
results = {}
for client in EVERY_CLIENT:
    client.fetch(url + "/warm-up")  # every module is imported now
    path, error, part = Path(f"{client.name}.jsonl"), None, 0
    path.write_text('{"cassette": 1}\\n')
    try:
        with gemini_replay.record(path, upstream=url):
            if moment != "commit":
                room({"first write": 0, "middle": 1500}[moment])
            seen = client.fetch(GOOGLE, timeout=20)
            if moment == "commit":
                room(0)
    except GeminiReplayError as raised:
        error = str(raised)
    finally:
        room(hard)
    left = Path(f"{client.name}.jsonl.part")
    results[client.name] = {
        "chunks": len(seen.chunks),
        "body": seen.body.decode(),
        "problem": repr(seen.error) if seen.error else None,
        "error": error,
        "kept": path.read_text() == '{"cassette": 1}\\n',
        "part": left.read_bytes().count(b"data: ") if left.exists() else None,
    }
print(json.dumps(results))
"""


@pytest.mark.parametrize("moment", ["first write", "middle", "commit"])
def test_a_journal_that_cannot_be_written_is_reported_at_the_end_of_the_block(moment: str, tmp_path: Path) -> None:
    """Every client gets every event as it came. The old cassette stays, and so does the journal beside it."""
    pytest.importorskip("resource", reason="the system limits no sizes of files")
    with raw_server(Answer([(0.0, CHUNKED), *PIECES, (0.0, LAST)])) as server:
        ran = python(_FULL, server.url, moment, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    results = json.loads(ran.stdout)
    assert list(results) == [client.name for client in EVERY_CLIENT]
    for name, result in results.items():
        assert result["problem"] is None, name
        assert result["chunks"] == len(CHUNKS), name
        assert result["body"] == b"".join(CHUNKS).decode(), name
        assert result["error"] is not None, name
        assert result["kept"], name
        if moment == "middle":
            assert result["part"] >= 2, name
        if moment == "commit":
            assert result["part"] == len(CHUNKS), name
