"""Complete answers that are as short as a broken one: a client must not take the broken one for them."""

from __future__ import annotations

from dataclasses import replace

from ..cassette.model import Chunk, End, Interaction
from ..engine.faults import Fault
from ..provider import Layout


def is_breakable(interaction: Interaction) -> bool:
    """Whether the answer is whole and its events can be read."""
    return interaction.complete and interaction.response is not None and interaction.response.body != "wire"


def complete_prefix(interaction: Interaction, kept: int) -> Interaction:
    """A complete answer of the first `kept` events: the last of them has a finish reason."""
    return _shortened(interaction, interaction.layout, kept)


def complete_prefixes(interaction: Interaction, fault: Fault) -> list[Interaction]:
    """Complete answers that say as little as this one under a fault.

    They have the whole events before the fault; for garbage, a second one has all events but the one that is hit.
    """
    layout = interaction.layout
    kept = _kept(interaction, layout, fault)
    found = [_shortened(interaction, layout, kept)]
    if fault.kind == "garbage" and kept < len(layout.events):
        found.append(_without(interaction, layout, kept))
    return found


def _kept(interaction: Interaction, layout: Layout, fault: Fault) -> int:
    place = fault.place
    if place is None or place.unit == "head":
        return 0
    if place.unit == "event":
        return min(int(place.count), len(layout.ends))
    if place.unit == "end":
        return len(layout.ends)
    offset = int(place.count)
    if place.unit == "chunk":
        offset = sum(len(chunk.data) for chunk in interaction.chunks[: int(place.count)])
    return sum(end <= offset for end in layout.ends)


def _shortened(interaction: Interaction, layout: Layout, kept: int) -> Interaction:
    last = layout.events[kept - 1] if kept else None
    head = interaction.body[: layout.ends[kept - 2] if kept > 1 else 0]
    tail = interaction.request.provider.finished(last, framing=layout.framing, first=not head)
    return _of(interaction, head, tail)


def _without(interaction: Interaction, layout: Layout, index: int) -> Interaction:
    body = interaction.body
    head, tail = body[: layout.ends[index - 1] if index else 0], body[layout.ends[index] :]
    if layout.framing == "json-array" and not head:
        tail = b"[" + tail.lstrip(b" \t\r\n,")
    return _of(interaction, head, tail)


def _of(interaction: Interaction, *parts: bytes) -> Interaction:
    return replace(interaction, chunks=tuple(Chunk(0.0, part) for part in parts if part), end=End())
