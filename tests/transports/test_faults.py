"""Faults, rechunking and `max_gap` in every client: replayed in the process and over a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from support.cassettes import recorded, streaming
from support.clients import TIMEOUT, Client, Seen
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Session
from gemini_replay.engine.script import GARBAGE
from gemini_replay.server.serving import serving

A, B, C, D = STORY = events(4)
HALF = B[: len(B) // 2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette with one recording of the story."""
    return recorded(tmp_path / "story.jsonl", streaming(*STORY, gap=0.002))


Fetch = Callable[..., Seen]


def replayed_in_process(client: Client, path: Path) -> Fetch:
    """A function with which the client reads a replay with these settings."""

    def fetch(*, fault: Any = None, rechunk: Any = None, max_gap: Any = None, speed: Any = 1, **options: Any) -> Seen:
        with gemini_replay.replay(path, fault=fault, rechunk=rechunk, max_gap=max_gap, speed=speed):
            return client.fetch(GOOGLE, **options)

    return fetch


def replayed_over_a_socket(client: Client, path: Path) -> Fetch:
    """The same, from the replay server."""

    def fetch(*, fault: Any = None, rechunk: Any = None, max_gap: Any = None, speed: Any = 1, **options: Any) -> Seen:
        if client.library in (httpx, httpx2):
            options["verify"] = False  # loading certificate authorities takes long, and this is plain HTTP
        session = Session.replaying(path, fault=fault, rechunk=rechunk, max_gap=max_gap, speed=speed, hosts=None)
        with serving(session) as url:
            return client.fetch(url + PATH, **options)

    return fetch


@pytest.fixture
def in_process(client: Client, path: Path) -> Fetch:
    return replayed_in_process(client, path)


@pytest.fixture
def over_a_socket(client: Client, path: Path) -> Fetch:
    return replayed_over_a_socket(client, path)


@pytest.fixture(params=[replayed_in_process, replayed_over_a_socket], ids=["in-process", "over-a-socket"])
def fetch(request: pytest.FixtureRequest, client: Client, path: Path) -> Fetch:
    """Both ways of replaying."""
    made: Fetch = request.param(client, path)
    return made


class TestBreaks:
    """Connections that end too early."""

    @pytest.mark.parametrize(
        ("fault", "error", "chunks"),
        [
            ("reset@event:2", "reset", [A, B]),
            ("reset@event:1.5", "reset", [A, HALF]),
            ("reset@event:0", "reset", []),
            ("reset@end", "reset", STORY),
            ("close@event:2", "closed", [A, B]),
            ("close@event:1.5", "closed", [A, HALF]),
            ("reset@head", "head reset", []),
            ("close@head", "head closed", []),
            ("eof@head", "head closed", []),
        ],
        ids=[
            "reset",
            "reset-within",
            "reset-at-once",
            "reset-at-the-end",
            "close",
            "close-within",
            "reset-before-the-head",
            "close-before-the-head",
            "end-before-the-head",
        ],
    )
    def test_a_break_raises_what_the_library_raises_on_a_socket(
        self, client: Client, fetch: Fetch, fault: str, error: str, chunks: list[bytes]
    ) -> None:
        """The error comes after the same chunks."""
        seen = fetch(fault=fault)
        assert type(seen.error) is client.errors[error]
        assert seen.chunks == chunks
        assert seen.status == (None if "head" in error else 200)

    def test_httpx_has_its_own_message_for_a_missing_response(self, client: Client, in_process: Fetch) -> None:
        """It differs from the message for half an answer."""
        said = str(in_process(fault="close@head").error)
        if client.library in (httpx, httpx2):
            assert said == "Server disconnected without sending a response."
        assert said != str(in_process(fault="close@event:1").error)

    @pytest.mark.parametrize(
        ("place", "chunks"),
        [("event:2", [A, B]), ("event:1.5", [A, HALF]), ("event:0", [])],
        ids=["after", "within", "before"],
    )
    def test_a_body_that_ends_early_but_normally_raises_no_error(
        self, fetch: Fetch, place: str, chunks: list[bytes]
    ) -> None:
        """No client can know that more was to come."""
        seen = fetch(fault=f"eof@{place}")
        assert (seen.error, seen.status, seen.chunks) == (None, 200, chunks)


