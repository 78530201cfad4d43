"""Frames to events: what a Gemini stream says, whatever its framing and however it was cut.

Every accessor is total: an event may be any JSON value, and what is missing or has another shape than documented
reads as empty. ``Event.json`` always has the whole of it. Keys are looked up in camelCase as Google writes them,
then in snake_case as some gateways do.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from .errors import FrameError
from .frames import DEFAULT_MAX_FRAME_BYTES, Final, Frame, FrameDecoder, Framing
from .function_calls import FunctionCall, assemble
from .shapes import EMPTY, dict_of, dicts_of, get, str_of

__all__ = [
    "Answer",
    "ApiError",
    "Event",
    "FunctionCall",
    "InlineData",
    "Malformed",
    "StreamParser",
    "aparse_stream",
    "collect",
    "parse_stream",
]

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)s")
_NO_REASON = re.compile(r"(?:[A-Z]+_)*REASON_UNSPECIFIED|0|")  # protobuf's "not set"
_DONE = "[DONE]"
_OWN_KEYS = ("candidates", "promptFeedback", "error", "usageMetadata")


@dataclass(frozen=True)
class ApiError:
    """An error object, in the stream or instead of it.

    Attributes:
        code: the HTTP status code it carries; None where it carries none.
        message: its text.
        status: the canonical name ("RESOURCE_EXHAUSTED"), if given.
        details: the ``google.rpc`` detail objects.
    """

    code: int | None
    message: str
    status: str | None = None
    details: tuple[Mapping[str, Any], ...] = ()

    @property
    def retry_delay(self) -> float | None:
        """Seconds to wait before trying again, by the RetryInfo detail ("26s", "1.5s"); None without one."""
        for detail in self.details:
            if str(detail.get("@type", "")).endswith("RetryInfo"):
                delay = _DURATION.fullmatch(str(get(detail, "retryDelay")))
                if delay:
                    return float(delay[1])
        return None


@dataclass(frozen=True)
class InlineData:
    """Bytes within a part, such as an image.

    Attributes:
        mime_type: what they are ("image/png").
        data: the base64 text as received.
    """

    mime_type: str
    data: str

    def decode(self) -> bytes:
        """The bytes themselves.

        Raises:
            ValueError: the text is no base64.
        """
        text = self.data.replace("-", "+").replace("_", "/")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


@dataclass(frozen=True)
class Event:
    """One decoded message of a stream.

    Where several candidates are streamed, the accessors tell of the first: index 0, or without an index.

    Attributes:
        json: the decoded value as received, unknown fields and a gateway's additions included.
        frame: the frame it came in; None for an event that was made otherwise.
    """

    json: Any
    frame: Frame | None = field(default=None, compare=False, repr=False)

    @cached_property
    def message(self) -> Mapping[str, Any]:
        """The GenerateContentResponse or error object, taken out of a wrapper if there is one; {} if there is none.

        Wrappers: ``{"response": {…}}``; an array around one object; ``sdkHttpResponse`` whose ``body`` holds it.
        """
        return _unwrapped(self.json)

    @property
    def parts(self) -> tuple[Mapping[str, Any], ...]:
        """The content parts of the first candidate."""
        return dicts_of(get(dict_of(get(self._candidate, "content")), "parts"))

    @property
    def text(self) -> str:
        """The text of the first candidate, without thoughts."""
        return "".join(_text(part) for part in self.parts if not part.get("thought"))

    @property
    def thoughts(self) -> str:
        """The text of the first candidate's thought parts."""
        return "".join(_text(part) for part in self.parts if part.get("thought"))

    @property
    def function_calls(self) -> tuple[Mapping[str, Any], ...]:
        """The ``functionCall`` objects as received; :func:`collect` puts streamed arguments together."""
        found = (get(part, "functionCall") for part in self.parts)
        return tuple(call for call in found if isinstance(call, dict))

    @property
    def inline_data(self) -> tuple[InlineData, ...]:
        """Images and other data of the parts."""
        blobs = (dict_of(get(part, "inlineData")) for part in self.parts)
        return tuple(
            InlineData(str_of(get(blob, "mimeType")) or "", str_of(get(blob, "data")) or "") for blob in blobs if blob
        )

    @property
    def usage(self) -> Mapping[str, Any] | None:
        """The token counts as received; they are cumulative. None where the event has none."""
        usage = get(self.message, "usageMetadata")
        return usage if isinstance(usage, dict) else None

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped; None while it has not. A number on the wire becomes its decimal text."""
        return _reason(get(self._candidate, "finishReason"))

    @property
    def block_reason(self) -> str | None:
        """Why the prompt was refused, or None."""
        return _reason(get(dict_of(get(self.message, "promptFeedback")), "blockReason"))

    @property
    def error(self) -> ApiError | None:
        """The error that the event is, or None."""
        return _api_error(self.message.get("error"))

    @property
    def http_headers(self) -> Mapping[str, str]:
        """The response headers that a gateway wrote into the event (``sdkHttpResponse``); {} without."""
        for holder in (dict_of(self.json), self.message):
            headers = get(dict_of(get(holder, "sdkHttpResponse")), "headers")
            if isinstance(headers, dict):
                return {name: str(value) for name, value in headers.items()}
        return {}

    @property
    def response_id(self) -> str | None:
        """The response's id, the same in all events of a stream."""
        return str_of(get(self.message, "responseId"))

    @property
    def model_version(self) -> str | None:
        """The model that answers."""
        return str_of(get(self.message, "modelVersion"))

    @property
    def _candidate(self) -> Mapping[str, Any]:
        candidates = dicts_of(get(self.message, "candidates"))
        return next((one for one in candidates if not one.get("index")), EMPTY)


