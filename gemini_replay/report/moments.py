"""When the events and chunks of an interaction came."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import NamedTuple

from ..cassette.model import Chunk, Interaction
from ..provider import Event


class TimedChunk(NamedTuple):
    """A chunk.

    Attributes:
        at: when it came, in seconds since the request was sent.
        chunk: itself.
    """

    at: float
    chunk: Chunk


class TimedEvent(NamedTuple):
    """An event, or a frame that is not JSON.

    Attributes:
        at: when its last byte came, in seconds since the request was sent.
        gap: seconds since the event before; of the first, since the response's head.
        size: its bytes.
        event: the event; None for a frame that is not JSON.
    """

    at: float
    gap: float
    size: int
    event: Event | None


def timed_chunks(interaction: Interaction) -> list[TimedChunk]:
    """The chunks of a body, with the moment of each."""
    head = interaction.response.after if interaction.response else 0.0
    moments = list(accumulate((chunk.after for chunk in interaction.chunks), initial=head))[1:]
    return [TimedChunk(at, chunk) for at, chunk in zip(moments, interaction.chunks, strict=True)]


def timed_events(interaction: Interaction) -> list[TimedEvent]:
    """The events of a body, with the moment at which each was complete."""
    layout, chunks = interaction.layout, timed_chunks(interaction)
    stops = list(accumulate(len(timed.chunk.data) for timed in chunks))
    ends = iter(layout.ends)
    bounds = [*(start for start, _ in layout.starts), stops[-1] if stops else 0]
    found: list[TimedEvent] = []
    before = interaction.response.after if interaction.response else 0.0
    for (start, event), (_, bound) in zip(layout.starts, pairwise(bounds), strict=True):
        end = bound if event is None else next(ends)
        at = chunks[min(bisect_left(stops, end), len(chunks) - 1)].at
        found.append(TimedEvent(at, at - before, end - start, event))
        before = at
    return found
