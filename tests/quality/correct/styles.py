"""Parsers of other styles: fed, with a callback, as an object, with ``send``, in a thread, by Python's streams."""

from __future__ import annotations

import io
import itertools
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from gemini_replay.fuzz import adapters
from quality.correct.registry import block_values, correct, register


class Fed:
    """Takes chunks as they come, and gives back the events that they complete."""

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._block: list[str] = []

    def feed(self, data: bytes) -> list[Any]:
        """The events that this chunk completes."""
        *lines, rest = data.split(b"\n")
        values: list[Any] = []
        for line in lines:
            whole = b"".join([*self._line, line]).removesuffix(b"\r").decode("utf-8", "replace")
            self._line.clear()
            values += self._take(whole)
        self._line.append(rest)
        return values

    def flush(self) -> list[Any]:
        """The event that lacks its blank line, if there is one."""
        rest = b"".join(self._line).removesuffix(b"\r").decode("utf-8", "replace")
        values = block_values([*self._block, rest])
        self._line.clear()
        self._block.clear()
        return values

    def _take(self, line: str) -> list[Any]:
        raw = self._block[:1] == ["{"]
        if line:
            self._block.append(line)
        if (raw and line != "}") or (not raw and line):
            return []
        values = block_values(self._block)
        self._block.clear()
        return values


class Telling:
    """Calls a function for each event."""

    def __init__(self, tell: Callable[[Any], object]) -> None:
        self._parser = Fed()
        self._tell = tell

    def feed(self, data: bytes) -> None:
        """Tells the events that this chunk completes."""
        for value in self._parser.feed(data):
            self._tell(value)

    def close(self) -> None:
        """Tells what the end completes."""
        for value in self._parser.flush():
            self._tell(value)


def told(chunks: Iterable[bytes], tell: Callable[[Any], None]) -> None:
    """A function that calls another for each event."""
    parser = Fed()
    for chunk in chunks:
        for value in parser.feed(chunk):
            tell(value)
    for value in parser.flush():
        tell(value)


class Decoder:
    """An object with a method that parses, which keeps its state to itself."""

    blank = ""

    def iter_events(self, chunks: Iterable[bytes]) -> Iterator[Any]:
        """Groups of lines between blank ones."""
        for is_blank, block in itertools.groupby(self._lines(chunks), key=self.blank.__eq__):
            if not is_blank:
                yield from block_values([*block])

    def _lines(self, chunks: Iterable[bytes]) -> Iterator[str]:
        held: list[bytes] = []
        for chunk in chunks:
            *ended, rest = chunk.split(b"\n")
            for line in ended:
                yield b"".join([*held, line]).removesuffix(b"\r").decode("utf-8", "replace")
                held.clear()
            held.append(rest)
        yield b"".join(held).decode("utf-8", "replace")


register("fed", adapters.push(Fed), "smoke", "gemini", "gateway")
register("telling", adapters.push(Telling, callback=True), "gemini", "gateway")
register("told", adapters.callback(told), "gemini", "gateway")
register("method_of_an_object", adapters.method(Decoder, "iter_events"), "gateway")


@correct("gemini", "gateway")
class ObjectThatIterates:
    """An iterator with a queue of events that it has not given yet."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._parser = Fed()
        self._ready: list[Any] = []
        self._ended = False

    def __iter__(self) -> ObjectThatIterates:
        return self

    def __next__(self) -> Any:
        while not self._ready:
            if self._ended:
                raise StopIteration
            chunk = next(self._chunks, None)
            self._ended = chunk is None
            self._ready += self._parser.flush() if chunk is None else self._parser.feed(chunk)
        return self._ready.pop(0)


def _machine() -> Generator[list[Any], bytes, None]:
    """Gets chunks by ``send``, and gives the values that they complete."""
    values: list[Any] = []
    parser = Fed()
    while True:
        chunk = yield values
        values = parser.feed(chunk) if chunk is not None else parser.flush()


@correct("gemini", "gateway")
def generator_that_is_sent_chunks(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Two generators: one parses, the other reads."""
    machine = _machine()
    next(machine)
    for chunk in itertools.chain(chunks, (None,)):
        yield from machine.send(chunk)  # type: ignore[arg-type]  # None is the end


@correct("gateway")
def thread_that_reads_ahead(chunks: Iterable[bytes]) -> Iterator[Any]:
    """One thread reads, another parses; an error of the reader goes on to the consumer."""
    yield from _parsed_in_a_thread(chunks, queue.SimpleQueue())


@correct("smoke")
def thread_that_reads_one_ahead(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A queue of one chunk lies between the two."""
    yield from _parsed_in_a_thread(chunks, queue.Queue(maxsize=1))


def _parsed_in_a_thread(chunks: Iterable[bytes], pipe: Any) -> Iterator[Any]:
    def read() -> None:
        try:
            for chunk in chunks:
                pipe.put(chunk)
        except Exception as error:
            pipe.put(error)
        else:
            pipe.put(None)

    threading.Thread(target=read, daemon=True).start()
    parser = Fed()
    while (chunk := pipe.get()) is not None:
        if isinstance(chunk, BaseException):
            raise chunk
        yield from parser.feed(chunk)
    yield from parser.flush()


class Raw(io.RawIOBase):
    """Chunks as a raw stream, in which an empty read would be the end."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As much as fits of the next chunk that has bytes."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


@correct("gateway", "sse")
def text_io(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Python's own text stream, with universal newlines."""
    block: list[str] = []
    for line in io.TextIOWrapper(io.BufferedReader(Raw(chunks)), "utf-8-sig", "replace"):
        if line != "\n":
            block.append(line.removesuffix("\n"))
            continue
        yield from block_values(block)
        block.clear()


@correct("gateway")
def chain_of_iterators(chunks: Iterable[bytes]) -> Iterator[Any]:
    """No statement but the last."""
    lines = itertools.chain.from_iterable(map(Splitter(), itertools.chain(chunks, (b"\n\n",))))
    blocks = itertools.groupby(lines, key=bool)
    return itertools.chain.from_iterable(block_values([*block]) for has_text, block in blocks if has_text)


class Splitter:
    """The lines that a chunk completes."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def __call__(self, chunk: bytes) -> list[str]:
        self._held.append(chunk)
        if b"\n" not in chunk:
            return []
        *lines, rest = b"".join(self._held).split(b"\n")
        self._held = [rest]
        return [line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines]
