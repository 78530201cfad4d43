"""The decoder for a body of unknown framing: the first bytes show which one it has."""

from __future__ import annotations

import re
from typing import Literal

from ..errors import FrameTooLargeError, UsageError
from .frame import DEFAULT_MAX_FRAME_BYTES, Decoder, Final
from .json_array import JSONValues
from .sse import SSELines

Framing = Literal["sse", "json-array", "json-object"]
_CHOICES = ("auto", "sse", "json-array")
_BY_FIRST_BYTE: dict[bytes, Framing] = {b"[": "json-array", b"{": "json-object"}
_WHITE = re.compile(rb"[ \t\r\n]*")


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
        self._white = 0  # so many bytes are white space
        if framing != "auto":
            self._choose(framing)

    def _begin(self, ended: bool) -> bool:
        if not super()._begin(ended):
            return False
        if self.framing is None:
            white = _WHITE.match(self._held, self._white)
            self._white = white.end() if white else self._white
            if self._white > self._limit:
                raise FrameTooLargeError(offset=self._at, limit=self._limit)
            first = self._held[self._white : self._white + 1]
            self._begun = bool(first)
            if first:
                self._choose(_BY_FIRST_BYTE.get(bytes(first), "sse"))
        return self._begun

    def _choose(self, framing: Framing) -> None:
        self.framing = framing
        strict, limit, final = self._strict, self._limit, self._final
        if framing == "json-array":
            self._splitter = JSONValues(element="array", one=False, strict=strict, limit=limit, final=final)
        else:
            self._splitter = SSELines(strict=strict, limit=limit, final=final)
