"""Faults, rechunking and `max_gap` in the replay server: ``serve --fault`` and ``gemini_server``."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import recorded, streaming
from support.processes import listening
from support.streams import PATH, events

from gemini_replay import Session
from gemini_replay.cli import main
from gemini_replay.errors import UsageError
from gemini_replay.server.replay import ReplayServer
from gemini_replay.server.serving import serving

A, B, C = STORY = events(3)
Fetch = Callable[..., Any]
Served = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette with one recording of the story in two chunks."""
    return recorded(tmp_path / "story.jsonl", streaming(A + B, C, gap=0.002))


@pytest.fixture
def ask(fetch: Fetch) -> Fetch:
    """Ask for the story; returns the answer with its HTTP chunks."""
    from support.clients import ASK

    return lambda url: fetch(url, PATH, body=ASK)


@pytest.fixture
def served(path: Path) -> Served:
    """Serve the story during a with-block, which gets the base URL."""

    @contextmanager
    def served(**options: Any) -> Iterator[str]:
        with serving(Session.replaying(path, hosts=None, repeat=True, **options)) as url:
            yield url

    return served


@pytest.mark.parametrize(
    ("fault", "chunks", "complete", "error"),
    [
        ("reset@event:1", [A], False, ConnectionResetError),
        ("close@event:1", [A], False, type(None)),
        ("eof@event:1", [A], True, type(None)),
        ("duplicate@event:3", [A + B, C, C], True, type(None)),
        ("stall@event:1:50ms,reset@chunk:1", [A, B], False, ConnectionResetError),
    ],
    ids=["reset", "close", "eof", "duplicate", "several"],
)
def test_a_body_breaks_on_the_wire(
    served: Served, ask: Fetch, fault: str, chunks: list[bytes], complete: bool, error: type
) -> None:
    """It breaks with a TCP reset, a FIN without the last chunk, or a last chunk that comes too early."""
    with served(fault=fault) as url:
        answer = ask(url)
    assert (answer.status, answer.chunks, answer.complete, type(answer.error)) == (200, chunks, complete, error)


def test_a_refused_connection_is_reset_before_an_answer(served: Served, connect: Any) -> None:
    """The server has accepted the connection already. The next one is answered."""
    with served(fault="refuse;once") as url:
        from support.clients import ASK

        with connect(url, PATH, body=ASK) as (_, reader), pytest.raises(ConnectionResetError):
            reader.readline()
        with connect(url, PATH, body=ASK) as (_, reader):
            assert b" 200 " in reader.readline()


@pytest.mark.parametrize("speed", [1, "instant"])
def test_a_stall_is_real_silence(served: Served, ask: Fetch, speed: Any) -> None:
    """It takes real time at any speed, since only that tests the timeouts of another process."""
    with served(fault="stall@event:2:200ms", speed=speed) as url:
        began = time.perf_counter()
        answer = ask(url)
    assert answer.chunks == [A + B, C]
    assert 0.19 < time.perf_counter() - began < 10


def test_a_status_has_its_header_and_googles_words(served: Served, ask: Fetch) -> None:
    """After that many error responses comes the recording."""
    with served(fault="status:503;retry-after=3;times=2") as url:
        answers = [ask(url) for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert answers[0].header("retry-after") == "3"
    assert answers[0].header("x-gemini-replay") is None
    assert answers[2].body == b"".join(STORY)


@pytest.mark.parametrize(
    ("how", "sizes"),
    [("events", [len(A), len(B), len(C)]), ("bytes", [1] * len(A + B + C)), (300, [300, len(A + B + C) - 300])],
)
def test_each_chunk_is_one_http_chunk(served: Served, ask: Fetch, how: Any, sizes: list[int]) -> None:
    """This holds however the recording is rechunked."""
    with served(rechunk=how) as url:
        answer = ask(url)
    assert answer.body == A + B + C
    assert [len(chunk) for chunk in answer.chunks] == sizes


@pytest.mark.parametrize("fault", ["tls", "timeout:connect", "timeout:pool"])
def test_faults_that_a_server_cannot_cause_are_refused(path: Path, fault: str) -> None:
    """The error names the fault and the nearest possible one."""
    with pytest.raises(UsageError, match=f"cannot cause the fault {fault}") as refused:
        ReplayServer(Session.replaying(path, fault=fault))
    assert "reset@head" in str(refused.value)


class TestCommand:
    """``gemini-replay serve``, as a process of its own."""

    @pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
    def test_faults_may_be_repeated_and_joined_by_commas(self, path: Path, ask: Fetch) -> None:
        """They work together with --rechunk and --max-gap. At the end, the server names faults never applied."""
        recorded(path, streaming(A + B, C, gap=30.0, after=30.0))
        faults = ("--fault", "reset@event:2;request=1,status:429;request=2", "--fault", "reset@event:9")
        with listening("serve", path, *faults, "--rechunk", "events", "--max-gap", "0.01") as (process, url):
            first, second, third = (ask(url) for _ in range(3))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert (first.chunks, type(first.error)) == ([A, B], ConnectionResetError)
        assert json.loads(second.body)["error"]["status"] == "RESOURCE_EXHAUSTED"
        assert (third.chunks, third.complete) == (STORY, True)
        assert (out, process.returncode) == ("", 0)
        assert err.startswith("gemini-replay: The fault reset@event:9 was never applied.\n3 requests were answered")

    @pytest.mark.parametrize(
        ("option", "value", "words"),
        [
            ("--fault", "tls", "use `refuse` or `reset@head`"),
            ("--fault", "status:503,timeout:pool", "cannot cause the fault timeout:pool"),
            ("--fault", "rest@event:2", "Did you mean something like 'reset@event:3'?"),
            ("--fault", "reset@event", "event needs a number. Write it like"),
            ("--rechunk", "evnts", "Did you mean 'events'?"),
            ("--max-gap", "-1", "max_gap cannot be -1.0."),
        ],
        ids=["tls", "pool", "misspelled", "incomplete", "chunks", "gap"],
    )
    def test_impossible_options_are_refused_before_anything_listens(
        self, path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, words: str
    ) -> None:
        """The error says what to write instead; the exit status is 2."""
        assert main(["serve", str(path), f"{option}={value}"]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert words in " ".join(said.err.split())
