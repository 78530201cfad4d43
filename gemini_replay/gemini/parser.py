"""Bytes to events, as they come."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, Literal, NamedTuple

from ..arguments import require, require_flag, require_whole, wrong_argument
from ..errors import FrameError
from ..frames import DEFAULT_MAX_FRAME_BYTES, NO_VALUE, NOT_DECODED, Decoder, Final, FrameKind, JSONText
from .event import Event

_DONE = "[DONE]"


class Malformed(NamedTuple):
    """A frame that a lenient parser could not decode.

    Attributes:
        offset: where the frame starts, in bytes from the start of the stream.
        reason: what is wrong with it.
    """

    offset: int
    reason: str


_new: Callable[[type[Event]], Event] = object.__new__
"""Makes an event without a call of its `__init__`, which takes twice as long."""


class StreamParser(Decoder[Event]):
    """Bytes in, events out. The ``feed`` that completes an event returns it.

    As with the frame decoders, an error that is met after events in the same ``feed`` is raised by the next call.

    What gives no event, although it should, counts as `skipped`: frames that are not JSON, also those whose data is
    empty, and lines of server-sent events that are neither a known field nor a comment. Comments, blank lines, fields
    without data, and ``[DONE]`` give no event by design: they do not count.

    Args:
        framing: "auto" to detect it, or "sse" or "json-array".
        strict: raise :class:`FrameError` for malformed framing and for frames that are not JSON.
        max_frame_bytes: the most bytes of one frame; beyond it :class:`FrameTooLargeError`, strict or not.
        final: "yield" or "discard" a frame that the input's end leaves unfinished, see ``frames.Decoder``.

    Attributes:
        framing: the framing found: "sse", "json-array" or "json-object"; None before it is known.
        malformed: if lenient, the frames that are not JSON, in order.
    """

    def __init__(
        self,
        *,
        framing: Literal["auto", "sse", "json-array"] = "auto",
        strict: bool = False,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        final: Final = "yield",
    ) -> None:
        require_flag("strict", strict)
        require_whole("max_frame_bytes", max_frame_bytes)
        super().__init__(framing, strict=strict, max_frame_bytes=max_frame_bytes, final=final)
        self.malformed: list[Malformed] = []
        json = JSONText(strict=strict)
        self._value_at, self._value_of = json.value_at, json.value

    @property
    def skipped(self) -> int:
        """How many frames and lines gave no event, although they should; 0 if nothing was lost."""
        return len(self.malformed) + super().skipped

    def _take(
        self, data: str, kind: FrameKind, _event: str, _id: str, _retry: int | None, offset: int, json: Any
    ) -> None:
        if json is NOT_DECODED:
            try:
                json, end = self._value_at(data, 0)
            except NO_VALUE:
                end = None
            if end != len(data):
                try:
                    json = self._value_of(data)  # white space around it, or an error that says what is wrong
                except (ValueError, RecursionError) as error:
                    self._refuse(data, offset, str(error) or "nested too deeply")
                    return
        event = _new(Event)
        event.json = json
        event.kind = kind
        event.offset = offset
        self._made.append(event)

    def _refuse(self, data: str, offset: int, reason: str) -> None:
        if data.strip() == _DONE:
            return
        if self._strict:
            raise FrameError(
                f"a frame is not JSON: {reason}",
                offset=offset,
                suggestion=f"It starts with {data[:40]!r}.",
            ) from None
        self.malformed.append(Malformed(offset, reason))


class _Told:
    """What a parser found in a stream besides its events."""

    def __init__(self, parser: StreamParser) -> None:
        self._parser = parser

    @property
    def malformed(self) -> Sequence[Malformed]:
        """The frames so far that are not JSON, in order."""
        return self._parser.malformed

    @property
    def skipped(self) -> int:
        """How many frames and lines so far gave no event, although they should; see `StreamParser`."""
        return self._parser.skipped


class ParsedStream(_Told, Iterator[Event]):
    """The events of a stream, as they come."""

    def __init__(self, chunks: Iterable[bytes], parser: StreamParser) -> None:
        super().__init__(parser)
        self._events = _parsed(chunks, parser)

    def __iter__(self) -> Iterator[Event]:
        return self._events  # itself, and a loop calls no method of ours for each event

    def __next__(self) -> Event:
        return next(self._events)

    def close(self) -> None:
        """Parse no further."""
        self._events.close()


class AsyncParsedStream(_Told, AsyncIterator[Event]):
    """The events of an asynchronous stream, as they come."""

    def __init__(self, chunks: AsyncIterable[bytes], parser: StreamParser) -> None:
        super().__init__(parser)
        self._events = _aparsed(chunks, parser)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events

    async def __anext__(self) -> Event:
        return await anext(self._events)

    async def aclose(self) -> None:
        """Parse no further."""
        await self._events.aclose()


def parse_stream(
    chunks: Iterable[bytes] | bytes,
    *,
    framing: Literal["auto", "sse", "json-array"] = "auto",
    strict: bool = False,
    max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
    final: Final = "yield",
) -> ParsedStream:
    """The events of a stream of chunks (or of a whole body), each before the next chunk is pulled.

    The iterator has the `skipped` and `malformed` of a :class:`StreamParser`: how much of the stream gave no event,
    although it should, and which frames those are. Arguments and errors are those of :class:`StreamParser`; a wrong
    argument is a `UsageError` at once.
    """
    if isinstance(chunks, bytes | bytearray | memoryview):
        chunks = (bytes(chunks),)
    elif isinstance(chunks, str | Mapping) or not isinstance(chunks, Iterable):
        raise wrong_argument("chunks", chunks, "an iterable of bytes, or the bytes of a whole body")
    parser = StreamParser(framing=framing, strict=strict, max_frame_bytes=max_frame_bytes, final=final)
    return ParsedStream(chunks, parser)


def _parsed(chunks: Iterable[bytes], parser: StreamParser) -> Generator[Event, None, None]:
    for chunk in chunks:
        if events := parser.feed(chunk):
            yield from events
            parser.feed(b"")  # an error after these events is due now
    yield from parser.close()


def aparse_stream(
    chunks: AsyncIterable[bytes],
    *,
    framing: Literal["auto", "sse", "json-array"] = "auto",
    strict: bool = False,
    max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
    final: Final = "yield",
) -> AsyncParsedStream:
    """The same as :func:`parse_stream`, of an asynchronous stream."""
    require(isinstance(chunks, AsyncIterable), "chunks", chunks, "an asynchronous iterable of bytes")
    parser = StreamParser(framing=framing, strict=strict, max_frame_bytes=max_frame_bytes, final=final)
    return AsyncParsedStream(chunks, parser)


async def _aparsed(chunks: AsyncIterable[bytes], parser: StreamParser) -> AsyncGenerator[Event, None]:
    async for chunk in chunks:
        if events := parser.feed(chunk):
            for event in events:
                yield event
            parser.feed(b"")
    for event in parser.close():
        yield event
