"""Removes secrets from a response body while it arrives, chunk by chunk, without changing any length.

Two things are searched: the bytes, to find secrets across chunk boundaries; and, for each key whose text a model
streams in pieces (``"text"``, …), the sequence of its values, to find secrets across event boundaries.

A chunk is held back only while it can contain the beginning of a secret. The result does not depend on the chunk
boundaries. So that ordinary words do not hold events back, the first one or two bytes of a secret stay if its event
ends after them.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Protocol

from .channel import FARTHEST, Channel
from .encodings import Decompressor, UnchangeableError
from .finder import LOOK_BEHIND, Finder
from .replacements import Removals
from .spans import Span, merged

_KEY = re.compile(
    rb'"(text|content|stringValue|arguments|code|output|thinking|reasoning_content|partial_json)"\s{0,8}:\s{0,8}"'
)
_LONGEST_KEY = 64
# Up to the closing quote. A raw line end closes a value too: JSON has none in strings, a broken stream may.
_REST_OF_VALUE = re.compile(rb'[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+')
_MASK = b"REDACTED"


def _mask(length: int, offset: int, *, number: bool) -> bytes:
    """A part of the replacement of a secret, from `offset` on. A number stays a number."""
    return b"9" * length if number else (_MASK * (length // len(_MASK) + 2))[offset % len(_MASK) :][:length]


class BodyRedactor:
    """Redacts one body: `feed` it the chunks in order, then `close` it.

    At the first chunk, when the head of the response is known, it asks for the finder, and for the decompressor of a
    body that is stored compressed.
    """

    def __init__(
        self, finder: Callable[[], Finder], removals: Removals, decompressor: Callable[[], Decompressor | None]
    ) -> None:
        self._finder, self._removals, self._decompressor = finder, removals, decompressor
        self._body: _Searches | None = None

    def feed(self, *chunks: bytes) -> list[bytes]:
        """Take the next chunks. Returns those that can be written now, in order and of unchanged length.

        Raises:
            UnsearchableError: the body is stored compressed and cannot be decompressed.
            UnchangeableError: the body is stored compressed and contains a secret.
        """
        return (self._body or self._begun()).feed(*chunks)

    def close(self) -> list[bytes]:
        """The chunks that are still held back. Raises the same errors as `feed`."""
        return self._begun().close()

    def _begun(self) -> _Searches:
        if self._body is None:
            plain = StreamRedactor(self._finder(), self._removals)
            decompressor = self._decompressor()
            self._body = plain if decompressor is None else _CompressedSearch(plain, decompressor)
        return self._body


class _Searches(Protocol):
    def feed(self, *chunks: bytes) -> list[bytes]: ...

    def close(self) -> list[bytes]: ...


class _CompressedSearch:
    """Searches a body that is stored compressed, and releases a chunk when its decompressed bytes are safe."""

    def __init__(self, plain: StreamRedactor, decompressor: Decompressor) -> None:
        self._plain = plain
        self._decompressor = decompressor
        self._held: deque[tuple[bytes, bytes]] = deque()

    def feed(self, *chunks: bytes) -> list[bytes]:
        decoded = [self._decompressor.feed(data) for data in chunks]
        self._held.extend(zip(chunks, decoded, strict=True))
        return self._safe(self._plain.feed(*decoded))

    def close(self) -> list[bytes]:
        return self._safe(self._plain.close())

    def _safe(self, chunks: list[bytes]) -> list[bytes]:
        released = []
        for chunk in chunks:
            data, decoded = self._held.popleft()
            if chunk != decoded:
                raise UnchangeableError(
                    "A response that is stored compressed contains a secret. It was not stored.",
                    hint="Record it without wire=True: then it is stored decompressed, without the secret.",
                )
            released.append(data)
        return released


class StreamRedactor:
    """Redacts one decompressed body: `feed` it the chunks in order, then `close` it."""

    def __init__(self, finder: Finder, removals: Removals | None = None) -> None:
        self._finder = finder
        self._removals = removals
        self._held: deque[tuple[int, bytes]] = deque()
        self._released = 0
        self._window = b""
        self._start = 0  # of the window, in the body
        self._spans: list[Span] = []
        self._channels: dict[bytes, Channel] = {}
        self._value: Channel | None = None  # the channel of the value that the scan is in
        self._fresh = False  # whether none of that value has been read
        self._scanned = 0  # in the body

    def feed(self, *chunks: bytes) -> list[bytes]:
        """Take the next chunks. Returns those that can be written now, in order and of unchanged length."""
        at = self._start + len(self._window)
        for data in chunks:
            self._held.append((at, data))
            at += len(data)
        self._window = b"".join([self._window, *chunks])
        return self._advance(final=False)

    def close(self) -> list[bytes]:
        """The chunks that are still held back."""
        return self._advance(final=True)

    def _advance(self, *, final: bool) -> list[bytes]:
        total = self._start + len(self._window)
        found = self._finder.search(self._window, first=self._start == 0, final=final)
        for start, end, number, kind in found.spans:
            self._redact(Span(self._start + start, self._start + end, number, kind))
        self._scan()
        safe = total if final else self._start + found.open_at
        for channel in self._channels.values():
            if channel.pieces and (final or total - channel.end > FARTHEST):
                self._redact_all(channel.close(self._finder))
            elif (hold := channel.hold(unfinished=channel is self._value)) is not None:
                safe = min(safe, hold)
        released = []
        while self._held and self._held[0][0] + len(self._held[0][1]) <= safe:
            released.append(self._held.popleft()[1])
        self._released += len(released)
        self._trim(found.open_at)
        return released

    def _trim(self, open_at: int) -> None:
        keep = open_at - LOOK_BEHIND
        if keep > 0:
            self._window = self._window[keep:]
            self._start += keep
            if self._spans:
                oldest = self._held[0][0] if self._held else self._start
                self._spans = [span for span in self._spans if span.end > min(oldest, self._start)]

    def _redact_all(self, spans: list[Span]) -> None:
        for span in spans:
            self._redact(span)

    def _redact(self, span: Span) -> None:
        overlapping = [other for other in self._spans if other.start < span.end and span.start < other.end]
        self._spans = [other for other in self._spans if other not in overlapping]
        tell = span.kind if not overlapping else ""
        (span,) = merged([span, *overlapping])
        self._spans.append(span)
        for place, (at, chunk) in enumerate(self._held):
            low, high = max(span.start, at), min(span.end, at + len(chunk))
            if low < high:
                masked = _mask(high - low, low - span.start, number=span.number)
                self._held[place] = at, chunk[: low - at] + masked + chunk[high - at :]
                if tell and self._removals is not None:
                    self._removals.add(f"answer, chunk {self._released + place + 1}", tell)
                    tell = ""

    # --- the values of streamed keys ------------------------------------------------------------------------------

    def _scan(self) -> None:
        window, end = self._window, len(self._window)
        at = max(0, self._scanned - self._start)
        while at < end:
            if self._value is None:
                key = _KEY.search(window, at)
                if key is None:
                    at = max(at, end - _LONGEST_KEY)
                    break
                self._value = self._channels.setdefault(key[1], Channel())
                self._fresh = True
                at = key.end()
                continue
            value_end = _end_of_value(window, at)
            if value_end > at or self._fresh:
                piece = window[at:value_end]
                if spans := self._value.add(self._finder, piece, self._start + at, fresh=self._fresh):
                    self._redact_all(spans)
                self._fresh = False
            at = value_end
            if at == end or (window[at] == 0x5C and at + 1 == end):
                break
            self._value = None
            at += 1
        self._scanned = self._start + at
        for channel in self._channels.values():
            if spans := channel.search(self._finder):
                self._redact_all(spans)


def _end_of_value(window: bytes, at: int) -> int:
    """The end of a value, or of the part of it that has come."""
    quote = window.find(b'"', at)
    end = len(window) if quote < 0 else quote
    if window.find(b"\\", at, end) < 0 and window.find(b"\n", at, end) < 0 and window.find(b"\r", at, end) < 0:
        return end
    value = _REST_OF_VALUE.match(window, at)
    assert value is not None  # it may be empty
    return value.end()
