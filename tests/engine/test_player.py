"""From an interaction to steps."""

import zlib

import pytest

from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.engine.player import Data, Head, Playback, Stop
from gemini_replay.engine.timing import INSTANT

ASKED = Request("POST", "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent")
CHUNKS = (Chunk(0.0, b"one"), Chunk(0.5, b""), Chunk(0.25, b"two"))


def interaction(response: Response | None, **rest: object) -> Interaction:
    return Interaction(ASKED, response, **{"chunks": CHUNKS, "end": End("eof", 0.125), **rest})  # type: ignore[arg-type]


@pytest.mark.parametrize(("speed", "factor"), [(1.0, 1.0), (4.0, 4.0), (0.5, 0.5)])
def test_moments_add_up_and_scale(speed: float, factor: float) -> None:
    """Every step is due so long after the request as the recording says, divided by the speed."""
    steps = list(Playback(interaction(Response(200, (), 1.0)), speed).steps())
    assert [step.at * factor for step in steps] == [1.0, 1.0, 1.5, 1.75, 1.875]
    assert [step.data for step in steps if isinstance(step, Data)] == [b"one", b"", b"two"]
    assert isinstance(steps[0], Head)
    assert isinstance(steps[-1], Stop)


def test_instant_is_all_at_once() -> None:
    """No step waits."""
    assert {step.at for step in Playback(interaction(Response(200, (), 9.0)), INSTANT).steps()} == {0.0}


def test_without_a_response_only_the_end_is_played() -> None:
    """A connection that broke before any answer breaks again, at its moment."""
    steps = list(Playback(interaction(None, chunks=(), end=End("reset", 2.0))).steps())
    assert steps == [Stop(2.0, End("reset", 2.0))]


def test_a_decoded_body_is_compressed_again_for_a_client_that_asks() -> None:
    """Chunk by chunk, each readable at once, with the header that says so and no stale length."""
    head = Response(200, (("content-encoding", "gzip"), ("Content-Length", "12")), 0.0, "decoded")
    first, *data, _ = Playback(interaction(head)).steps("gzip, deflate")
    assert isinstance(first, Head)
    assert first.headers == (("content-encoding", "gzip"),)
    unzip = zlib.decompressobj(31)
    assert [unzip.decompress(step.data) for step in data if isinstance(step, Data)] == [b"one", b"", b"two"]


def test_a_decoded_body_goes_out_plain_to_a_client_that_does_not_ask() -> None:
    """Then no header claims a coding."""
    head = Response(200, (("content-encoding", "gzip"), ("x", "y")), 0.0, "decoded")
    first, *data, _ = Playback(interaction(head)).steps("")
    assert isinstance(first, Head)
    assert first.headers == (("x", "y"),)
    assert [step.data for step in data if isinstance(step, Data)] == [b"one", b"", b"two"]


def test_a_wire_body_stays_as_it_was() -> None:
    """Stored compressed, it is played compressed."""
    head = Response(200, (("content-encoding", "br"),), 0.0, "wire")
    first, *data, _ = Playback(interaction(head)).steps("gzip")
    assert isinstance(first, Head)
    assert first.headers == (("content-encoding", "br"),)
    assert [step.data for step in data if isinstance(step, Data)] == [b"one", b"", b"two"]


@pytest.mark.parametrize(("length", "kept"), [("6", True), ("7", False)], ids=["true", "stale"])
def test_a_content_length_is_played_only_while_it_is_true(length: str, kept: bool) -> None:
    """A stale one breaks clients that count."""
    first = next(Playback(interaction(Response(200, (("content-length", length),)))).steps())
    assert isinstance(first, Head)
    assert bool(first.headers) is kept
