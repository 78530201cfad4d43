"""Another API than Gemini needs one provider object; nothing else in the package has to change."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from support.raw_server import CHUNKED, LAST, Answer, chunked, raw_server

import gemini_replay
from gemini_replay import Cassette, ClientBug, Interaction, faults
from gemini_replay.errors import MissError, NetworkBlockedError, UsageError
from gemini_replay.report.pages import cassette_table
from gemini_replay.server import serving
from gemini_replay.session import Session
from provider.toy import FIN, TOY, Toy, sung

URL = "https://eu.toy.example/v1/tenor/sing?pass=open-sesame-4711"
PIECES = [sung("la la "), sung("tra ")[:7], sung("tra ")[7:] + sung("hey"), FIN]
EVENTS = [sung("la la "), sung("tra "), sung("hey"), FIN]
SONG = "la la tra hey"


def sing(url: str = URL, verse: int = 1) -> list[bytes]:
    """The chunks of one answer."""
    with httpx.Client() as client, client.stream("POST", url, json={"verse": verse}) as response:
        response.raise_for_status()
        return list(response.iter_raw())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A song, recorded from a local server."""
    path = tmp_path / "song.jsonl"
    with (
        raw_server(Answer([(0.0, CHUNKED), *((0.01, chunked(piece)) for piece in PIECES), (0.0, LAST)])) as server,
        gemini_replay.record(path, upstream=server.url, provider=TOY),
    ):
        assert b"".join(sing()) == b"".join(EVENTS)
    return path


def only(path: Path) -> Interaction:
    (interaction,) = Cassette.load(path, provider=TOY).interactions
    return interaction


def test_a_recording_is_read_by_the_provider(path: Path) -> None:
    """Model, action, events and answer are the provider's, and the key was not recorded."""
    song = only(path)
    assert (song.request.model, song.request.action, song.request.alt) == ("tenor", "sing", None)
    assert (song.text, song.finish_reason, song.complete) == (SONG, "encore", True)
    assert [event.json for event in song.events][-1] == {"fin": "encore"}
    assert b"open-sesame" not in path.read_bytes()


def test_a_recording_is_replayed_with_its_chunks(path: Path) -> None:
    """It is found for any key, API version and host."""
    with gemini_replay.replay(path, provider=TOY) as session:
        assert sing("https://us.toy.example/v2/tenor/sing?pass=another-word") == PIECES
    assert session.played[0].text == SONG


def test_a_gateway_is_recognized_by_the_shape_of_its_urls(path: Path) -> None:
    """Other URLs of other hosts are left alone."""
    with gemini_replay.replay(path, provider=TOY) as session:
        assert sing("https://gateway.example/toys/v1/tenor/sing") == PIECES
        assert not session.owns("https://gateway.example/v1beta/models/gemini-2.5-flash:generateContent")
        assert session.owns("https://eu.toy.example/anything")


def test_geminis_hosts_are_not_special_for_another_provider(path: Path) -> None:
    """Only the provider's own hosts may not be ignored."""
    with pytest.raises(UsageError, match="takes in Toy's own hosts"):
        Session(path, ignore_hosts=["*.toy.example"], provider=TOY)


@pytest.mark.parametrize(
    ("url", "verse", "differs"),
    [("https://eu.toy.example/v1/bass/sing", 1, 'model: recorded "tenor", asked "bass"'), (URL, 2, "body.verse")],
)
def test_a_miss_says_what_differs(path: Path, url: str, verse: int, differs: str) -> None:
    """The differences use the provider's words."""
    with (
        pytest.raises(MissError, match=differs) as missed,
        gemini_replay.replay(path, provider=TOY),
    ):
        sing(url, verse)
    assert f"No recording answers POST {url.split('/')[4]}:sing." in str(missed.value)


def test_an_error_in_mid_stream_is_the_providers(path: Path) -> None:
    """A fault puts the provider's error after two events."""
    with gemini_replay.replay(path, provider=TOY, fault="error@event:2"):
        body = b"".join(sing())
    assert body == EVENTS[0] + EVENTS[1] + TOY.error_event(503, framing="sse", first=False)
    assert TOY.collect(TOY.layout(body).events).error == TOY.layout(body).events[-1].error is not None


def test_a_reset_comes_after_whole_events(path: Path) -> None:
    """The provider decides where an event ends."""
    got: list[bytes] = []
    with (
        gemini_replay.replay(path, provider=TOY, fault="reset@event:2"),
        httpx.Client() as client,
        client.stream("POST", URL, json={"verse": 1}) as response,
        pytest.raises(httpx.ReadError),
    ):
        got.extend(response.iter_raw())
    assert b"".join(got) == EVENTS[0] + EVENTS[1]


