"""HTTP/1.1 framing: added to played responses, and removed from recorded ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.engine.schedule import Head
from gemini_replay.http1 import Framer, FramingError, Unframer

CHUNKS = [b"data: {}\r\n\r\n", "data: 月\r\n\r\n".encode(), b"x" * 300]
WIRE = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in CHUNKS) + b"0\r\n\r\n"


def fed(unframer: Unframer, pieces: Iterable[bytes]) -> list[bytes]:
    return [chunk for piece in pieces for chunk in unframer.feed(piece)]


def cut(data: bytes, at: Sequence[int]) -> list[bytes]:
    bounds = [0, *sorted({place % len(data) for place in at}), len(data)]
    return [data[a:b] for a, b in pairwise(bounds) if b > a]


def played(
    headers: Sequence[tuple[str, str]], *chunks: bytes, status: int = 200, method: str = "POST"
) -> list[bytes]:
    framer = Framer(method)
    framed = [*framer.frames([Head(status, tuple(headers)), *chunks]), framer.end]
    return [data for data in framed if data]


@pytest.mark.parametrize("most", [1, 40, 330, 8192])
def test_parts_that_are_due_together_come_in_few_packets(most: int) -> None:
    """A packet has whole HTTP chunks, and fits the client's buffer unless a single chunk is larger."""
    parts = [Head(200, ()), *CHUNKS]
    framed, framer = played((), *CHUNKS), Framer("POST")
    packets = list(framer.packets(parts, most))
    assert b"".join(packets) == b"".join(framed[:-1])
    assert all(len(packet) <= most or packet in framed for packet in packets)
    assert all(len(one) + len(other) > most for one, other in pairwise(packets))


def test_parts_of_a_body_without_http_chunks_have_packets_of_their_own() -> None:
    """Nothing else shows where a part ends."""
    parts = [Head(200, (("content-length", "321"),)), *CHUNKS, b""]
    assert list(Framer("POST").packets(parts, 8192))[1:] == CHUNKS


@given(st.lists(st.integers(0, len(WIRE))))
def test_http_chunks_come_out_whole_however_they_arrive(places: list[int]) -> None:
    """There is one piece for each HTTP chunk, wherever the bytes are cut, and the end is noticed when it comes."""
    unframer = Unframer(chunked=True, length=None)
    pieces = cut(WIRE, places)
    assert fed(unframer, pieces) == CHUNKS
    assert unframer.complete
    assert unframer.close() == (b"", True)


@given(st.lists(st.integers(0, len(WIRE))), st.integers(0, len(WIRE) - 6))
def test_a_chunked_body_that_is_cut_off_is_never_whole(places: list[int], end: int) -> None:
    """All bytes that came are given out, including the beginning of the chunk that was cut."""
    unframer = Unframer(chunked=True, length=None)
    got = b"".join(fed(unframer, cut(WIRE[:end], places) if end else []))
    assert not unframer.complete
    rest, whole = unframer.close()
    assert not whole
    assert b"".join(CHUNKS).startswith(got + rest)


def test_extensions_upper_case_and_trailers_are_allowed() -> None:
    """RFC 9112, 7.1: sizes in either case, extensions after a semicolon, fields after the last chunk."""
    unframer = Unframer(chunked=True, length=None)
    assert fed(unframer, [b"A;name=value\r\n0123456789\r\n0\r\nchecksum: 1\r\n"]) == [b"0123456789"]
    assert not unframer.complete
    assert fed(unframer, [b"\r\n"]) == []
    assert unframer.complete


def test_a_missing_line_after_the_last_chunk_is_accepted() -> None:
    """urllib3 and http.client accept it too."""
    unframer = Unframer(chunked=True, length=None)
    assert fed(unframer, [b"1\r\na\r\n0\r\n"]) == [b"a"]
    assert unframer.close() == (b"", True)


