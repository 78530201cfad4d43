"""The recorder: moments and bytes in, an interaction out."""

import gzip

from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.engine.coding import encoder
from gemini_replay.engine.recorder import Recorder

ASKED = Request("POST", "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent")


class Paper:
    """A journal in memory."""

    def __init__(self) -> None:
        self.lines: list[object] = []

    def response(self, response: Response) -> None:
        self.lines.append(response)

    def chunk(self, chunk: Chunk) -> None:
        self.lines.append(chunk)

    def end(self, end: End) -> None:
        self.lines.append(end)


class Holding:
    """A scrubber that holds every chunk back until the next comes."""

    def __init__(self) -> None:
        self.held: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        out, self.held = self.held, [data]
        return out

    def close(self) -> list[bytes]:
        out, self.held = self.held, []
        return out


class Passing(Holding):
    """A scrubber that finds nothing."""

    def feed(self, data: bytes) -> list[bytes]:
        return [data]


def recorder(scrub: Holding | None = None, **options: bool) -> tuple[Recorder, Paper, list[Interaction]]:
    paper, done = Paper(), list[Interaction]()
    made = Recorder(ASKED, journal=paper, scrub=scrub or Passing(), redact=lambda r: r, done=done.append, **options)
    return made, paper, done


def test_gaps_are_between_one_moment_and_the_next() -> None:
    """The head counts from the request, each chunk from the moment before, the end from the last chunk."""
    made, paper, done = recorder()
    made.sent(10.0)
    made.head(200, (("a", "b"),), 10.5)
    made.chunk(b"one", 10.5)
    made.chunk(b"two", 11.0)
    made.end("eof", 11.25)
    expected = [Response(200, (("a", "b"),), 0.5), Chunk(0.0, b"one"), Chunk(0.5, b"two"), End("eof", 0.25)]
    assert paper.lines == expected
    assert done == [Interaction(ASKED, expected[0], (expected[1], expected[2]), expected[3])]  # type: ignore[arg-type]


def test_a_held_chunk_keeps_its_own_moment() -> None:
    """Written later, but with the time it came at."""
    made, _, done = recorder(Holding())
    made.sent(0.0)
    made.head(200, (), 1.0)
    for at, data in ((1.0, b"a"), (3.0, b"b"), (6.0, b"c")):
        made.chunk(data, at)
    made.end("eof", 10.0)
    assert done[0].chunks == (Chunk(0.0, b"a"), Chunk(2.0, b"b"), Chunk(3.0, b"c"))
    assert done[0].end == End("eof", 4.0)


def test_each_wire_chunk_of_a_compressed_body_is_decoded_on_its_own() -> None:
    """Boundaries and times are the wire's, the bytes are readable."""
    encode = encoder("gzip")
    assert encode is not None
    made, _, done = recorder()
    made.sent(0.0)
    made.head(200, (("Content-Encoding", "gzip"),), 0.0)
    for data in (b"[{}", b",{}", b"]"):
        made.chunk(encode(data), 0.0)
    made.end("eof", 0.0)
    assert [chunk.data for chunk in done[0].chunks] == [b"[{}", b",{}", b"]"]
    assert done[0].response is not None
    assert done[0].response.body == "decoded"


def test_a_wire_chunk_that_decodes_to_nothing_is_still_a_chunk() -> None:
    """A gzip header that comes alone has its moment."""
    made, _, done = recorder()
    made.head(200, (("content-encoding", "gzip"),), 0.0)
    packed = gzip.compress(b"hello")
    made.chunk(packed[:10], 1.0)
    made.chunk(packed[10:], 2.0)
    made.end("eof", 2.0)
    assert [chunk.data for chunk in done[0].chunks] == [b"", b"hello"]


def test_the_wire_is_kept_on_request_and_where_it_cannot_be_decoded() -> None:
    """The response says so."""
    for options, coding in (({"wire": True}, "gzip"), ({}, "rot13")):
        made, _, done = recorder(**options)
        made.head(200, (("content-encoding", coding),), 0.0)
        made.chunk(b"\x1f\x8b", 0.0)
        made.end("eof", 0.0)
        assert done[0].response is not None
        assert done[0].response.body == "wire"
        assert done[0].body == b"\x1f\x8b"


def test_nothing_counts_after_the_end() -> None:
    """A reader that is still under way when the client lets go changes nothing."""
    made, paper, done = recorder()
    made.head(200, (), 0.0)
    made.end("cancelled", 1.0)
    before = list(paper.lines)
    made.chunk(b"late", 2.0)
    made.head(500, (), 2.0)
    made.end("eof", 3.0)
    made.cut()
    assert paper.lines == before
    assert len(done) == 1


def test_a_dropped_request_leaves_nothing() -> None:
    """There was no connection: there is no interaction."""
    made, paper, done = recorder()
    made.sent(0.0)
    made.drop()
    made.end("reset", 1.0)
    assert (paper.lines, done) == ([], [])


def test_a_session_that_ends_early_cuts_what_is_under_way() -> None:
    """As if the client had let go."""
    made, _, done = recorder(Holding())
    made.head(200, (), 0.0)
    made.chunk(b"a", 0.0)
    made.cut()
    assert done[0].end.kind == "cancelled"
    assert done[0].body == b"a"
