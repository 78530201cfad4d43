"""A client abandons a response while it is recorded: by closing it, by a finalizer, or at the interpreter's end."""

from __future__ import annotations

import concurrent.futures
import gc
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import urllib3
from support.clients import Client
from support.every_client import EVERY_CLIENT
from support.processes import python
from support.raw_server import CHUNKED, LAST, Answer, chunked, head, raw_server
from support.streams import GOOGLE, events
from support.urllib3_cases import BODY, no_reader_is_left, stored

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.engine.recorder import Recorder
from gemini_replay.errors import RecordingError

CHUNKS = events(5)
STALLS = Answer([(0.0, CHUNKED), (0.0, chunked(CHUNKS[0])), (30.0, LAST)])
SLOW = Answer([(0.0, CHUNKED), *((0.1, chunked(chunk)) for chunk in CHUNKS), (0.0, LAST)])


OPEN = """
import contextlib, gc, json, os, sys, warnings
import gemini_replay
from support.streams import GOOGLE, PATH

class Box:
    "In a reference cycle, as objects of SDKs often are."
    def __init__(self):
        self.me = self

def opened(library, url=GOOGLE):
    box = Box()
    if library == "requests":
        import requests
        box.response = requests.post(url, json={}, stream=True, timeout=30)
        box.chunks = box.response.iter_content(None)
    elif library == "urllib3":
        import urllib3
        box.pool = urllib3.PoolManager()
        box.response = box.pool.request("POST", url, body=b"{}", preload_content=False)
        box.chunks = box.response.stream(None)
    else:
        box.client = __import__(library).Client()
        box.response = box.client.send(box.client.build_request("POST", url, json={}), stream=True)
        box.chunks = box.response.iter_raw()
    next(box.chunks)
    return box
"""


def httpx_stream(url: str, *, json: object, stream: bool, timeout: float) -> httpx.Response:
    client = httpx.Client(timeout=timeout)
    return client.send(client.build_request("POST", url, json=json), stream=stream)


LIBRARIES = pytest.mark.parametrize("library", ["requests", "urllib3", "httpx", "httpx2"])


