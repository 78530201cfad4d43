"""Other chunk boundaries for the same bytes. A chunk is due when its last byte was due in the recording."""

from __future__ import annotations

import random
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Literal

from ..cassette.model import Chunk, Interaction
from ..errors import UsageError, did_you_mean

TCP_SEGMENT = 1460
"""Bytes in a TCP segment on Ethernet: 1500 minus the headers of IPv4 and TCP (RFC 9293, 3.7.1)."""

_LARGEST = 4096
_NAMES = ("recorded", "whole", "bytes", "events", "tcp", "random")
_SIZES = {"whole": sys.maxsize, "bytes": 1, "tcp": TCP_SEGMENT}


@dataclass(frozen=True)
class Rechunking:
    """One way to cut a recorded body anew; made by `parse_rechunk`.

    Attributes:
        kind: "recorded" (nothing is changed), "events" (each event in one chunk), "size", or "random".
        size: bytes of every chunk except the last, for "size".
        seed: for "random": the same seed cuts the same body in the same way on every machine.
    """

    kind: Literal["recorded", "events", "size", "random"] = "recorded"
    size: int = 0
    seed: int = 0

    def apply(self, interaction: Interaction) -> tuple[Chunk, ...]:
        """The body's bytes in other chunks."""
        chunks = interaction.chunks
        if self.kind == "recorded":
            return chunks
        return recut(chunks, interaction.layout.ends if self.kind == "events" else self._cuts(len(interaction.body)))

    def cut(self, data: bytes) -> list[bytes]:
        """Cut bytes that were not recorded in the same way; "recorded" and "events" give one chunk."""
        bounds = [0, *(self._cuts(len(data)) if self.kind in ("size", "random") else ()), len(data)]
        return [data[start:end] for start, end in pairwise(bounds)]

    def _cuts(self, length: int) -> Iterable[int]:
        return range(self.size, length, self.size) if self.kind == "size" else self._drawn(length)

    def _drawn(self, length: int) -> Iterator[int]:
        rng = random.Random(self.seed)
        at = 0
        while True:
            # From one byte to some pages, each order of magnitude equally often: small chunks break most parsers.
            at += max(1, round(_LARGEST ** rng.random()))
            if at >= length:
                return
            yield at


def parse_rechunk(value: str | int | None) -> Rechunking:
    """Parse a value of `rechunk=`.

    Args:
        value: None or "recorded": as recorded; "whole": all in one chunk; "bytes": byte by byte; "events": one event
            per chunk; a number (or its text): chunks of that many bytes; "tcp": segments of 1460 bytes, which ignore
            frames; "random" or "random:SEED".

    Raises:
        UsageError: anything else.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return Rechunking("size", value)
    text = "recorded" if value is None else str(value).strip().lower() if isinstance(value, str | int) else ""
    name, _, argument = text.partition(":")
    if name == "random" and (not argument or _is_number(argument)):
        return Rechunking("random", seed=int(argument or 0))
    if not argument:
        if name in ("recorded", "events"):
            return Rechunking(name)  # type: ignore[arg-type]  # it is one of the kinds
        if name in _SIZES:
            return Rechunking("size", _SIZES[name])
        if _is_number(name) and int(name) > 0 and not isinstance(value, bool):
            return Rechunking("size", int(name))
    raise UsageError(
        f"Unknown value for rechunk: {value!r}.",
        suggestion=did_you_mean(name, _NAMES),
        hint="Use recorded, whole, bytes, events, tcp, random, random:SEED, or a number of bytes above 0.",
    )


def recut(chunks: Sequence[Chunk], cuts: Iterable[int]) -> tuple[Chunk, ...]:
    """The same bytes, cut at these ascending offsets of the body and nowhere else.

    The sum of times stays the same: the wait before an empty chunk is added to the next bytes. Bytes that are
    still coded are not cut.
    """
    decoded, coded = _apart(chunks)
    made: list[Chunk] = []
    held: list[bytes] = []
    waited, at = 0.0, 0
    remaining = iter(cuts)
    cut = next(remaining, None)
    for chunk in decoded:
        waited += chunk.after
        start, end = 0, at + len(chunk.data)
        while cut is not None and cut <= end:
            held.append(chunk.data[start : cut - at])
            start = max(start, cut - at)
            if data := b"".join(held):
                made.append(Chunk(waited, data))
                waited = 0.0
            held.clear()
            cut = next(remaining, None)
        held.append(chunk.data[start:])
        at = end
    if (data := b"".join(held)) or waited:
        made.append(Chunk(waited, data))
    return (*_with_members(made, decoded), *coded)


def _apart(chunks: Sequence[Chunk]) -> tuple[Sequence[Chunk], Sequence[Chunk]]:
    """The chunks up to the last byte that is decoded, and those that are still coded."""
    at = next((place for place, chunk in enumerate(chunks) if chunk.coded), None)
    if at is None:
        return chunks, ()
    last = chunks[at]
    ending = tuple(member for member in last.members if member == len(last.data))
    before = replace(last, members=last.members[: len(last.members) - len(ending)], coded=b"")
    return (*chunks[:at], before), (Chunk(0.0, b"", (0,) * len(ending), last.coded), *chunks[at + 1 :])


def _with_members(made: Iterable[Chunk], decoded: Sequence[Chunk]) -> Iterator[Chunk]:
    """The new chunks, with the members of the coding where they were."""
    ends = accumulate((len(chunk.data) for chunk in decoded), initial=0)
    members = [start + member for chunk, start in zip(decoded, ends, strict=False) for member in chunk.members]
    at = done = 0
    for chunk in made:
        end = at + len(chunk.data)
        upto = bisect_left(members, end)
        yield replace(chunk, members=tuple(member - at for member in members[done:upto])) if upto > done else chunk
        at, done = end, upto
    if rest := members[done:]:
        yield Chunk(0.0, b"", (0,) * len(rest))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20
