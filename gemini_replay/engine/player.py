"""Turns an interaction into steps with their moments. It moves chunks and never parses them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..cassette.model import End, Headers, Interaction, header
from .coding import Decode, accepts, encoder

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
class Stop:
    """The end, due ``at`` seconds after the request was sent."""

    at: float
    end: End


Step = Head | Data | Stop


@dataclass(frozen=True)
class Playback:
    """One interaction, ready to be played at a speed (a factor, see `timing.parse_speed`)."""

    interaction: Interaction
    speed: float = 1.0

    def steps(self, accept_encoding: str = "") -> Iterator[Step]:
        """The steps in order: the head (unless none was recorded), every chunk, the end.

        A body that was stored decoded is compressed again, chunk by chunk, where `accept_encoding` (the client's
        header) asks for the coding that was recorded; else it goes out as it is, and says so.
        """
        at = 0.0
        encode: Decode | None = None
        response = self.interaction.response
        if response is not None:
            coding = (header(response.headers, "content-encoding") or "").strip().lower()
            if response.body == "decoded" and accepts(accept_encoding, coding):
                encode = encoder(coding)
            at += response.after / self.speed
            dropped = set()
            if response.body == "decoded" and encode is None:
                dropped.add("content-encoding")
            if not self._length_is_true():
                dropped.add("content-length")
            headers = tuple(pair for pair in response.headers if pair[0].lower() not in dropped)
            yield Head(at, response.status, headers)
        for chunk in self.interaction.chunks:
            at += chunk.after / self.speed
            yield Data(at, encode(chunk.data) if encode else chunk.data)
        end = self.interaction.end
        silence = end.after + (_GRACE_S if end.kind == "cancelled" else 0.0)
        yield Stop(at + silence / self.speed, end)

    def _length_is_true(self) -> bool:
        response = self.interaction.response
        length = header(response.headers, "content-length") if response else None
        if length is None or response is None or response.body == "decoded":
            return False
        if not self.interaction.chunks:
            return True  # the answer to a HEAD request, or an empty body
        came = sum(len(chunk.data) for chunk in self.interaction.chunks)
        if self.interaction.end.kind != "eof" and length.strip().isdigit():
            return came <= int(length)  # what was promised and did not come is a part of the failure
        return length.strip() == str(came)