@dataclass(frozen=True)
class Answer:
    """What all events of a stream say together; each field as in :class:`Event`.

    Attributes:
        usage: the last value of each count.
        finish_reason: the last one given.
        error: the first one.
    """

    text: str = ""
    thoughts: str = ""
    function_calls: tuple[FunctionCall, ...] = ()
    inline_data: tuple[InlineData, ...] = ()
    usage: Mapping[str, Any] | None = None
    finish_reason: str | None = None
    block_reason: str | None = None
    error: ApiError | None = None
    response_id: str | None = None
    model_version: str | None = None

    @property
    def complete(self) -> bool:
        """Whether the model came to an end: a finish reason or a block reason, and no error.

        CONTINUATION is no end: another response goes on with the answer.
        """
        ended = self.finish_reason not in (None, "CONTINUATION") or self.block_reason is not None
        return ended and self.error is None


def collect(events: Iterable[Event]) -> Answer:
    """Put the events of one stream together."""
    events = list(events)
    usage: dict[str, Any] = {}
    for event in events:
        usage.update(event.usage or {})

    def last(values: Iterable[str | None]) -> str | None:
        return next((value for value in reversed(list(values)) if value is not None), None)

    return Answer(
        text="".join(event.text for event in events),
        thoughts="".join(event.thoughts for event in events),
        function_calls=assemble(call for event in events for call in event.function_calls),
        inline_data=tuple(data for event in events for data in event.inline_data),
        usage=usage or None,
        finish_reason=last(event.finish_reason for event in events),
        block_reason=last(event.block_reason for event in events),
        error=next((event.error for event in events if event.error is not None), None),
        response_id=last(event.response_id for event in events),
        model_version=last(event.model_version for event in events),
    )


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

    Data that is ``[DONE]`` is passed over. As with the frame decoders, an error that is met after events in the
    same ``feed`` is raised by the next call.

    Args:
        framing: "auto" to detect it, or "sse" or "json-array".
        strict: raise :class:`FrameError` for malformed framing and for frames that are no JSON.
        max_frame_bytes: the most bytes of one frame; beyond it :class:`FrameTooLargeError`, strict or not.
        final: "yield" or "discard" a frame that the input's end leaves unfinished, see ``frames.Decoder``.

    Attributes:
        malformed: lenient, the frames that are no JSON, in order.
    """

    def __init__(
        self,
        *,
        framing: Literal["auto", "sse", "json-array"] = "auto",
        strict: bool = False,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        final: Final = "yield",
    ) -> None:
        self.malformed: list[Malformed] = []
        self._strict = strict
        self._loads = _STRICT_JSON if strict else _JSON
        self._error: FrameError | None = None
        self._frames = FrameDecoder(framing, strict=strict, max_frame_bytes=max_frame_bytes, final=final)

    @property
    def framing(self) -> Framing | None:
        """The framing found: "sse", "json-array" or "json-object"; None before it is known."""
        return self._frames.framing

    def feed(self, data: bytes) -> list[Event]:
        """Take the stream's next bytes and return the events that they complete.

        Raises:
            FrameError: strict, and the input is malformed.
            FrameTooLargeError: a frame is larger than ``max_frame_bytes``.
            UsageError: the parser is closed.
        """
        if self._error is not None:
            raise self._error
        return self._events(self._frames.feed(data))

    def close(self) -> list[Event]:
        """Tell that the input has ended; return the events that the end completes.

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
                events.append(Event(self._loads(frame.data), frame))
            except (ValueError, RecursionError) as error:
                if frame.data.strip() == _DONE:
                    continue
                reason = str(error) or "nested too deeply"
                if not self._strict:
                    self.malformed.append(Malformed(frame.offset, reason))
                    continue
                self._error = FrameError(
                    f"a frame is no JSON: {reason}",
                    offset=frame.offset,
                    closest=f"It starts with {frame.data[:40]!r}.",
                )
                if not events:
                    raise self._error from None
                break
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

    Arguments and errors are those of :class:`StreamParser`.
    """
    parser = StreamParser(framing=framing, strict=strict, max_frame_bytes=max_frame_bytes, final=final)
    for chunk in (chunks,) if isinstance(chunks, bytes) else chunks:
        if events := parser.feed(chunk):
            yield from events
            parser.feed(b"")  # an error behind these events is due now
    yield from parser.close()


async def aparse_stream(
    chunks: AsyncIterable[bytes],
    *,
    framing: Literal["auto", "sse", "json-array"] = "auto",
    strict: bool = False,
    max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
    final: Final = "yield",
) -> AsyncIterator[Event]:
    """The same as :func:`parse_stream`, of an asynchronous stream."""
    parser = StreamParser(framing=framing, strict=strict, max_frame_bytes=max_frame_bytes, final=final)
    async for chunk in chunks:
        if events := parser.feed(chunk):
            for event in events:
                yield event
            parser.feed(b"")
    for event in parser.close():
        yield event


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_JSON = json.JSONDecoder().decode
_STRICT_JSON = json.JSONDecoder(parse_constant=_no_constant).decode


def _unwrapped(value: Any) -> Mapping[str, Any]:
    outer = next(iter(dicts_of(value)), EMPTY)
    if any(get(outer, key) is not None for key in _OWN_KEYS):
        return outer
    if inner := dict_of(outer.get("response")):
        return inner
    body = get(dict_of(get(outer, "sdkHttpResponse")), "body")
    if isinstance(body, str):
        with suppress(ValueError, RecursionError):
            body = _JSON(body)
    return next(iter(dicts_of(body)), outer)


def _text(part: Mapping[str, Any]) -> str:
    return str_of(part.get("text")) or ""


def _reason(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return None if _NO_REASON.fullmatch(str(value)) else str(value)


def _api_error(value: Any) -> ApiError | None:
    if isinstance(value, list):
        value = next(iter(dicts_of(value)), None)
    if not isinstance(value, dict):
        return ApiError(None, str(value)) if value else None
    code = str(value.get("code"))
    return ApiError(
        code=int(code) if re.fullmatch(r"[0-9]{1,9}", code) else None,
        message=str_of(value.get("message")) or "",
        status=str_of(value.get("status")),
        details=dicts_of(value.get("details")),
    )
