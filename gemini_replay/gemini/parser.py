"""Bytes to events, as they come."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from functools import partial
from typing import Literal, NamedTuple

from ..arguments import require, require_flag, require_whole, wrong_argument
from ..errors import FrameError
from ..frames import DEFAULT_MAX_FRAME_BYTES, NOT_DECODED, Decoder, Emit, Final, Frame, JSONText
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


class StreamParser(Decoder[Event]):
    """Bytes in, events out, each from the very ``feed`` that completes it.

    ``[DONE]`` is left out. As with the frame decoders, an error that is met after events in the
    same ``feed`` is raised by the next call.

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
        self._value_of = JSONText(strict=strict).value

    def _emit_to(self, made: list[Event]) -> Emit:
        return partial(self._add, made)

    def _add(self, events: list[Event], frame: Frame) -> None:
        try:
            value = self._value_of(frame.data) if frame.json is NOT_DECODED else frame.json
        except (ValueError, RecursionError) as error:
            self._refuse(frame, str(error) or "nested too deeply")
        else:
            events.append(Event(value, frame.kind, frame.offset))

    def _refuse(self, frame: Frame, reason: str) -> None:
        if frame.data.strip() == _DONE:
            return
        if self._strict:
            raise FrameError(
                f"a frame is not JSON: {reason}",
                offset=frame.offset,
                suggestion=f"It starts with {frame.data[:40]!r}.",
            ) from None
        self.malformed.append(Malformed(frame.offset, reason))


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
