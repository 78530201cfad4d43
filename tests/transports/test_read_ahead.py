"""Reading ahead: how far it goes, how it ends, and that closing it does not wait."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.reading import CHUNK, Noted, classify, until

from gemini_replay.cassette.model import Ending
from gemini_replay.transports import read_ahead
from gemini_replay.transports.read_ahead import ROOM, ReadAhead


class Source:
    """A wire that gives these chunks, then stalls until it is interrupted or closed."""

    def __init__(self, *chunks: bytes, stalls: bool = False) -> None:
        self.chunks = chunks
        self.stalls = stalls
        self.read = 0
        self.stalled = threading.Event()
        self.woken = threading.Event()
        self.closed = threading.Event()
        self.closed_by: threading.Thread | None = None

    def __call__(self) -> Iterator[bytes]:
        for data in self.chunks:
            self.read += 1
            yield data
        if self.stalls:
            self.stalled.set()
            self.woken.wait(30)

    def interrupt(self) -> None:
        self.woken.set()

    def close(self) -> None:
        self.closed_by = threading.current_thread()
        self.closed.set()


def reading(source: Source, observer: Noted, **options: Any) -> ReadAhead:
    options = {"classify": classify, "interrupt": source.interrupt, "close": source.close, **options}
    ahead = ReadAhead(source, observer, **options)
    ahead.start()
    return ahead


def test_a_reader_waits_when_too_much_lies_unread() -> None:
    """For each chunk that the client takes, it reads one more. The client gets every chunk."""
    source, observer = Source(*[CHUNK] * 30), Noted()
    ahead = reading(source, observer)
    for taken in range(21):
        until(lambda ahead_of=taken: source.read == 9 + ahead_of)
        assert ahead.take(10) == CHUNK
    assert sum(len(data) for data in ahead) == 9 * len(CHUNK)
    assert observer.ends == ["eof"]
    assert observer.chunks == [CHUNK] * 30


def keep_the_interpreter(seconds: float) -> None:
    """Keep other threads from running for this long: the loop does not release the interpreter."""
    end = time.perf_counter() + seconds
    any(map(end.__lt__, iter(time.perf_counter, None)))


def test_a_chunk_that_came_while_another_thread_ran_is_not_a_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When reader and client can run again, in any order, the client gets the chunk, as live."""
    monkeypatch.setattr(read_ahead, "_HANDING_OVER_S", 30.0)  # however busy the machine is

    def late() -> Iterator[bytes]:
        until(lambda: ahead.awaited)
        keep_the_interpreter(0.1)  # far longer than the client's timeout
        yield b"one"

    for _ in range(8):
        ahead = ReadAhead(late, Noted(), classify=classify, interrupt=None, close=lambda: None)
        ahead.start()
        assert ahead.take(0.05) == b"one"
        assert ahead.take(10) is None


