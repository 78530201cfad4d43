"""Routes of respx that a cassette answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import httpx2
import pytest
import respx
from respx.mocks import HTTPCoreMocker
from support.clients import CLIENTS, Client, Seen
from support.streams import GOOGLE, events

from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import CassetteNotFoundError, MissError
from gemini_replay.transports.respx import from_cassette

HTTPX = [client for client in CLIENTS if client.library is httpx]
HTTPX2 = [client for client in CLIENTS if client.library is httpx2]


def cassette(path: Path, *, end: End | None = None, gap: float = 0.0, head: float = 0.0) -> Path:
    from support.clients import ASK

    content = httpx.Request("POST", GOOGLE, json=ASK).content
    recording = Interaction(
        Request("POST", GOOGLE, (("content-type", "application/json"),), content),
        Response(200, (("content-type", "text/event-stream"),), head),
        tuple(Chunk(gap, data) for data in events(3)),
        end or End(),
    )
    Cassette(interactions=[recording]).save(path)
    return path


@pytest.fixture
def with_httpx2() -> Iterator[None]:
    """Set respx up for httpx2, as its users do."""
    targets = [target.replace("httpcore.", "httpcore2.") for target in HTTPCoreMocker.targets]
    HTTPCoreMocker.add_targets(*targets)
    yield
    HTTPCoreMocker.remove_targets(*targets)


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    if request.param in HTTPX2:
        request.getfixturevalue("with_httpx2")
    return request.param


def test_a_route_streams_a_cassette_with_its_timing(client: Client, tmp_path: Path) -> None:
    """The head and each chunk come at their recorded times, with the recorded boundaries."""
    path = cassette(tmp_path / "story.jsonl", head=0.1, gap=0.05)
    with respx.mock() as router:
        route = router.post(host="generativelanguage.googleapis.com").mock(side_effect=from_cassette(path))
        seen = client.fetch(GOOGLE)
    assert seen.error is None
    assert seen.chunks == events(3)
    assert route.call_count == 1
    assert seen.headed - seen.began >= 0.09
    assert [round(at - seen.began, 1) >= due for at, due in zip(seen.times, (0.1, 0.2, 0.2), strict=True)]
    assert seen.times[-1] - seen.began >= 0.24


@pytest.mark.parametrize(
    ("end", "name"),
    [
        (End("reset"), "ReadError"),
        (End("reset", 0, "closed"), "RemoteProtocolError"),
        (End("timeout"), "ReadTimeout"),
    ],
    ids=["reset", "closed", "timeout"],
)
def test_recorded_failures_are_the_librarys_own(client: Client, tmp_path: Path, end: End, name: str) -> None:
    """This holds through respx too."""
    path = cassette(tmp_path / "story.jsonl", end=end)
    with respx.mock() as router:
        router.post(host="generativelanguage.googleapis.com").mock(side_effect=from_cassette(path, speed="instant"))
        seen = client.fetch(GOOGLE)
    assert type(seen.error) is getattr(client.library, name)
    assert seen.chunks == events(3)


def test_a_head_beyond_the_read_timeout_times_out(client: Client, tmp_path: Path) -> None:
    """The error comes after the client's own timeout."""
    path = cassette(tmp_path / "story.jsonl", head=30)
    with respx.mock() as router:
        router.post(host="generativelanguage.googleapis.com").mock(side_effect=from_cassette(path))
        started = time.perf_counter()
        seen = client.fetch(GOOGLE, timeout=0.1)
    assert type(seen.error) is client.library.ReadTimeout
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize("client", HTTPX, ids=lambda client: client.name)
def test_a_request_without_a_recording_is_a_miss(client: Client, tmp_path: Path) -> None:
    """The miss names the nearest recording."""
    path = cassette(tmp_path / "story.jsonl")
    with respx.mock() as router:
        router.post(host="generativelanguage.googleapis.com").mock(side_effect=from_cassette(path))
        seen = client.fetch(GOOGLE, json={"contents": []})
    assert isinstance(seen.error, MissError)
    assert "body.contents" in str(seen.error)


def test_a_missing_cassette_is_an_error_when_the_route_is_made(tmp_path: Path) -> None:
    """The error does not wait for the first request."""
    with pytest.raises(CassetteNotFoundError):
        from_cassette(tmp_path / "nothing.jsonl")


def asked(client: Client, path: Path, fault: str, **options: object) -> Seen:
    with respx.mock() as router:
        route = router.post(host="generativelanguage.googleapis.com")
        route.mock(side_effect=from_cassette(path, fault=fault, speed="instant", rechunk="events"))
        return client.fetch(GOOGLE, **options)


@pytest.mark.parametrize(
    ("fault", "name", "count"),
    [
        ("reset@event:2", "ReadError", 2),
        ("close@event:1", "RemoteProtocolError", 1),
        ("stall@event:2:30s", "ReadTimeout", 2),
        ("reset@head", "ReadError", 0),
        ("close@head", "RemoteProtocolError", 0),
        ("stall@head:30s", "ReadTimeout", 0),
        ("refuse", "ConnectError", 0),
        ("tls", "ConnectError", 0),
        ("timeout:connect", "ConnectTimeout", 0),
        ("timeout:pool", "PoolTimeout", 0),
    ],
)
def test_every_fault_is_the_librarys_own_error(
    client: Client, tmp_path: Path, fault: str, name: str, count: int
) -> None:
    """The error comes after the chunks before it."""
    seen = asked(client, cassette(tmp_path / "story.jsonl"), fault, timeout=20.0)
    assert type(seen.error) is getattr(client.library, name)
    assert seen.chunks == events(3)[:count]


def test_a_fault_may_change_the_answer(client: Client, tmp_path: Path) -> None:
    """This holds even after a silence that is shorter than the client's timeout."""
    seen = asked(client, cassette(tmp_path / "story.jsonl"), "stall@head:1s,status:429;retry-after=2", timeout=20.0)
    assert (seen.error, seen.status, seen.headers["retry-after"]) == (None, 429, "2")
