"""Bytes to events, as they come."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from ..arguments import require, require_flag, require_whole, wrong_argument
from ..errors import FrameError
from ..frames import DEFAULT_MAX_FRAME_BYTES, NOT_DECODED, Final, Frame, FrameDecoder, Framing, JSONText
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


class StreamParser:
    """Bytes in, events out, each from the very ``feed`` that completes it.

    ``[DONE]`` is left out. As with the frame decoders, an error that is met after events in the
    same ``feed`` is raised by the next call.

    Args:
        framing: "auto" to detect it, or "sse" or "json-array".
        strict: raise :class:`FrameError` for malformed framing and for frames that are not JSON.
        max_frame_bytes: the most bytes of one frame; beyond it :class:`FrameTooLargeError`, strict or not.
        final: "yield" or "discard" a frame that the input's end leaves unfinished, see ``frames.Decoder``.

    Attributes:
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
        self.malformed: list[Malformed] = []
        self._strict = strict
        self._json = JSONText(strict=strict)
        self._error: FrameError | None = None
        self._frames = FrameDecoder(framing, strict=strict, max_frame_bytes=max_frame_bytes, final=final)

    @property
    def framing(self) -> Framing | None:
        """The framing found: "sse", "json-array" or "json-object"; None before it is known."""
        return self._frames.framing

    def feed(self, data: bytes) -> list[Event]:
        """Take the stream's next bytes; return the events that they complete.

        Raises:
            FrameError: strict, and the input is malformed.
            FrameTooLargeError: a frame is larger than ``max_frame_bytes``.
            UsageError: the parser is closed, or ``data`` is not bytes.
        """
        if self._error is not None:
            raise self._error
        try:
            frames = self._frames.feed(data)
        except TypeError:  # not before: what is right costs nothing more
            require(isinstance(data, bytes | bytearray | memoryview), "data", data, "bytes")
            raise
        return self._events(frames) if frames else []

    def close(self) -> list[Event]:
        """The input has ended; return the events that the end completes.

        Raises:
            FrameError: strict, and a frame is unfinished; or an error that a ``feed`` had still to report.
        """
        if self._error is not None:
            raise self._error
        return self._events(self._frames.close())

    def _events(self, frames: list[Frame]) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            try:
                value = self._json.value(frame.data) if frame.json is NOT_DECODED else frame.json
            except (ValueError, RecursionError) as error:
                if frame.data.strip() == _DONE:
                    continue
                reason = str(error) or "nested too deeply"
                if not self._strict:
                    self.malformed.append(Malformed(frame.offset, reason))
                    continue
                self._error = FrameError(
                    f"a frame is not JSON: {reason}",
                    offset=frame.offset,
                    suggestion=f"It starts with {frame.data[:40]!r}.",
                )
                if not events:
                    raise self._error from None
                break
            events.append(Event(value, frame.kind, frame.offset))
        return events


def parse_stream(
    chunks: Iterable[bytes] | bytes,
    *,
    framing: Literal["auto", "sse", "json-array"] = "auto",
    strict: bool = False,
    max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
    final: Final = "yield",
) -> Iterator[Event]:
    """The events of a stream of chunks (or of a whole body), each before the next chunk is pulled.

    Arguments and errors are those of :class:`StreamParser`; a wrong argument is a `UsageError` at once.
    """
    if isinstance(chunks, bytes | bytearray | memoryview):
        chunks = (bytes(chunks),)
    elif isinstance(chunks, str | Mapping) or not isinstance(chunks, Iterable):
        raise wrong_argument("chunks", chunks, "an iterable of bytes, or the bytes of a whole body")
    return _parsed(chunks, StreamParser(framing=framing, strict=strict, max_frame_bytes=max_frame_bytes, final=final))


def _parsed(chunks: Iterable[bytes], parser: StreamParser) -> Iterator[Event]:
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
) -> AsyncIterator[Event]:
    """The same as :func:`parse_stream`, of an asynchronous stream."""
    require(isinstance(chunks, AsyncIterable), "chunks", chunks, "an asynchronous iterable of bytes")
    return _aparsed(
        chunks, StreamParser(framing=framing, strict=strict, max_frame_bytes=max_frame_bytes, final=final)
    )


async def _aparsed(chunks: AsyncIterable[bytes], parser: StreamParser) -> AsyncIterator[Event]:
    async for chunk in chunks:
        if events := parser.feed(chunk):
            for event in events:
                yield event
            parser.feed(b"")
    for event in parser.close():
        yield event