@pytest.mark.parametrize(
    "wire",
    [b"data: {}\r\n\r\n", b"-5\r\n", b"0x5\r\n", b"\r\n", b"3\r\nabcdef\r\n", b"1" * 70000],
    ids=["no size", "negative", "prefixed", "empty", "longer than its size", "endless"],
)
def test_wrong_framing_is_an_error(wire: bytes) -> None:
    """The reader does not guess bytes."""
    with pytest.raises(FramingError):
        fed(Unframer(chunked=True, length=None), [wire])


def test_bytes_before_a_wrong_framing_are_not_lost() -> None:
    """This holds even if both arrive together."""
    pieces = Unframer(chunked=True, length=None).feed(b"1\r\na\r\nnonsense\r\n")
    assert next(pieces) == b"a"
    with pytest.raises(FramingError):
        next(pieces)


def test_a_body_with_a_length_ends_with_its_last_byte() -> None:
    """The body comes out in the pieces in which it arrived."""
    unframer = Unframer(chunked=False, length=6)
    assert fed(unframer, [b"ab"]) == [b"ab"]
    assert not unframer.complete
    assert fed(unframer, [b"cdef"]) == [b"cdef"]
    assert unframer.complete


@pytest.mark.parametrize(("length", "whole"), [(9, False), (None, True)], ids=["length", "until closed"])
def test_closing_ends_only_a_body_without_a_length(length: int | None, whole: bool) -> None:
    """A body shorter than its length was cut off."""
    unframer = Unframer(chunked=False, length=length)
    assert fed(unframer, [b"ab"]) == [b"ab"]
    assert unframer.close() == (b"", whole)


@given(st.lists(st.binary(max_size=40)))
def test_framed_chunks_can_be_read_back(chunks: list[bytes]) -> None:
    """Each chunk is one packet. Empty ones, which would end the body, are left out."""
    sent = played([("transfer-encoding", "chunked")], *chunks)
    unframer = Unframer(chunked=True, length=None)
    assert [fed(unframer, [packet]) for packet in sent[1:-1]] == [[chunk] for chunk in chunks if chunk]
    assert fed(unframer, sent[-1:]) == []
    assert unframer.complete


def test_a_body_without_framing_is_sent_in_http_chunks() -> None:
    """Such a body was recorded from HTTP/2 or written by hand. Over HTTP/1.1, the server would have sent chunks."""
    sent = played([("content-type", "text/event-stream")], b"ab")
    assert sent == [
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        b"2\r\nab\r\n",
        b"0\r\n\r\n",
    ]


@pytest.mark.parametrize(
    "headers", [("content-length", "2"), ("connection", "close")], ids=["length", "until closed"]
)
def test_other_framings_stay_as_they_are(headers: tuple[str, str]) -> None:
    """The head is unchanged, and the body is sent as it is."""
    assert played([headers], b"ab") == [f"HTTP/1.1 200 OK\r\n{': '.join(headers)}\r\n\r\n".encode(), b"ab"]


@pytest.mark.parametrize(
    ("status", "method"), [(200, "HEAD"), (204, "POST"), (304, "GET")], ids=["HEAD", "no content", "not modified"]
)
def test_an_answer_without_body_is_its_head_alone(status: int, method: str) -> None:
    """This holds whatever length its headers declare."""
    assert len(played([("transfer-encoding", "chunked")], b"ab", status=status, method=method)) == 1


def test_odd_heads_can_be_sent() -> None:
    """Odd heads have a status without a name, a value on two lines, or a value beyond Latin-1."""
    (sent, _) = played([("a", "1  2\r\n 3"), ("b", "月"), ("content-length", "1")], b"x", status=799)
    assert sent == "HTTP/1.1 799 \r\na: 1  2 3\r\nb: 月\r\ncontent-length: 1\r\n\r\n".encode()


def test_no_head_is_no_answer() -> None:
    """Without a head, the connection ended before a response."""
    assert Framer("POST").end == b""
