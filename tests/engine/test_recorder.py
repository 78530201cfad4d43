"""The recorder turns moments and bytes into lines of a journal."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable

import pytest
from support.recorders import Holding, Passing, recorder

from gemini_replay.cassette.model import Chunk, End, Response
from gemini_replay.engine.coding import content_encoder
from gemini_replay.engine.recorder import Recorder


def test_gaps_count_from_the_previous_moment() -> None:
    """The head counts from the request, each chunk from the moment before, the end from the last chunk."""
    made, paper, failures = recorder()
    made.sent(10.0)
    made.head(200, (("a", "b"),), 10.5)
    made.chunk(b"one", 10.5)
    made.chunk(b"two", 11.0)
    made.end("eof", 11.25)
    expected = [Response(200, (("a", "b"),), 0.5), Chunk(0.0, b"one"), Chunk(0.5, b"two"), End("eof", 0.25)]
    assert paper.lines == [*expected, "done"]
    assert not failures


def test_a_chunk_is_written_after_the_client_has_it() -> None:
    """`write` or the next call writes it, whichever comes first, so no chunk that has arrived is lost."""
    for later in (lambda one: one.write(), lambda one: one.end_if_abandoned(), lambda one: one.cut()):
        made, paper, _failures = recorder()
        made.head(200, (), 0.0)
        made.chunk(b"one", 1.0)
        made.chunk(b"two", 2.0)
        assert paper.lines[1:] == []
        later(made)
        assert paper.lines[1:3] == [Chunk(1.0, b"one"), Chunk(1.0, b"two")]


def test_a_held_chunk_keeps_its_own_moment() -> None:
    """The chunk is written later, but with the time at which it came."""
    made, paper, _failures = recorder(Holding())
    made.sent(0.0)
    made.head(200, (), 1.0)
    for at, data in ((1.0, b"a"), (3.0, b"b"), (6.0, b"c")):
        made.chunk(data, at)
    made.end("eof", 10.0)
    assert paper.lines[1:] == [Chunk(0.0, b"a"), Chunk(2.0, b"b"), Chunk(3.0, b"c"), End("eof", 4.0), "done"]


def test_each_wire_chunk_of_a_compressed_body_is_decoded_on_its_own() -> None:
    """Boundaries and times are the wire's; the bytes are decoded."""
    gzipped = content_encoder("gzip")
    assert gzipped is not None
    made, paper, _failures = recorder()
    made.sent(0.0)
    made.head(200, (("Content-Encoding", "gzip"),), 0.0)
    for data in (b"[{}", b",{}", b"]"):
        made.chunk(gzipped.encode(data), 0.0)
    made.end("eof", 0.0)
    assert paper.written == [b"[{}", b",{}", b"]"]
    assert paper.head.body == "decoded"


def test_a_wire_chunk_that_decodes_to_nothing_is_still_a_chunk() -> None:
    """A gzip header that comes alone keeps its moment."""
    made, paper, _failures = recorder()
    made.head(200, (("content-encoding", "gzip"),), 0.0)
    packed = gzip.compress(b"hello")
    made.chunk(packed[:10], 1.0)
    made.chunk(packed[10:], 2.0)
    made.end("eof", 2.0)
    assert paper.written == [b"", b"hello"]


def test_the_wire_is_kept_on_request_and_where_it_cannot_be_decoded() -> None:
    """The recorded response says that its body is the wire's."""
    for options, coding in (({"wire": True}, "gzip"), ({}, "rot13")):
        made, paper, _failures = recorder(**options)
        made.head(200, (("content-encoding", coding),), 0.0)
        made.chunk(b"\x1f\x8b", 0.0)
        made.end("eof", 0.0)
        assert paper.head.body == "wire"
        assert paper.written == [b"\x1f\x8b"]


