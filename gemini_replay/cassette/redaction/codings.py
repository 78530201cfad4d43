"""Undoes the content codings of bodies that are searched and not stored decoded."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from ...errors import GeminiReplayError
from ..model import Headers, header

_MOST = 64 * 1024 * 1024
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class UnsearchableError(GeminiReplayError):
    """A body cannot be searched for secrets, so it is not stored."""


class UnchangeableError(GeminiReplayError):
    """A compressed body holds a secret, and it is to be kept as it came; so it is not stored."""


def coding_of(headers: Headers) -> str:
    """The content coding of a body; "" if it has none."""
    coding = (header(headers, "content-encoding") or "").strip().lower()
    return "" if coding == "identity" else coding


class Unpacker:
    """Decodes one body, piece by piece.

    Raises:
        UnsearchableError: no decoder for this coding is known here.
    """

    def __init__(self, coding: str, what: str, hint: str) -> None:
        if coding not in _WINDOWS:
            raise UnsearchableError(
                f"{what} has the content coding {coding!r:.80}, in which secrets cannot be looked for. "
                "It is not stored.",
                hint=hint,
            )
        self._what = f"{what} in the content coding {coding!r}"
        self._hint = hint
        self._make: Callable[[], zlib._Decompress] = lambda: zlib.decompressobj(_WINDOWS[coding])
        self._member = self._make()
        self._room = _MOST

    def decode(self, data: bytes) -> bytes:
        """What a piece decodes to.

        Raises:
            UnsearchableError: it cannot be decoded.
        """
        found = []
        while data:
            try:
                piece = self._member.decompress(data, self._room + 1)
            except zlib.error as error:
                raise UnsearchableError(
                    f"{self._what} cannot be decoded ({error}), so secrets cannot be looked for. It is not stored.",
                    hint=self._hint,
                ) from None
            self._room -= len(piece)
            if self._room < 0:
                raise UnsearchableError(
                    f"{self._what} decodes to more than {_MOST:,} bytes. It is not stored.", hint=self._hint
                )
            found.append(piece)
            data = self._member.unused_data
            if self._member.eof:
                self._member = self._make()
        return b"".join(found)
