"""Failures in a recorder are reported to the session alone."""

from __future__ import annotations

import gzip

import pytest
from support.recorders import Paper, Passing, recorder

from gemini_replay.cassette.model import Chunk, End, Response
from gemini_replay.engine.recorder import NullRecorder, Recorder


class Broken(Passing):
    """A scrubber with a bug."""

    def feed(self, *chunks: bytes) -> list[bytes]:
        raise ZeroDivisionError("a bug")


def test_a_failure_in_a_recorder_is_reported_to_the_session_alone() -> None:
    """No call raises, the failure is reported once, and nothing more is written."""
    made, paper, failures = recorder(Broken())
    made.sent(0.0)
    made.head(200, (), 0.5)
    made.chunk(b"one", 1.0)
    made.chunk(b"two", 2.0)
    made.end("eof", 3.0)
    made.cut()
    assert [str(failure) for failure in failures] == ["a bug"]
    assert paper.lines == [Response(200, (), 0.5), "done"]


@pytest.mark.parametrize("bad", ["done", "failed"])
def test_a_recorder_raises_nothing_while_it_gives_up(bad: str) -> None:
    """If one of its callbacks fails too, the other is still called, and nothing more is recorded."""
    told: list[str] = []

    def tell(name: str) -> None:
        told.append(name)
        if name == bad:
            raise ZeroDivisionError("another bug")

    made = Recorder(
        entry=Paper(),
        began=0.0,
        scrub=Broken(),
        redact=lambda r: r,
        failed=lambda problem: tell("failed"),
        done=lambda recorder: tell("done"),
    )
    made.head(200, (), 0.5)
    made.chunk(b"one", 1.0)
    made.write()
    made.fail(ValueError("told too late"))
    made.cut()
    assert told == ["done", "failed"]


def test_a_compressed_body_that_decodes_to_too_much_is_a_failure_of_the_recording() -> None:
    """The bytes of a decompression bomb are not written, and the client can read on."""
    paper, failures = Paper(), list[BaseException]()
    made = Recorder(
        entry=paper, began=0.0, scrub=Passing(), redact=lambda r: r, failed=failures.append, decoded_limit=100_000
    )
    made.head(200, (("content-encoding", "gzip"),), 0.0)
    made.chunk(gzip.compress(b"0" * 1_000_000), 1.0)
    made.end("eof", 2.0)
    assert "100,000" in str(failures[0])
    assert paper.written == []


def test_chunks_before_a_failure_are_written() -> None:
    """This holds even for chunks that were to be written together with the one that failed."""
    paper, failures = Paper(), list[BaseException]()
    made = Recorder(
        entry=paper, began=0.0, scrub=Passing(), redact=lambda r: r, failed=failures.append, decoded_limit=100_000
    )
    made.head(200, (("content-encoding", "gzip"),), 0.0)
    made.chunk(gzip.compress(b"before"), 1.0)
    made.chunk(gzip.compress(b"0" * 1_000_000), 1.0)
    made.write()
    assert len(failures) == 1
    assert paper.written == [b"before"]


def test_bytes_in_another_coding_are_kept_as_they_came() -> None:
    """They do not end the response: its recorded end says what the network did."""
    made, paper, failures = recorder()
    made.head(200, (("content-encoding", "gzip"),), 0.0)
    made.chunk(b"no gzip at all", 1.0)
    made.end("eof", 2.0)
    assert not failures
    assert b"".join(line.coded for line in paper.lines if isinstance(line, Chunk)) == b"no gzip at all"
    assert paper.lines[-2:] == [End("eof", 1.0), "done"]


@pytest.mark.parametrize(("cut", "how"), [(8, "unfinished"), (0, None)])
def test_a_whole_body_with_an_unfinished_coding_is_marked(cut: int, how: str | None) -> None:
    """The body ended, but the gzip stream in it did not; the recorded end says so."""
    made, paper, _ = recorder()
    made.head(200, (("content-encoding", "gzip"),), 0.0)
    packed = gzip.compress(b"hello")
    made.chunk(packed[: len(packed) - cut], 0.0)
    made.end("eof", 1.0)
    assert paper.lines[-2] == End("eof", 1.0, how)  # type: ignore[arg-type]


@pytest.mark.parametrize("call", ["cut", "end_if_abandoned", "drop"])
def test_a_recorder_that_could_not_be_made_ignores_everything(call: str) -> None:
    """The client still gets its response."""
    null_recorder = NullRecorder()
    null_recorder.sent(0.0)
    null_recorder.head(200, (), 1.0)
    null_recorder.chunk(b"a", 2.0)
    null_recorder.end("eof", 3.0)
    null_recorder.abandon(4.0)
    null_recorder.fail(ValueError())
    getattr(null_recorder, call)()
    assert null_recorder.status is None