@LIBRARIES
@pytest.mark.parametrize("where", ["in a cycle", "in a global"])
def test_a_response_that_is_left_open_does_not_disturb_the_interpreters_end(
    library: str, where: str, path: Path, tmp_path: Path
) -> None:
    """The response is in a reference cycle or a global. The program ends at once, as without recording."""
    code = """
recording = sys.argv[5] == "recording"
with gemini_replay.record(sys.argv[1], upstream=sys.argv[2]) if recording else contextlib.nullcontext():
    kept = opened(sys.argv[3], GOOGLE if recording else sys.argv[2] + PATH)
    if sys.argv[4] == "in a cycle":
        del kept
print("the end of the program", flush=True)
"""
    with raw_server(STALLS) as server:
        arguments = path, server.url, library, where
        ran = python(OPEN + code, *arguments, "recording", cwd=tmp_path, seconds=20)
        warning, *rest = ran.stderr.splitlines()
        assert "was neither read to its end nor closed when the session ended" in warning
        if (ran.returncode, rest) != (0, []):
            # httpx2 2.16 imports a module in the finalizer; that is an error in Python 3.14, and a crash in 3.13.
            live = python(OPEN + code, *arguments, "live", cwd=tmp_path, seconds=20)
            assert (ran.returncode, rest[-1:]) == (live.returncode, live.stderr.splitlines()[-1:])
    assert "the end of the program" in ran.stdout
    assert stored(path).end.kind == "cancelled"
    assert [chunk.data for chunk in stored(path).chunks] == CHUNKS[:1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@LIBRARIES
def test_a_fork_that_closes_its_copy_does_not_end_its_parents_response(
    library: str, path: Path, tmp_path: Path
) -> None:
    """The connection belongs to the parent, which reads the response to its end."""
    code = """
with gemini_replay.record(sys.argv[1], upstream=sys.argv[2]):
    box = opened(sys.argv[3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, since Python 3.12
        child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            box.response.close()
            del box
            gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    print(sum(chunk.count(b"data: ") for chunk in box.chunks))
"""
    with raw_server(SLOW) as server:
        ran = python(OPEN + code, path, server.url, library, cwd=tmp_path, seconds=20)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.strip() == str(len(CHUNKS) - 1)
    assert stored(path).end.kind == "eof"


@pytest.mark.parametrize("name", ["requests", "urllib3", "httpx"])
def test_closing_a_response_takes_no_lock_of_the_recorder(name: str, path: Path) -> None:
    """The garbage collector may close a response in a thread that is inside the recorder."""
    recorders: list[Recorder] = []
    original = Recorder.head

    def head(recorder: Recorder, *args: Any) -> None:
        recorders.append(recorder)
        original(recorder, *args)

    closed = threading.Event()

    def close(response: Any) -> None:
        with recorders[0]._lock:  # a thread that is writing a chunk holds the lock
            response.close()
        closed.set()

    openers: dict[str, Callable[[], Any]] = {
        "requests": lambda: requests.post(GOOGLE, data=BODY, stream=True, timeout=30),
        "urllib3": lambda: urllib3.request("POST", GOOGLE, body=BODY, preload_content=False),
        "httpx": lambda: (client := httpx.Client()).send(client.build_request("POST", GOOGLE), stream=True),
    }
    with pytest.MonkeyPatch.context() as patch, raw_server(STALLS) as server:
        patch.setattr(Recorder, "head", head)
        with gemini_replay.record(path, upstream=server.url):
            response = openers[name]()
            threading.Thread(target=close, args=[response], daemon=True).start()
            assert closed.wait(10)
            del response
            gc.collect()
    assert stored(path).end.kind == "cancelled"
    no_reader_is_left()


@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpx leaves its generators to trio
def test_a_connection_is_free_after_an_early_close(client: Client, path: Path) -> None:
    """After a close in mid-stream, the server sees it, and the next request is answered."""
    whole = Answer([(0.0, CHUNKED), *((0.0, chunked(chunk)) for chunk in CHUNKS), (0.0, LAST)])
    with raw_server(Answer([*STALLS.pieces[:2], (0.3, chunked(CHUNKS[1])), (30.0, LAST)]), whole) as server:
        with gemini_replay.record(path, upstream=server.url):
            first = client.fetch(GOOGLE, stop_after=1)
            second = client.fetch(GOOGLE)
    assert (first.error, second.error) == (None, None)
    assert second.body == b"".join(CHUNKS)
    assert [interaction.end.kind for interaction in Cassette.load(path).interactions] == ["cancelled", "eof"]
    no_reader_is_left()


def test_a_pool_of_one_serves_the_next_request_after_an_early_close(path: Path) -> None:
    """The reader frees the connection, so the request does not wait for the pool's time limit."""
    whole = Answer([(0.0, CHUNKED), *((0.0, chunked(chunk)) for chunk in CHUNKS), (0.0, LAST)])
    with raw_server(STALLS, whole) as server, gemini_replay.record(path, upstream=server.url):
        limits = httpx.Limits(max_connections=1)
        with httpx.Client(limits=limits, timeout=httpx.Timeout(10)) as client:
            with client.stream("POST", GOOGLE, content=BODY) as response:
                assert next(response.iter_raw()) == CHUNKS[0]
            assert client.post(GOOGLE, content=BODY).content == b"".join(CHUNKS)


def test_httpx_reuses_a_recorded_connection(path: Path) -> None:
    """The connection is back in the pool when the client sees the end of the response."""
    whole = Answer([(0.0, CHUNKED), *((0.0, chunked(chunk)) for chunk in CHUNKS), (0.0, LAST)])
    with raw_server(whole) as server, httpx.Client() as client:
        with gemini_replay.record(path, upstream=server.url):
            for _ in range(20):
                assert client.post(GOOGLE, content=BODY).content == b"".join(CHUNKS)
        assert server.connections == 1


def test_a_partly_read_http_chunk_is_recorded(path: Path) -> None:
    """A client that reads in small pieces saw a part of the chunk before it closed, and sees it on replay."""
    part = chunked(b"x" * 1000)[:500]

    def ask() -> bytes:
        with urllib3.PoolManager() as pool:
            response = pool.request("POST", GOOGLE, body=BODY, preload_content=False)
            got: bytes = response.read(100)
            response.close()
        return got

    for _ in range(10):
        with raw_server(Answer([(0.0, CHUNKED), (0.0, part), (30.0, LAST)])) as server:
            with gemini_replay.record(path, upstream=server.url):
                live = ask()
        with gemini_replay.replay(path, speed="instant"):
            assert ask() == live == b"x" * 100


def test_a_body_with_a_length_ends_with_its_last_byte(path: Path) -> None:
    """It does not wait until the server closes the connection."""
    answer = Answer([(0.0, head("200 OK", "content-length: 8")), (0.0, b"data: {}")])
    with raw_server(answer) as server, gemini_replay.record(path, upstream=server.url):
        for client in EVERY_CLIENT:
            assert client.fetch(GOOGLE).body == b"data: {}"
    assert {interaction.end.kind for interaction in Cassette.load(path).interactions} == {"eof"}


@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
def test_a_response_that_is_being_read_when_its_session_ends_fails_the_recording(client: Client, path: Path) -> None:
    """The response did not end there, nor did its client close it, so neither may be recorded."""
    pieces = [(0.0, CHUNKED), (0.0, chunked(CHUNKS[0])), (1.5, chunked(CHUNKS[1])), (0.0, LAST)]
    with raw_server(Answer(pieces)) as server, concurrent.futures.ThreadPoolExecutor(1) as executor:
        with (
            pytest.raises(RecordingError, match="was still being read when the session ended") as failed,
            gemini_replay.record(path, upstream=server.url),
        ):
            live = executor.submit(client.fetch, GOOGLE)
            _wait_for_chunks(path)
        assert live.result().body == b"".join(CHUNKS[:2])
    assert not path.exists()
    assert failed.value.part is not None
    assert CHUNKS[0].decode() in json.loads(failed.value.part.read_text().splitlines()[3])[1]


def _wait_for_chunks(path: Path) -> None:
    """Wait until the first chunk is written and the client has had time to ask for the next."""
    part, deadline = path.with_name(path.name + ".part"), time.monotonic() + 10
    while time.monotonic() < deadline and "\n[" not in (part.read_text("utf-8") if part.exists() else ""):
        time.sleep(0.01)
    time.sleep(0.3)


@pytest.mark.parametrize("client", ["httpx", "requests"])
def test_a_response_that_is_left_open_is_reported(client: str, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its client was busy when the session ended. It may be done, or may read on, as it does here."""
    pieces = [(0.0, CHUNKED), (0.0, chunked(CHUNKS[0])), (0.3, chunked(CHUNKS[1])), (0.0, LAST)]
    with raw_server(Answer(pieces)) as server, httpx.Client() as one, requests.Session() as other:
        with gemini_replay.record(path, upstream=server.url):
            if client == "httpx":
                chunks = one.send(one.build_request("POST", GOOGLE, content=BODY), stream=True).iter_raw()
            else:
                chunks = other.post(GOOGLE, data=BODY, stream=True, timeout=30).iter_content(None)
            got = [next(chunks)]
        got += chunks
    assert got == CHUNKS[:2]
    assert stored(path).end.kind == "cancelled"
    (record,) = caplog.records
    assert "was neither read to its end nor closed when the session ended" in record.getMessage()


@pytest.mark.parametrize("ask", [requests.post, httpx_stream], ids=["requests", "httpx"])
def test_no_client_stays_intercepted_for_a_response_that_is_left_open(
    ask: Callable[..., Any], tmp_path: Path
) -> None:
    """Its reader may wait for the rest after the session has ended."""
    original = threading.Thread.start
    with raw_server(STALLS) as server:
        with gemini_replay.record(tmp_path / "story.jsonl", upstream=server.url):
            response = ask(GOOGLE, json={}, stream=True, timeout=60)
        try:
            assert threading.Thread.start is original
        finally:
            response.close()
    no_reader_is_left()
