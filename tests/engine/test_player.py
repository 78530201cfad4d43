"""From an interaction to steps."""

import gzip
import zlib
from collections.abc import Iterable
from typing import Literal

import pytest

from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.engine import player
from gemini_replay.engine.player import Playback
from gemini_replay.engine.schedule import Head, Step
from gemini_replay.engine.script import Scripting
from gemini_replay.engine.timing import INSTANT
from gemini_replay.errors import GeminiReplayError

ASKED = Request("POST", "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent")
CHUNKS = (Chunk(0.0, b"one"), Chunk(0.5, b""), Chunk(0.25, b"two"))


def sent(steps: Iterable[Step]) -> list[bytes]:
    return [part for _, part in steps if isinstance(part, bytes)]


def interaction(response: Response | None, **rest: object) -> Interaction:
    return Interaction(ASKED, response, **{"chunks": CHUNKS, "end": End("eof", 0.125), **rest})  # type: ignore[arg-type]


@pytest.mark.parametrize(("speed", "factor"), [(1.0, 1.0), (4.0, 4.0), (0.5, 0.5)])
def test_steps_are_due_at_recorded_moments_divided_by_the_speed(speed: float, factor: float) -> None:
    """Each step is due as many seconds after the request as the recording says, divided by the speed."""
    steps = list(Playback(interaction(Response(200, (), 1.0)), speed).steps())
    assert [at * factor for at, _ in steps] == [1.0, 1.0, 1.5, 1.75, 1.875]
    assert [part for _, part in steps] == [Head(200, ()), b"one", b"", b"two", "eof"]


def test_at_instant_speed_all_steps_are_due_at_once() -> None:
    """No step waits."""
    assert {at for at, _ in Playback(interaction(Response(200, (), 9.0)), INSTANT).steps()} == {0.0}


def test_without_a_response_only_the_end_is_played() -> None:
    """A connection that broke before any answer breaks again, at the recorded moment."""
    steps = list(Playback(interaction(None, chunks=(), end=End("reset", 2.0))).steps())
    assert steps == [(2.0, "reset")]


def test_a_decoded_body_is_compressed_again_for_a_client_that_asks() -> None:
    """Each chunk is compressed so that it is readable at once. The head names the coding and has no stale length."""
    head = Response(200, (("content-encoding", "gzip"), ("Content-Length", "12")), 0.0, "decoded")
    (_, first), *data, _ = Playback(interaction(head)).steps("gzip, deflate")
    assert isinstance(first, Head)
    assert first.headers == (("content-encoding", "gzip"),)
    unzip = zlib.decompressobj(31)
    assert [unzip.decompress(chunk) for chunk in sent(data)] == [b"one", b"", b"two"]


def test_a_decoded_body_goes_out_plain_to_a_client_that_does_not_ask() -> None:
    """Its head names no coding."""
    head = Response(200, (("content-encoding", "gzip"), ("x", "y")), 0.0, "decoded")
    (_, first), *data, _ = Playback(interaction(head)).steps("")
    assert isinstance(first, Head)
    assert first.headers == (("x", "y"),)
    assert sent(data) == [b"one", b"", b"two"]


def test_a_wire_body_stays_as_it_was() -> None:
    """A body stored compressed is played compressed."""
    head = Response(200, (("content-encoding", "br"),), 0.0, "wire")
    (_, first), *data, _ = Playback(interaction(head)).steps("gzip")
    assert isinstance(first, Head)
    assert first.headers == (("content-encoding", "br"),)
    assert sent(data) == [b"one", b"", b"two"]


def wire(*chunks: Chunk, how: Literal["unfinished"] | None = None, accept: str = "gzip") -> tuple[Head, list[bytes]]:
    """The head and the wire's chunks of a gzip response that was stored decoded."""
    head = Response(200, (("content-encoding", "gzip"),), 0.0, "decoded")
    (_, first), *steps = Playback(interaction(head, chunks=chunks, end=End("eof", 0.0, how))).steps(accept)
    assert isinstance(first, Head)
    return first, sent(steps)


def test_a_body_with_a_whole_coding_ends_its_coding() -> None:
    """The coding ends with the last chunk, as it was recorded, and any program can decode the whole body."""
    _, got = wire(Chunk(0.0, b"one"), Chunk(0.0, b"two"))
    assert gzip.decompress(b"".join(got)) == b"onetwo"
    assert len(got) == 2