def test_an_error_status_has_the_providers_body(path: Path) -> None:
    """The body comes instead of the stream."""
    with gemini_replay.replay(path, provider=TOY, fault="status:503"):
        answer = httpx.post(URL, json={"verse": 1})
    assert (answer.status_code, answer.json()) == (503, {"trouble": {"number": 503, "why": "hoarse"}})


def test_rechunking_by_events_uses_the_providers_events(path: Path) -> None:
    """Each event gets a chunk of its own, wherever the recording was cut."""
    with gemini_replay.replay(path, provider=TOY, rechunk="events"):
        assert sing() == EVENTS


def test_a_recording_is_retimed(path: Path) -> None:
    """Times follow the provider's events and tokens; only times change."""
    timed = Cassette.load(path, provider=TOY).retime("gemini-2.5-flash", seed=1, rechunk="events").interactions[0]
    assert [chunk.data for chunk in timed.chunks] == EVENTS
    assert timed.text == SONG
    assert timed.response is not None
    assert 0.3 < timed.response.after < 1


def test_a_server_answers_and_refuses_as_the_provider_does(path: Path) -> None:
    """Clients in other processes get recordings, and misses in the provider's form."""
    with closing(Session.replaying(path, hosts=None, provider=TOY)) as session, serving.serving(session) as url:
        assert b"".join(sing(f"{url}/v1/tenor/sing")) == b"".join(EVENTS)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/v1/bass/sing", data=b"{}")
        with refused.value as answer:
            assert json.load(answer)["trouble"]["number"] == 404


def test_check_client_works_with_another_provider(path: Path) -> None:
    """A client that does not wait for the event that ends an answer is deceived; one that waits is not."""

    def careless() -> str:
        return "".join(event.text for event in TOY.layout(b"".join(sing())).events)

    def careful() -> str:
        song = TOY.collect(TOY.layout(b"".join(sing())).events)
        assert song.complete
        return song.text

    cassette = Cassette.load(path, provider=TOY)
    with pytest.raises(ClientBug, match="fault=eof@event:2"):
        faults.check_client(careless, cassette, kinds=["eof"])
    assert not faults.check_client(careful, cassette, kinds=["eof", "error", "reset"]).bugs


def test_hosts_are_checked_with_the_provider_before_anything_is_opened(path: Path) -> None:
    """The provider's own hosts may not be ignored; Google's may."""
    with pytest.raises(UsageError, match="takes in Toy's own hosts"):
        gemini_replay.replay(path, ignore_hosts=["*.toy.example"], provider=TOY)
    with gemini_replay.replay(path, ignore_hosts=["generativelanguage.googleapis.com"], provider=TOY):
        assert sing() == PIECES


def test_a_servers_entrance_refuses_as_the_provider_does(path: Path) -> None:
    """It refuses what the rules forbid and what is not HTTP."""
    with closing(Session.replaying(path, hosts=None, provider=TOY)) as session, serving.serving(session) as url:
        page = httpx.post(f"{url}/v1/tenor/sing", headers={"origin": "https://elsewhere.example"})
        assert (page.status_code, page.json()["trouble"]["number"]) == (403, 403)
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port)) as client:
            client.sendall(b"NOT HTTP\r\n\r\n")
            head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert json.loads(body)["trouble"]["number"] == 400


class Choir(Toy):
    """The same API with a gRPC service."""

    grpc_services: dict[str, str] = {"/toy.Choir/": "eu.toy.example"}  # noqa: RUF012


def test_grpc_calls_of_the_providers_services_are_refused(path: Path) -> None:
    """This holds on a channel opened before the session, where only the method's name shows the host."""
    grpc = pytest.importorskip("grpc")

    async def ask() -> None:
        async with grpc.aio.insecure_channel("127.0.0.1:9") as channel:
            call = channel.unary_unary("/toy.Choir/Sing")
            other = channel.unary_unary("/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent")
            with gemini_replay.replay(path, provider=Choir()), pytest.raises(grpc.RpcError):
                await other(b"", timeout=5)
            with gemini_replay.replay(path, provider=Choir()):
                await call(b"", timeout=5)

    with pytest.raises(NetworkBlockedError, match=r"A request to eu\.toy\.example was"):
        asyncio.run(ask())


def test_a_recording_can_be_shown(path: Path) -> None:
    """The table shows the request in a few words, the answer's contents, and why it ended."""
    shown = cassette_table(Cassette.load(path, provider=TOY))
    assert "POST tenor:sing" in shown
    assert SONG in shown
    assert "encore" in shown
