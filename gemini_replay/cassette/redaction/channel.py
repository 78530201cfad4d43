"""The successive values of one key in a stream, searched as one text: a secret may span several of them."""

from __future__ import annotations

from .finder import LOOK_BEHIND, Finder
from .spans import Span

_LEAST = 3
_PIECES = 64  # that are searched together at most
FARTHEST = 256 * 1024
"""The most bytes between two values that share a secret, which limits how much is held back."""


class _Piece:
    """A part of a channel's text: its offsets in the channel and in the body, and its value's number."""

    __slots__ = ("at", "body", "length", "value")

    def __init__(self, at: int, body: int, length: int, value: int) -> None:
        self.at, self.body, self.length, self.value = at, body, length, value


class Channel:
    """The successive values of one key as one text, as far back as an unfinished secret reaches."""

    def __init__(self) -> None:
        self.text = b""  # that has been searched
        self._added: list[bytes] = []  # since then
        self.pieces: list[_Piece] = []
        self._first = True
        self._values = 0
        self._value_at = 0  # where in the text the last value begins
        self._length = 0  # of all this
        self._open_at = 0

    @property
    def end(self) -> int:
        """Where in the body the last piece ends."""
        return self.pieces[-1].body + self.pieces[-1].length

    def add(self, finder: Finder, data: bytes, body: int, *, fresh: bool) -> list[Span]:
        """Append a piece, to be searched with what follows. Returns secrets as `search` does, mostly none."""
        spans: list[Span] = []
        if fresh:
            if self.pieces and body - self.end > FARTHEST:
                spans = self.close(finder)
            elif len(self.pieces) >= _PIECES:
                spans = self.search(finder)
            self._values += 1
            self._value_at = self._length
        if data:
            last = self.pieces[-1] if self.pieces else None
            if last is not None and last.value == self._values and last.body + last.length == body:
                last.length += len(data)
            else:
                self.pieces.append(_Piece(self._length, body, len(data), self._values))
            self._added.append(data)
            self._length += len(data)
        return spans

    def search(self, finder: Finder) -> list[Span]:
        """Search what has been added. Returns the secrets that it completes, as spans of the body.

        Of those that lie within one value, some are left out: the search of the body has them.
        """
        if not self._added:
            return []
        self._join()
        found = finder.search(self.text, first=self._first, final=False, before=self._value_at + LOOK_BEHIND)
        self._open_at = found.open_at
        spans = self._in_body(found.spans) if found.spans else []
        self._drop(self._open_at - LOOK_BEHIND)
        return spans

    def close(self, finder: Finder) -> list[Span]:
        """End this text. Returns the secrets that are complete without continuation."""
        spans: list[Span] = []
        if self._open_at < self._length:
            self._join()
            spans = self._in_body(finder.search(self.text, first=self._first, final=True).spans)
        self.text, self.pieces, self._length, self._open_at, self._first = b"", [], 0, 0, True
        return spans

    def _join(self) -> None:
        self.text = b"".join([self.text, *self._added])
        self._added.clear()

    def hold(self, *, unfinished: bool) -> int | None:
        """The offset from which the body must not be written yet; None if there is none."""
        if self._open_at >= len(self.text):
            return None
        spans = self._in_body([Span(self._open_at, len(self.text))], unfinished=unfinished)
        return spans[0].start if spans else None

    def _in_body(self, spans: list[Span], *, unfinished: bool = True) -> list[Span]:
        """Spans of the text as spans of the body.

        The first bytes of a secret are left out if their value ends before there are `_LEAST` of them. All values
        have ended, except the last one while it is `unfinished`. Only the first part of a secret has its kind, so
        that it is counted once.
        """
        ends = {piece.value: piece.at + piece.length for piece in self.pieces}
        placed = []
        for start, end, number, kind in spans:
            for piece in self.pieces:
                low, high = max(start, piece.at), min(end, piece.at + piece.length)
                value_end = ends[piece.value]
                short = value_end - start < _LEAST and (value_end < end or not unfinished)
                if low < high and not short:
                    placed.append(Span(piece.body + low - piece.at, piece.body + high - piece.at, number, kind))
                    kind = ""
        return placed

    def _drop(self, count: int) -> None:
        """Forget the text's first bytes."""
        if count <= 0:
            return
        self.text = self.text[count:]
        self._length -= count
        self._open_at -= count
        self._value_at -= count
        self._first = False
        for piece in self.pieces:
            past = max(0, count - piece.at)
            piece.at = max(0, piece.at - count)
            piece.body += past
            piece.length -= past
        if self.pieces[0].length <= 0:
            self.pieces = [piece for piece in self.pieces if piece.length > 0]