def test_a_coding_that_was_cut_off_is_cut_off_again() -> None:
    """A reader that found no end of the coding finds none on replay."""
    _, got = wire(Chunk(0.0, b"one"), how="unfinished")
    assert zlib.decompressobj(31).decompress(b"".join(got)) == b"one"
    with pytest.raises(EOFError):
        gzip.decompress(b"".join(got))


def test_members_are_sent_as_they_came() -> None:
    """Each member is complete at the end of the chunk that completed it, wherever the next member begins."""
    chunks = Chunk(0.0, b"one"), Chunk(0.0, b"two", (0,)), Chunk(0.0, b"threefour", (0, 5)), Chunk(0.0, b"", (0, 0))
    _, got = wire(*chunks)
    assert [gzip.decompress(data) for data in got] == [b"one", b"two", b"threefour", b""]
    first = zlib.decompressobj(31)
    assert first.decompress(got[2]) == b"three"
    assert zlib.decompressobj(31).decompress(first.unused_data) == b"four"


def test_coded_bytes_after_a_whole_member_go_out_as_they_are() -> None:
    """The member before them is complete, so clients that ignore trailing garbage ignore it again."""
    _, got = wire(Chunk(0.0, b"one", (3,), b"garbage"), Chunk(0.0, b"", coded=b"more"))
    first = zlib.decompressobj(31)
    assert first.decompress(got[0]) == b"one"
    assert (first.eof, first.unused_data, got[1]) == (True, b"garbage", b"more")


def test_coded_bytes_within_a_member_make_a_client_fail() -> None:
    """The recorder's decoder failed at those bytes, and so does the client's."""
    _, got = wire(Chunk(0.0, b"one"), Chunk(0.0, b""), Chunk(0.0, b"", coded=b"\x00"))
    client = zlib.decompressobj(31)
    assert client.decompress(got[0] + got[1]) == b"one"
    with pytest.raises(zlib.error):
        client.decompress(got[2])


@pytest.mark.parametrize("accept", ["", "gzip"])
def test_a_body_not_in_its_declared_coding_goes_out_as_it_came(accept: str) -> None:
    """Every client gets it, with the same false header."""
    first, got = wire(Chunk(0.0, b"", coded=b"plain "), Chunk(0.0, b"", coded=b"text"), accept=accept)
    assert first.headers == (("content-encoding", "gzip"),)
    assert got == [b"plain ", b"text"]


def test_coded_bytes_keep_the_coding_for_a_client_that_does_not_ask() -> None:
    """A mixture of decoded and coded bytes in one body would be garbage."""
    first, got = wire(Chunk(0.0, b"one", (3,), b"rest"), accept="")
    assert first.headers == (("content-encoding", "gzip"),)
    assert zlib.decompressobj(31).decompress(got[0]) == b"one"


def test_coded_bytes_in_an_unavailable_coding_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install; the client never gets garbage."""
    monkeypatch.setattr(player, "content_encoder", lambda coding: None)
    head = Response(200, (("content-encoding", "zstd"),), 0.0, "decoded")
    odd = interaction(head, chunks=(Chunk(0.0, b"one"), Chunk(0.0, b"", coded=b"?")))
    with pytest.raises(GeminiReplayError, match="zstandard"):
        Playback(odd)


def test_cutting_a_script_keeps_members_and_coded_bytes() -> None:
    """Members and coded bytes stay at the same bytes, on either side of the cut."""
    head = Response(200, (("content-encoding", "gzip"),), 0.0, "decoded")
    scripting = Scripting(interaction(head, chunks=(Chunk(0.5, b"abcdef", (2, 4, 6), b"?"),)))
    (piece,) = scripting.script.pieces
    before, after = piece.split(4)
    assert (before.after, before.data, before.members, before.coded) == (0.5, b"abcd", (2,), b"")
    assert (after.after, after.data, after.members, after.coded, after.start) == (0.0, b"ef", (0, 2), b"?", 4)


@pytest.mark.parametrize(("length", "kept"), [("6", True), ("7", False)], ids=["true", "stale"])
def test_a_content_length_is_played_only_while_it_is_true(length: str, kept: bool) -> None:
    """A stale length would break clients that check it."""
    _, first = next(iter(Playback(interaction(Response(200, (("content-length", length),)))).steps()))
    assert isinstance(first, Head)
    assert bool(first.headers) is kept
