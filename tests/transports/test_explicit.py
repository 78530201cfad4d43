"""Explicit transports, for code that takes a transport as an argument."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.cassettes import recorded, streaming
from support.clients import ASK, CLIENTS, KEY, Client
from support.streams import GOOGLE, PATH, events

from gemini_replay import Cassette
from gemini_replay.errors import CassetteNotFoundError, FaultUnusedError, MissError
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    return request.param


def transports(client: Client) -> Any:
    return importlib.import_module(f"gemini_replay.transports.{client.library.__name__}")


def made(client: Client, transport: Any) -> Any:
    build = client.library.AsyncClient if client.is_async else client.library.Client
    return lambda **options: build(transport=transport, headers={"x-goog-api-key": KEY}, **options)


def test_record_and_replay_without_any_interception(client: Client, tmp_path: Path) -> None:
    """Closing the client saves the cassette. It gives back the same bytes and boundaries, for any host."""
    path = tmp_path / "story.jsonl"
    with upstream.start(Scenario.from_chunks(events(4), gaps=[0.002] * 4)) as server:
        live = client.fetch(server.url + PATH, made=made(client, transports(client).RecordTransport(path)))
        asked = len(server.app.requests)
    again = client.fetch(
        GOOGLE.replace("generativelanguage.googleapis.com", "any.example"),
        made=made(client, transports(client).ReplayTransport(path, speed=4)),
    )
    assert asked == 1
    assert again.chunks == live.chunks == events(4)
    assert KEY not in path.read_text(encoding="utf-8")


def test_a_transport_owns_every_request(client: Client, tmp_path: Path) -> None:
    """It owns requests with any path, since the user has passed it to the client."""
    path = tmp_path / "story.jsonl"
    with upstream.start(Scenario.from_chunks([b"hello"])) as server:
        client.fetch(server.url + "/any/thing", made=made(client, transports(client).RecordTransport(path)))
    assert Cassette.load(path).interactions[0].body == b"hello"
    replaying = transports(client).ReplayTransport(path)
    assert client.fetch("http://x.example/any/thing", made=made(client, replaying)).body == b"hello"
    replaying = transports(client).ReplayTransport(path)
    with pytest.raises(MissError):  # `fetch` keeps the error; closing the client raises it again
        client.fetch("http://x.example/another/thing", made=made(client, replaying))


def test_an_inner_transport_sends_the_requests(client: Client, tmp_path: Path) -> None:
    """A user's own transport is recorded like the network."""
    path = tmp_path / "inner.jsonl"
    inner = client.library.MockTransport(lambda request: client.library.Response(200, content=b"inner"))
    recording = transports(client).RecordTransport(path, transport=inner)
    assert client.fetch(GOOGLE, made=made(client, recording)).body == b"inner"
    assert Cassette.load(path).interactions[0].body == b"inner"


def test_a_missing_cassette_is_an_error_when_the_transport_is_made(client: Client, tmp_path: Path) -> None:
    """The error does not wait for the first request."""
    with pytest.raises(CassetteNotFoundError, match=r"nothing\.jsonl"):
        transports(client).ReplayTransport(tmp_path / "nothing.jsonl")


def test_one_transport_serves_a_sync_and_an_async_client(tmp_path: Path) -> None:
    """The transport is both sync and async."""
    import httpx

    from gemini_replay.transports.httpx import RecordTransport, ReplayTransport

    path = tmp_path / "both.jsonl"
    inner = httpx.MockTransport(lambda request: httpx.Response(200, content=b"x"))
    with httpx.Client(transport=RecordTransport(path, transport=inner)) as sync:
        sync.post(GOOGLE, json=ASK)
        sync.post(GOOGLE, json=ASK)
    transport = ReplayTransport(path)

    async def ask() -> bytes:
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.post(GOOGLE, json=ASK)).content

    assert httpx.Client(transport=transport).post(GOOGLE, json=ASK).content == b"x"
    assert anyio.run(ask) == b"x"


def story(path: Path) -> Path:
    return recorded(path, streaming(*events(3)))


def test_a_transport_takes_fault_and_rechunk(client: Client, tmp_path: Path) -> None:
    """A stream is reset in the middle and comes byte by byte; a connection is refused."""
    transport = transports(client).ReplayTransport(
        story(tmp_path / "story.jsonl"), fault="reset@event:1", rechunk="bytes", speed="instant"
    )
    seen = client.fetch(GOOGLE, made=made(client, transport))
    assert type(seen.error) is client.errors["reset"]
    assert seen.chunks == [bytes([byte]) for byte in events(3)[0]]
    transport = transports(client).ReplayTransport(tmp_path / "story.jsonl", fault="refuse")
    assert type(client.fetch(GOOGLE, made=made(client, transport)).error) is client.errors["connect"]


def test_an_unapplied_fault_is_reported_when_the_client_closes(client: Client, tmp_path: Path) -> None:
    """Otherwise the test would have run without the fault unnoticed."""
    transport = transports(client).ReplayTransport(
        story(tmp_path / "story.jsonl"), fault="reset@event:9", speed="instant"
    )
    with pytest.raises(FaultUnusedError, match=r"reset@event:9 was never applied"):
        client.fetch(GOOGLE, made=made(client, transport))


def test_the_error_of_a_failing_test_is_raised(tmp_path: Path) -> None:
    """A fault that was not applied does not hide it."""
    import httpx

    from gemini_replay.transports.httpx import ReplayTransport

    transport = ReplayTransport(story(tmp_path / "story.jsonl"), fault="reset@event:9")
    with pytest.raises(ZeroDivisionError), httpx.Client(transport=transport):
        raise ZeroDivisionError


def left_in(client: Client, transport: Any, leave: Any) -> None:
    """Open a client with this transport; `leave` gets the client and a function that closes it."""
    build = client.library.AsyncClient if client.is_async else client.library.Client
    if not client.is_async:
        leave_sync(build(transport=transport), leave)
        return

    async def main() -> None:
        opened = build(transport=transport)
        if leave == "handled":
            try:
                raise ZeroDivisionError
            except ZeroDivisionError:
                await opened.aclose()
        else:
            async with opened:
                raise leave

    anyio.run(main)


def leave_sync(opened: Any, leave: Any) -> None:
    if leave == "handled":
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            opened.close()
    else:
        with opened:
            raise leave


def test_closing_a_client_while_an_exception_is_handled_raises_the_problem(client: Client, tmp_path: Path) -> None:
    """The handled exception is not raised further, so a note on it would be lost."""
    transport = transports(client).ReplayTransport(story(tmp_path / "story.jsonl"), fault="reset@event:9")
    with pytest.raises(FaultUnusedError):
        left_in(client, transport, "handled")


def test_a_block_that_raises_has_a_note_about_the_problem(client: Client, tmp_path: Path) -> None:
    """This holds even while another exception is handled around the block."""
    transport = transports(client).ReplayTransport(story(tmp_path / "story.jsonl"), fault="reset@event:9")
    error = KeyError("the block's own")
    with pytest.raises(KeyError) as caught:
        left_in(client, transport, error)
    assert caught.value is error
    assert ["reset@event:9 was never applied" in note for note in error.__notes__] == [True]
