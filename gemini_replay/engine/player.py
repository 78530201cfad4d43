"""Turns an interaction into steps with their moments. It moves chunks and never parses them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..cassette.model import End, Headers, Interaction, header
from .coding import Decode, accepts, encoder
from .script import Script, Scripting
from .timing import INSTANT

_GRACE_S = 1.0
"""How long a cancelled recording stays silent at its end: a client that lets go by a timer of its own does so now."""


@dataclass(frozen=True, slots=True)
class Head:
    """The response's head, due ``at`` seconds after the request was sent."""

    at: float
    status: int
    headers: Headers


@dataclass(frozen=True, slots=True)
class Data:
    """One chunk, due ``at`` seconds after the request was sent."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Silence:
    """In place of a stall, at instant speed: nothing comes for `seconds`; a client with less patience gives up."""

    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Stop:
    """The end, due ``at`` seconds after the request was sent."""

    at: float
    end: End


Step = Head | Data | Silence | Stop


@dataclass(frozen=True)
class Playback:
    """One interaction, ready to be played.

    Attributes:
        interaction: what was recorded.
        speed: a factor, see `timing.parse_speed`.
        max_gap: the longest wait before any step, in seconds at that speed; stalls that a fault asks for are none.
        script: what is played of it, where that is not just what was recorded.
    """

    interaction: Interaction
    speed: float = 1.0
    max_gap: float = math.inf
    script: Script | None = None

    def steps(self, accept_encoding: str = "") -> Iterator[Step]:
        """The steps in order: the head (unless there is none), every chunk, the end.

        A body that was stored decoded is compressed again, chunk by chunk, where `accept_encoding` (the client's
        header) asks for the coding that was recorded; else it goes out as it is, and says so.
        """
        script = self.script or Scripting(self.interaction).script
        at = 0.0
        encode: Decode | None = None
        response = script.response
        if response is not None:
            coding = (header(response.headers, "content-encoding") or "").strip().lower()
            if response.body == "decoded" and accepts(accept_encoding, coding):
                encode = encoder(coding)
            yield from self._silence(at, script.head_stall)
            at += self._wait(response.after, script.head_stall)
            dropped = set()
            if response.body == "decoded" and encode is None:
                dropped.add("content-encoding")
            if not _length_is_true(script):
                dropped.add("content-length")
            headers = tuple(pair for pair in response.headers if pair[0].lower() not in dropped)
            yield Head(at, response.status, headers)
        for piece in script.pieces:
            yield from self._silence(at, piece.stall)
            at += self._wait(piece.after, piece.stall)
            yield Data(at, encode(piece.data) if encode else piece.data)
        yield from self._silence(at, script.end_stall)
        at += self._wait(script.end.after, script.end_stall)
        if script.end.kind == "cancelled":
            at += _GRACE_S / self.speed
        yield Stop(at, script.end)

    def _wait(self, recorded: float, stall: float) -> float:
        wait = min(recorded / self.speed, self.max_gap)
        return wait if self.speed == INSTANT else wait + stall

    def _silence(self, at: float, stall: float) -> Iterator[Silence]:
        if stall and self.speed == INSTANT:
            yield Silence(at, stall)


def _length_is_true(script: Script) -> bool:
    response = script.response
    length = header(response.headers, "content-length") if response else None
    if length is None or response is None or response.body == "decoded":
        return False
    if not script.pieces and script.end.kind == "eof":
        return True  # the answer to a HEAD request, or an empty body
    came = sum(len(piece.data) for piece in script.pieces)
    if script.end.kind != "eof" and length.strip().isdigit():
        return came <= int(length)  # what was promised and did not come is a part of the failure
    return length.strip() == str(came)
