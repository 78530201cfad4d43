"""The decoder for a body of unknown framing: the first bytes show which one it has."""

from __future__ import annotations

from typing import Literal

from ..errors import FrameTooLargeError, UsageError
from .frame import DEFAULT_MAX_FRAME_BYTES, Decoder, Final, Frame
from .json_array import JSONArrayDecoder
from .sse import SSEDecoder

Framing = Literal["sse", "json-array", "json-object"]
_CHOICES = ("auto", "sse", "json-array")
_BY_FIRST_BYTE: dict[bytes, Framing] = {b"[": "json-array", b"{": "json-object"}


class FrameDecoder(Decoder):
    """Frames of a body in any framing.

    The first byte after a BOM and white space decides: an opening bracket starts a JSON array; an opening brace, raw
    JSON objects (an error body, or objects one after another); everything else is SSE.

    Args:
        framing: "auto" to detect it, or "sse" or "json-array" to prescribe it.
        strict, max_frame_bytes, final: see :class:`Decoder`.

    Attributes:
        framing: the body's framing, "sse", "json-array" or "json-object"; None before it is known.
    """

    def __init__(
        self,
        framing: Literal["auto", "sse", "json-array"] = "auto",
        *,
        strict: bool = False,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        final: Final = "yield",
    ) -> None:
        if framing not in _CHOICES:
            raise UsageError(f"framing is {framing!r}.", hint=f"Use one of {', '.join(_CHOICES)}.")
        super().__init__(strict=strict, max_frame_bytes=max_frame_bytes, final=final)
        self.framing: Framing | None = None
        self._white: list[bytes] = []
        self._white_size = 0
        self._inner: SSEDecoder | JSONArrayDecoder | None = None
        if framing != "auto":
            self._choose(framing)

    def _take(self, data: bytes, at: int, frames: list[Frame]) -> None:
        inner = self._inner
        if inner is None:
            visible = data.lstrip(b" \t\r\n")
            self._white.append(data)
            self._white_size += len(data) - len(visible)
            if self._white_size > self._limit:
                raise FrameTooLargeError(offset=self._fed - sum(map(len, self._white)), limit=self._limit)
            if not visible:
                return
            inner = self._choose(_BY_FIRST_BYTE.get(visible[:1], "sse"))
            data, at = b"".join(self._white), at + len(data) - sum(map(len, self._white))
            self._white.clear()
        inner._take(data, at, frames)

    def _finish(self, at: int, frames: list[Frame]) -> None:
        if self._inner is not None:
            self._inner._finish(at, frames)

    def _choose(self, framing: Framing) -> SSEDecoder | JSONArrayDecoder:
        """Set the framing. The inner decoder only decodes; this one handles BOM, errors and the end."""
        self.framing = framing
        decoder = JSONArrayDecoder if framing == "json-array" else SSEDecoder
        self._inner = decoder(strict=self._strict, max_frame_bytes=self._limit, final=self._final)
        return self._inner
