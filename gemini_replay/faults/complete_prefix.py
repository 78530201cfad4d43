"""Complete answers that are as short as a broken one. A client must not mistake the broken one for them."""

from __future__ import annotations

from dataclasses import replace

from ..cassette.model import Chunk, End, Interaction
from ..engine.faults import Fault


def is_breakable(interaction: Interaction) -> bool:
    """Whether the answer is whole and its events can be read."""
    return interaction.complete and interaction.response is not None and interaction.response.body != "wire"


def complete_prefix(interaction: Interaction, kept: int) -> Interaction:
    """A complete answer of the first `kept` events: the last of them has a finish reason."""
    layout = interaction.layout
    last = layout.events[kept - 1] if kept else None
    head = interaction.body[: layout.ends[kept - 2] if kept > 1 else 0]
    tail = interaction.request.provider.finished(last, framing=layout.framing, first=not head)
    return _of(interaction, head, tail)


def complete_prefixes(interaction: Interaction, fault: Fault) -> list[Interaction]:
    """Complete answers that are as short as this one under a fault.

    They have the whole events before the fault. For garbage, a second one has all events except the one that is lost.
    """
    kept = _kept(interaction, fault)
    found = [complete_prefix(interaction, kept)]
    if fault.kind == "garbage" and kept < len(interaction.layout.events):
        found.append(_without(interaction, kept))
    return found


def _kept(interaction: Interaction, fault: Fault) -> int:
    place, ends = fault.place, interaction.layout.ends
    if place is None or place.unit == "head":
        return 0
    if place.unit == "event":
        return min(int(place.count), len(ends))
    if place.unit == "end":
        return len(ends)
    offset = int(place.count)
    if place.unit == "chunk":
        offset = sum(len(chunk.data) for chunk in interaction.chunks[: int(place.count)])
    return sum(end <= offset for end in ends)


def _without(interaction: Interaction, index: int) -> Interaction:
    body, layout = interaction.body, interaction.layout
    head, tail = body[: layout.ends[index - 1] if index else 0], body[layout.ends[index] :]
    if layout.framing == "json-array" and not head:
        tail = b"[" + tail.lstrip(b" \t\r\n,")
    return _of(interaction, head, tail)


def _of(interaction: Interaction, *parts: bytes) -> Interaction:
    return replace(interaction, chunks=tuple(Chunk(0.0, part) for part in parts if part), end=End())