class TestStalls:
    """Silence in a stream."""

    @pytest.mark.parametrize(
        ("place", "error", "chunks"),
        [("head", "head timeout", []), ("event:0", "timeout", []), ("event:2", "timeout", [A, B])],
        ids=["head", "first", "later"],
    )
    def test_the_clients_read_timeout_ends_a_stall(
        self, client: Client, fetch: Fetch, place: str, error: str, chunks: list[bytes]
    ) -> None:
        """It ends after the timeout."""
        seen = fetch(fault=f"stall@{place}:30s", timeout=TIMEOUT)
        assert type(seen.error) is client.errors[error]
        assert seen.chunks == chunks
        assert TIMEOUT - 0.02 < seen.ended - seen.began < TIMEOUT + 10

    @pytest.mark.parametrize(
        ("place", "error"), [("head", "head timeout"), ("event:2", "timeout")], ids=["head", "body"]
    )
    def test_at_instant_speed_the_read_timeout_comes_without_waiting(
        self, client: Client, in_process: Fetch, place: str, error: str
    ) -> None:
        """A timeout of twenty seconds gives the same error after the same chunks. A shorter stall is not noticed."""
        seen = in_process(fault=f"stall@{place}:30s", timeout=20.0, speed="instant")
        assert type(seen.error) is client.errors[error]
        assert seen.chunks == ([] if place == "head" else [A, B])
        assert seen.ended - seen.began < 10
        short = in_process(fault=f"stall@{place}:19s", timeout=20.0, speed="instant")
        assert (short.error, short.chunks) == (None, STORY)
        assert short.ended - short.began < 10

    @pytest.mark.parametrize("place", ["head", "event:2"], ids=["head", "body"])
    def test_a_client_with_a_longer_timeout_goes_on(self, fetch: Fetch, place: str) -> None:
        """It gets every byte."""
        seen = fetch(fault=f"stall@{place}:100ms", timeout=10.0)
        assert (seen.error, seen.chunks) == (None, STORY)
        assert (seen.headed if place == "head" else seen.times[2]) - seen.began > 0.1

    def test_a_server_waits_at_instant_speed_too(self, client: Client, over_a_socket: Fetch) -> None:
        """Only real silence can test the timeout of a client in another process."""
        seen = over_a_socket(fault="stall@event:2:30s", timeout=TIMEOUT, speed="instant")
        assert type(seen.error) is client.errors["timeout"]
        assert seen.chunks == [A, B]


class TestAnswers:
    """Faults that change the answer."""

    def test_a_status_replaces_the_stream(self, fetch: Fetch) -> None:
        """The answer has Google's error object, and says when to retry."""
        seen = fetch(fault="status:429;retry-after=2")
        assert (seen.error, seen.status, seen.headers["retry-after"]) == (None, 429, "2")
        assert json.loads(seen.body)["error"]["status"] == "RESOURCE_EXHAUSTED"

    def test_an_error_object_ends_the_stream(self, fetch: Fetch) -> None:
        """It is a chunk of its own, and the response ends normally."""
        seen = fetch(fault="error@event:2;code=500")
        assert (seen.error, seen.status, seen.chunks[:-1]) == (None, 200, [A, B])
        assert json.loads(seen.chunks[-1])["error"]["code"] == 500

    @pytest.mark.parametrize(
        ("fault", "chunks"),
        [
            ("garbage@event:1", [A, GARBAGE, B, C, D]),
            ("garbage@event:1.5", [A, HALF, GARBAGE, B[len(HALF) :], C, D]),
            ("duplicate@event:2", [A, B, B, C, D]),
            ("garbage@event:1,duplicate@event:2", [A, GARBAGE, B, B, C, D]),
        ],
        ids=["garbage", "garbage-within", "duplicate", "both"],
    )
    def test_inserted_bytes_come_unchanged(self, fetch: Fetch, fault: str, chunks: list[bytes]) -> None:
        """They come in chunks of their own."""
        seen = fetch(fault=fault)
        assert (seen.error, seen.chunks) == (None, chunks)

    def test_a_slow_answer_takes_several_times_as_long(self, path: Path, fetch: Fetch) -> None:
        """Each chunk comes that many times later."""
        recorded(path, streaming(*STORY, gap=0.01, after=0.01))
        seen = fetch(fault="slow:x5")
        assert seen.chunks == STORY
        assert seen.headed - seen.began > 0.045
        assert seen.times[-1] - seen.began > 0.24