class Together(Passing):
    """A scrubber that notes how many chunks it is given at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[int] = []

    def feed(self, *chunks: bytes) -> list[bytes]:
        self.given.append(len(chunks))
        return super().feed(*chunks)


def test_chunks_that_have_arrived_are_searched_and_written_together() -> None:
    """A limited number of chunks is written together, each with its own bytes and time."""
    scrub = Together()
    made, paper, _ = recorder(scrub)
    made.head(200, (), 0.0)
    for number in range(100):
        made.chunk(b"%d" % number, float(number))
    made.write()
    for _ in range(4):
        made.chunk(b"x" * 40_000, 99.0)
    made.write()
    assert scrub.given == [64, 36, 2, 2]
    assert paper.written[:100] == [b"%d" % number for number in range(100)]
    assert [line.after for line in paper.lines[1:101] if isinstance(line, Chunk)] == [0.0, *[1.0] * 99]


def test_chunks_after_the_client_has_closed_are_dropped_from_a_group() -> None:
    """Of chunks written together, only those that came before the client closed the response are recorded."""
    made, paper, _ = recorder()
    made.head(200, (), 0.0)
    made.chunk(b"a", 1.0)
    made.chunk(b"b", 2.0)
    made.chunk(b"late", 4.0)
    made.abandon(3.0)
    made.write()
    assert paper.lines[1:] == [Chunk(1.0, b"a"), Chunk(1.0, b"b"), End("cancelled", 1.0), "done"]


def test_nothing_counts_after_the_end() -> None:
    """A reader that is still reading when the client closes the response changes nothing."""
    made, paper, _failures = recorder()
    made.head(200, (), 0.0)
    made.end("cancelled", 1.0)
    before = list(paper.lines)
    made.chunk(b"late", 2.0)
    made.head(500, (), 2.0)
    made.end("eof", 3.0)
    made.cut()
    assert paper.lines == before


def test_a_dropped_request_leaves_nothing() -> None:
    """Without a connection, there is no interaction."""
    made, paper, _failures = recorder()
    made.sent(0.0)
    made.drop()
    made.end("reset", 1.0)
    assert paper.lines == ["done", "dropped"]


def test_a_session_that_ends_early_cuts_off_running_responses() -> None:
    """They end as if the client had closed them."""
    made, paper, _failures = recorder(Holding())
    made.head(200, (), 0.0)
    made.chunk(b"a", 0.0)
    made.cut()
    assert paper.lines[1:] == [Chunk(0.0, b"a"), End("cancelled"), "done"]


def test_a_client_that_closes_ends_the_response_at_that_moment() -> None:
    """Later chunks are ignored; the recorder's next call writes the end."""
    for later in (
        lambda one: (one.chunk(b"late", 9.0), one.write()),
        lambda one: one.end("eof", 9.0),
        lambda one: one.cut(),
        lambda one: one.end_if_abandoned(),
    ):
        made, paper, _ = recorder()
        made.head(200, (), 0.0)
        made.chunk(b"a", 1.0)
        made.write()
        made.abandon(3.0)
        assert paper.lines[1:] == [Chunk(1.0, b"a")]
        later(made)
        assert paper.lines[1:] == [Chunk(1.0, b"a"), End("cancelled", 2.0), "done"]


def test_a_client_may_close_because_of_its_timeout() -> None:
    """Then the recorded end is a timeout."""
    made, paper, _ = recorder()
    made.head(200, (), 0.0)
    made.abandon(3.0, "timeout")
    made.abandon(4.0)
    made.cut()
    assert paper.lines[1:] == [End("timeout", 3.0), "done"]


def test_chunks_that_came_before_the_client_closed_are_recorded() -> None:
    """A chunk that a reader hands over late keeps the moment at which it came."""
    made, paper, _ = recorder()
    made.head(200, (), 0.0)
    made.abandon(3.0)
    made.chunk(b"a", 1.0)
    made.end("eof", 2.0)
    assert paper.lines[1:] == [Chunk(1.0, b"a"), End("eof", 1.0), "done"]


def test_a_finalizer_that_runs_inside_the_recorder_does_not_wait() -> None:
    """The garbage collector may call `abandon` in the very thread that holds the recorder's lock."""

    class Collecting(Passing):
        def feed(self, *chunks: bytes) -> list[bytes]:
            made.abandon(2.0)
            return list(chunks)

    made, paper, failures = recorder(Collecting())
    made.head(200, (), 0.0)
    thread = threading.Thread(target=made.chunk, args=(b"a", 1.0), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    made.cut()
    assert not failures
    assert paper.lines[1:] == [Chunk(1.0, b"a"), End("cancelled", 1.0), "done"]


@pytest.mark.parametrize(
    "later",
    [
        lambda one: one.end("eof", 5.0),
        lambda one: one.write(),
        lambda one: one.cut(),
        lambda one: one.end_if_abandoned(),
        lambda one: one.drop(),
    ],
    ids=["end", "write", "cut", "end_if_abandoned", "drop"],
)
def test_a_chunk_that_comes_after_the_client_has_left_ends_the_recording(later: Callable[[Recorder], None]) -> None:
    """Whatever is told next finds it over. The recording has not failed."""
    made, paper, failures = recorder()
    made.head(200, (), 0.0)
    made.chunk(b"one", 1.0)
    made.abandon(3.0)
    made.chunk(b"two", 4.0)
    later(made)
    assert paper.lines[1:] == [Chunk(1.0, b"one"), End("cancelled", 2.0), "done"]
    assert not failures
