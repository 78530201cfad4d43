"""What a client gets of a recorded response: rechunked, and with faults applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..cassette.model import Chunk, End, Interaction, Response, header
from ..errors import UsageError
from .faults import Fault, Place
from .rechunking import Rechunking

GARBAGE = b"\x00\xff\xfe<garbage>\xc3{[\xe2\x80"
"""What "garbage" inserts: neither UTF-8 nor SSE nor JSON, and without a line end, so that it spoils what follows."""


_ENDING = {"reset", "close", "eof", "error"}
"""Kinds of faults after which nothing of the recorded body follows."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that are sent in one chunk, `after` plus `stall` seconds after what came before.

    `start` is the offset of the bytes in the recorded body; None if a fault inserted them. `members` and `coded` are
    those of the recorded chunk.
    """

    after: float
    data: bytes
    stall: float = 0.0
    start: int | None = None
    members: tuple[int, ...] = ()
    coded: bytes = b""

    def split(self, at: int) -> tuple[Piece, Piece]:
        """Two pieces, cut at an offset of `data`."""
        before = tuple(member for member in self.members if member < at)
        after = tuple(member - at for member in self.members[len(before) :])
        start = None if self.start is None else self.start + at
        return (
            replace(self, data=self.data[:at], members=before, coded=b""),
            Piece(0.0, self.data[at:], start=start, members=after, coded=self.coded),
        )


@dataclass(frozen=True)
class Script:
    """What a client gets: the recording as it is, or changed by rechunking and faults.

    Attributes:
        response: the head; None if the connection ends before it.
        pieces: the body.
        end: how it ends.
        stalls: seconds of silence in addition to the recorded waits, by the number of the step after them: the head
            (if there is one), the pieces, the end.
    """

    response: Response | None
    pieces: tuple[Chunk, ...] | tuple[Piece, ...]
    end: End
    stalls: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, interaction: Interaction, rechunk: Rechunking | None = None) -> Script:
        """The script of a recording without faults; `rechunk` says how to cut its body."""
        chunks = rechunk.apply(interaction) if rechunk else interaction.chunks
        return cls(interaction.response, chunks, interaction.end)


@dataclass(frozen=True)
class _Draft:
    """A script to which faults are being applied; `head_stall` and `end_stall` are silence before head and end."""

    response: Response | None
    pieces: tuple[Piece, ...]
    end: End
    head_stall: float = 0.0
    end_stall: float = 0.0


class Scripting:
    """Makes the script of one recorded response, with faults applied in order.

    A fault that ends or replaces the response leaves nothing after it for further faults to change.

    Args:
        interaction: the recording; it stays as it is.
        rechunk: how to cut its body and the bytes that faults insert.
    """

    def __init__(self, interaction: Interaction, rechunk: Rechunking | None = None) -> None:
        self._recorded = interaction
        self._rechunk = rechunk or Rechunking()
        plain = Script.of(interaction, rechunk)
        self._draft = _Draft(plain.response, tuple(_pieces(plain.pieces)), plain.end)
        self._left = len(interaction.body) + 1  # offsets below this one are still in the body as recorded

    @property
    def script(self) -> Script:
        """The script."""
        draft = self._draft
        silences = [draft.head_stall] if draft.response else []
        silences += [*(piece.stall for piece in draft.pieces), draft.end_stall]
        stalls = {step: seconds for step, seconds in enumerate(silences) if seconds}
        return Script(draft.response, draft.pieces, draft.end, stalls)

    def order(self, fault: Fault) -> int:
        """The sort key of a fault: its place in the response. So each fault meets what faults before it have left."""
        if fault.place is None or fault.place.unit == "head":
            return -1
        return self._offset(fault.place) or 0

    def apply(self, fault: Fault) -> bool:
        """Apply a fault to the script. Returns False if the response has no such place (now), or does not change."""
        before = self._draft
        place = fault.place
        if fault.kind == "slow":
            self._slow(fault.factor)
        elif fault.kind == "stall" and place is not None and place.unit == "head":
            self._draft = replace(before, head_stall=before.head_stall + fault.seconds)
        elif place is not None and place.unit != "head":
            at = self._offset(place)
            if at is not None and at < self._left:
                self._at(fault, at)
                if fault.kind in _ENDING and self._draft != before:
                    self._left = at
        elif self._left:
            if fault.kind == "status":
                self._refuse(fault)
            else:
                self._break_before_head(fault)
            self._left = 0
        return self._draft != before

    # -- places ------------------------------------------------------------------------------------------------------

    def _offset(self, place: Place) -> int | None:
        """The offset in the recorded body, or None if it has no such place."""
        length = len(self._recorded.body)
        if self._recorded.response is None:
            return None
        if place.unit == "end":
            return length
        if place.unit == "byte":
            return int(place.count) if place.count <= length else None
        if place.unit == "chunk":
            ends, total = [], 0
            for chunk in self._recorded.chunks:
                total += len(chunk.data)
                ends.append(total)
        else:
            ends = list(self._recorded.layout.ends)
        bounds = [0, *ends]
        whole, part = int(place.count), place.count % 1
        if whole >= len(bounds) or (part and whole + 1 >= len(bounds)):
            return None
        if not part:
            return bounds[whole]
        start, end = bounds[whole], bounds[whole + 1]
        return min(max(start + round(part * (end - start)), start + 1), max(end - 1, start))

    def _split(self, at: int) -> int:
        """Cut the recorded bytes at an offset. Returns the index of the piece after it, or of one inserted there."""
        pieces: list[Piece] = []
        index: int | None = None
        for piece in self._draft.pieces:
            if piece.start is None or index is not None:
                pieces.append(piece)
            elif at <= piece.start:
                index = len(pieces)
                pieces.append(piece)
            elif at < piece.start + len(piece.data):
                index = len(pieces) + 1
                pieces.extend(piece.split(at - piece.start))
            else:
                pieces.append(piece)
        self._draft = replace(self._draft, pieces=tuple(pieces))
        return len(pieces) if index is None else index

    # -- faults ------------------------------------------------------------------------------------------------------

    def _at(self, fault: Fault, at: int) -> None:
        assert fault.place is not None
        before = self._draft
        index = len(before.pieces) if fault.place.unit == "end" else self._split(at)
        if fault.kind == "reset":
            self._cut(index, End("reset"))
        elif fault.kind == "close":
            self._cut(index, End("reset", how="closed"))
        elif fault.kind == "eof":
            if index == len(self._draft.pieces) and self._draft.end.kind == "eof":
                self._draft = before  # it ends there anyway
            else:
                self._cut(index, End())
        elif fault.kind == "stall":
            self._stall(index, fault.seconds)
        elif fault.kind == "garbage":
            self._insert(index, Piece(0.0, GARBAGE))
        elif fault.kind == "duplicate":
            begin = self._offset(Place(fault.place.unit, fault.place.count - 1))
            assert begin is not None  # a place before an existing one exists too
            self._insert(index, Piece(0.0, self._again(begin, at)))
        else:
            self._fail(index, fault, at)

    def _cut(self, index: int, end: End) -> None:
        pieces, draft = self._draft.pieces, self._draft
        silence = pieces[index].stall if index < len(pieces) else draft.end_stall
        self._draft = replace(draft, pieces=pieces[:index], end=end, end_stall=silence)

    def _stall(self, index: int, seconds: float) -> None:
        pieces, draft = self._draft.pieces, self._draft
        if index == len(pieces):
            self._draft = replace(draft, end_stall=draft.end_stall + seconds)
        else:
            piece = replace(pieces[index], stall=pieces[index].stall + seconds)
            self._draft = replace(draft, pieces=(*pieces[:index], piece, *pieces[index + 1 :]))

    def _insert(self, index: int, piece: Piece) -> None:
        pieces = self._draft.pieces
        self._draft = replace(self._draft, pieces=(*pieces[:index], *self._cut_anew(piece), *pieces[index:]))

    def _cut_anew(self, piece: Piece) -> tuple[Piece, ...]:
        """The inserted bytes of a fault, cut as `rechunk` asks."""
        first, *more = self._rechunk.cut(piece.data)
        return (replace(piece, data=first), *(Piece(0.0, data) for data in more))

    def _again(self, begin: int, at: int) -> bytes:
        data = self._recorded.body[begin:at]
        if self._recorded.layout.framing == "json-array" and not begin:
            return b"," + data.lstrip(b" \t\r\n")[1:]  # an array has one opening bracket, and commas
        return data

    def _fail(self, index: int, fault: Fault, at: int) -> None:
        """An error as the API sends it in mid-stream, when the next bytes were due; then the end."""
        pieces = self._draft.pieces
        error = self._recorded.request.provider.error_event(
            fault.code, framing=self._recorded.layout.framing, first=not at, retry_after=fault.retry_after
        )
        after, stall = (pieces[index].after, pieces[index].stall) if index < len(pieces) else (0.0, 0.0)
        self._draft = replace(
            self._draft,
            pieces=(*pieces[:index], *self._cut_anew(Piece(after, error, stall))),
            end=End(),
            end_stall=0.0,
        )

    def _slow(self, factor: float) -> None:
        draft = self._draft
        response = draft.response and replace(draft.response, after=draft.response.after * factor)
        pieces = tuple(replace(piece, after=piece.after * factor) for piece in draft.pieces)
        self._draft = replace(
            draft, response=response, pieces=pieces, end=replace(draft.end, after=draft.end.after * factor)
        )

    def _break_before_head(self, fault: Fault) -> None:
        draft = self._draft
        how = None if fault.kind == "reset" else "closed"  # without a head, an end cannot be regular
        after = draft.response.after if draft.response else draft.end.after
        end = End("reset", after, how)  # type: ignore[arg-type]  # it is one of these
        self._draft = _Draft(None, (), end, end_stall=draft.head_stall)

    def _refuse(self, fault: Fault) -> None:
        recorded = self._recorded.response
        request = self._recorded.request
        body = request.provider.error_body(fault.code, url=request.url, retry_after=fault.retry_after)
        content_type = (header(recorded.headers, "content-type") if recorded else None) or "text/event-stream"
        headers = [("content-type", content_type), ("content-length", str(len(body)))]
        if fault.retry_after is not None:
            headers.append(("retry-after", f"{fault.retry_after:g}"))
        after = recorded.after if recorded else 0.0
        head = Response(fault.code, tuple(headers), after)
        self._draft = _Draft(head, self._cut_anew(Piece(0.0, body)), End(), head_stall=self._draft.head_stall)


def _pieces(chunks: Iterable[Chunk | Piece]) -> Iterator[Piece]:
    at = 0
    for chunk in chunks:
        yield Piece(chunk.after, chunk.data, start=at, members=chunk.members, coded=chunk.coded)
        at += len(chunk.data)


def check_events(faults: Iterable[Fault], rechunk: Rechunking, interaction: Interaction) -> None:
    """Refuse settings that need the events of a body that is stored compressed.

    Raises:
        UsageError: a setting needs them.
    """
    response = interaction.response
    if response is None or response.body != "wire":
        return
    wanted = [
        fault.text for fault in faults if fault.kind == "error" or (fault.place and fault.place.unit == "event")
    ]
    wanted += ["rechunk='events'"] if rechunk.kind == "events" else []
    if wanted:
        raise UsageError(
            f"{wanted[0]} needs the events of a response that is stored compressed.",
            hint="Place it by chunk or byte, or record again without wire=True.",
        )