class TestWhenAndHowOften:
    """Which requests a fault applies to, and several faults at once."""

    def test_silence_and_then_a_reset(self, client: Client, fetch: Fetch) -> None:
        """The silence comes before the reset."""
        seen = fetch(fault=["stall@event:2:100ms", "reset@event:2"], timeout=10.0)
        assert type(seen.error) is client.errors["reset"]
        assert seen.chunks == [A, B]
        assert seen.ended - seen.began > 0.1

    def test_a_fault_applies_a_number_of_times(self, client: Client, path: Path) -> None:
        """After that, the recording plays unchanged. One recording answers each time."""
        with gemini_replay.replay(path, fault="status:503;times=2", speed="instant") as session:
            statuses = [client.fetch(GOOGLE).status for _ in range(3)]
            last = len(session.played)
        assert (statuses, last) == ([503, 503, 200], 3)

    def test_a_fault_may_wait_for_one_request(self, client: Client, tmp_path: Path) -> None:
        """Requests are counted from one."""
        path = recorded(tmp_path / "three.jsonl", *[streaming(*STORY)] * 3)
        with gemini_replay.replay(path, fault="reset@event:1;request=2", speed="instant"):
            seen = [client.fetch(GOOGLE) for _ in range(3)]
        assert [len(one.chunks) for one in seen] == [4, 1, 4]
        assert [type(one.error) for one in seen] == [type(None), client.errors["reset"], type(None)]

    def test_a_refused_connection_leaves_the_recording_for_the_next_attempt(self, client: Client, path: Path) -> None:
        """So a client that tries again gets it."""
        attempts = 4 if client.name == "urllib3" else 1  # the library itself tries again
        with gemini_replay.replay(path, fault=f"refuse;times={attempts}", speed="instant"):
            assert type(client.fetch(GOOGLE).error) is client.errors["connect"]
            assert client.fetch(GOOGLE).chunks == STORY


class TestChunks:
    """Rechunking, and limits on waits."""

    @pytest.mark.parametrize("how", ["bytes", "events", 100, "tcp", "random:3"])
    def test_every_client_gets_exactly_these_chunks(self, path: Path, fetch: Fetch, how: str | int) -> None:
        """They do not depend on the recorded chunks. A server sends each as one HTTP chunk."""
        from gemini_replay.engine.rechunking import parse_rechunk

        lumps = [A[:10], A[10:] + B, C + D]
        answer = streaming(*lumps)
        recorded(path, answer)
        expected = [chunk.data for chunk in parse_rechunk(how).apply(answer)]
        assert expected != lumps
        seen = fetch(rechunk=how)
        assert seen.error is None
        assert seen.chunks == expected

    def test_no_wait_is_longer_than_max_gap(self, path: Path, fetch: Fetch) -> None:
        """This includes the wait for the head."""
        recorded(path, streaming(*STORY, gap=30.0, after=30.0))
        seen = fetch(max_gap=0.02)
        assert (seen.error, seen.chunks) == (None, STORY)
        assert 0.09 < seen.times[-1] - seen.began < 20