class Together(Noted):
    """An observer that notes how many chunks have come whenever it writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[int] = []

    def write(self) -> None:
        self.writes.append(len(self.chunks))


def test_the_chunks_of_one_read_are_written_before_the_next_read() -> None:
    """This holds if the source announces its reads. Otherwise each chunk is written by itself."""
    observer, reads = Together(), list[Any]()

    def source() -> Iterator[bytes]:
        for batch in ([b"1", b"2", b"3"], [b"4"], [b"5", b"6"]):
            reads[0]()
            yield from batch

    @contextlib.contextmanager
    def before_reads(call: Any) -> Iterator[None]:
        reads.append(call)
        yield

    ahead = ReadAhead(
        source, observer, classify=classify, interrupt=None, close=lambda: None, before_reads=before_reads
    )
    ahead.start()
    assert list(ahead) == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert observer.writes == [0, 3, 4]
    assert observer.ends == ["eof"]
    silent = Together()
    assert list(reading(Source(b"1", b"2", b"3"), silent)) == [b"1", b"2", b"3"]
    assert silent.writes == [1, 2, 3]


def test_a_reader_writes_its_chunks_before_it_waits_for_room() -> None:
    """This holds however much one read has brought."""
    observer = Together()

    @contextlib.contextmanager
    def before_reads(call: Any) -> Iterator[None]:
        call()
        yield

    ahead = reading(Source(*[CHUNK] * 30), observer, before_reads=before_reads)
    until(lambda: observer.writes[-1:] == [9])
    assert sum(len(data) for data in ahead) == 30 * len(CHUNK)


def test_a_chunk_larger_than_the_buffer_is_passed_on() -> None:
    """Such chunks are passed on one at a time."""
    big = b"x" * (ROOM + 1)
    assert list(reading(Source(big, big, big), Noted())) == [big] * 3


def test_closing_ends_a_reader_that_waits_for_room() -> None:
    """No thread is left waiting."""
    source, observer = Source(*[CHUNK] * 30), Noted()
    ahead = reading(source, observer)
    until(lambda: source.read == 9)
    ahead.close()
    ahead.join(10)
    assert source.closed.is_set()
    assert observer.abandoned
    assert observer.ends == ["cancelled"]


def test_closing_does_not_wait_and_the_reader_closes_the_source() -> None:
    """A source that cannot be interrupted is closed when it gives the next chunk."""
    source, observer = Source(b"one", stalls=True), Noted()
    ahead = reading(source, observer, interrupt=None)
    assert ahead.take(10) == b"one"
    source.stalled.wait(10)
    ahead.close()
    assert not source.closed.is_set()
    source.woken.set()
    ahead.join(10)
    assert source.closed.is_set()
    assert source.closed_by is not threading.current_thread()


@pytest.mark.parametrize("interrupt", [None, lambda: 1 / 0], ids=["none", "a bug"])
def test_closing_raises_nothing(interrupt: Any) -> None:
    """This holds whatever fails. Closing a second time does nothing."""
    source = Source(b"one", stalls=True)
    ahead = reading(source, Noted(), interrupt=interrupt)
    ahead.close()
    ahead.close()
    source.woken.set()
    ahead.join(10)
    assert source.closed.is_set()


def test_a_response_that_was_read_to_its_end_is_not_interrupted() -> None:
    """Its connection may serve another request by then. The source is closed before the client sees the end."""
    source, observer = Source(b"one", b"last", b"beyond"), Noted()
    ahead = reading(source, observer)
    assert ahead.take(10) == b"one"
    assert ahead.take(10) == b"last"
    assert source.closed.is_set()
    assert ahead.take(10) is None
    ahead.close()
    assert not source.woken.is_set()
    assert source.read == 2
    assert not observer.abandoned


def test_a_reader_that_never_began_leaves_the_source_alone() -> None:
    """Closing it does not end the connection, which the client reads itself."""
    source, observer = Source(b"one"), Noted()
    ahead = ReadAhead(source, observer, classify=classify, interrupt=source.interrupt, close=source.close)
    ahead.close()
    assert not source.woken.is_set()
    assert not observer.abandoned


def test_a_finalizer_inside_the_reader_may_close_it() -> None:
    """A finalizer that runs within the observer, in the reader's own thread, does not wait."""

    class Cycle:
        def __init__(self, ahead: ReadAhead) -> None:
            self.ahead, self.me = ahead, self

        def __del__(self) -> None:
            self.ahead.close()

    class Collecting(Noted):
        def __init__(self) -> None:
            super().__init__()
            self.ready = threading.Event()

        def chunk(self, data: bytes, at: float) -> bool | None:
            self.ready.wait(10)
            gc.collect()
            return super().chunk(data, at)

    source, observer = Source(b"one", b"two", stalls=True), Collecting()
    ahead = reading(source, observer)
    Cycle(ahead)
    observer.ready.set()
    ahead.join(10)
    assert source.closed.is_set()
    assert observer.abandoned


def test_a_failing_observer_does_not_hurt_the_reading() -> None:
    """Every chunk and the end arrive, and each failure is reported to the observer."""

    class Failing(Noted):
        def chunk(self, data: bytes, at: float) -> bool | None:
            raise ZeroDivisionError

        def end(self, ending: Ending, at: float) -> None:
            raise ZeroDivisionError

    observer = Failing()
    assert list(reading(Source(b"one", b"two"), observer)) == [b"one", b"two"]
    assert [type(problem) for problem in observer.problems] == [ZeroDivisionError] * 3


def test_errors_of_the_wire_are_raised_and_others_are_failures() -> None:
    """Every error is raised after the chunks before it. Only one of the wire's is recorded as an ending."""

    class Breaking(Source):
        error: Exception

        def __call__(self) -> Iterator[bytes]:
            yield b"one"
            raise self.error

    for error, ends, problems in ((OSError("reset"), ["reset"], 0), (ZeroDivisionError("ours"), [], 1)):
        source, observer = Breaking(), Noted()
        source.error = error
        ahead = reading(source, observer)
        assert ahead.take(10) == b"one"
        with pytest.raises(type(error)):
            ahead.take(10)
        assert ahead.take(10) is None
        assert observer.ends == ends
        assert len(observer.problems) == problems
        assert source.closed.is_set()
