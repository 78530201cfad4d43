"""Variations of one recorded response for the checks of clients: cut anew, or broken off. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..cassette.model import Chunk, End, Interaction
from ..frames import dumps, encode_error, encode_sse, pretty
from ..gemini import Event, StreamParser
from . import cuts

_MANY = 4000
"""The most cuts of one response; of longer bodies the beginning is cut finely, the rest comes whole."""

_PLACES = 4
"""Places of one response at which each fault is tried."""


def rechunked(interaction: Interaction, name: str) -> Interaction:
    """The interaction with its body cut in the way of that name; all chunks come at once."""
    return _with_chunks(interaction, _cut(interaction.body, CHUNKINGS[name](interaction)))


def broken(interaction: Interaction, name: str) -> Iterator[tuple[str, Interaction, Interaction]]:
    """Each place at which a complete answer breaks off in the way of that name.

    Yields:
        A description; the broken interaction; and an honest one of the same length: its last event has the finish
        reason STOP.
    """
    if not _can_break(interaction):
        return
    stream = _Stream(interaction)
    for kept in _spread(stream.unfinished):
        at = stream.ends[kept - 1] if kept else 0
        within = (at + stream.ends[kept]) // 2
        after = f"after event {kept}" if kept else "before the first event"
        ends = stream.ends[:kept]
        if name == "reset":
            yield f"reset {after}", stream.upto(at, ends, End("reset")), stream.honest(kept)
        elif name == "reset-inside":
            yield f"reset inside event {kept + 1}", stream.upto(within, ends, End("reset")), stream.honest(kept)
        elif name == "closed":
            end = End("reset", how="closed")
            yield f"closed {after}, with the body incomplete", stream.upto(at, ends, end), stream.honest(kept)
        elif name == "early-end":
            yield f"a clean end {after}", stream.upto(at, ends, End()), stream.honest(kept)
        elif name == "truncated":
            yield f"a clean end inside event {kept + 1}", stream.upto(within, ends, End()), stream.honest(kept)
        else:
            yield f"an error object {after}", stream.with_error(kept), stream.honest(kept)


def without_text(interaction: Interaction) -> Interaction:
    """A complete answer replaced by an empty one that is honest; any other interaction as it is."""
    return _Stream(interaction).honest(0) if _can_break(interaction) else interaction


def _can_break(interaction: Interaction) -> bool:
    return interaction.complete and interaction.response is not None and interaction.response.body != "wire"


def _bytes(interaction: Interaction) -> Iterable[int]:
    return range(1, min(len(interaction.body), _MANY))


def _hot(interaction: Interaction) -> Iterable[int]:
    return cuts.hot_offsets(interaction.body, _MANY)


def _at_events(interaction: Interaction) -> Iterable[int]:
    return _Stream(interaction).ends


def _inside_events(interaction: Interaction) -> Iterable[int]:
    ends = _Stream(interaction).ends
    return [(a + b) // 2 for a, b in zip([0, *ends], ends, strict=False)]


CHUNKINGS: dict[str, Callable[[Interaction], Iterable[int]]] = {
    "whole": lambda interaction: (),
    "events": _at_events,
    "inside-events": _inside_events,
    "hot": _hot,
    "bytes": _bytes,
}
"""The whole body in one chunk; one event per chunk; cut in the middle of each event; cut at every delicate place;
byte by byte."""

FAULTS = ("reset", "reset-inside", "closed", "early-end", "truncated", "error")
"""The connection is reset after an event, or inside one; closed before the body is complete; a body that ends in good
order too early, after an event or inside one; and an error object in mid-stream."""


class _Stream:
    """One complete answer, event by event."""

    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction
        self._body = interaction.body
        parser = StreamParser()
        self._events: list[Event] = [*parser.feed(self._body), *parser.close()]
        self._array = parser.framing == "json-array"
        starts = [event.frame.offset for event in self._events if event.frame is not None]
        self.ends = [*starts[1:], len(self._body)] if starts else []
        if self._array:  # an element ends before its comma
            self.ends = [len(self._body[:end].rstrip(b" \t\r\n,")) + 1 for end in self.ends[:-1]] + self.ends[-1:]

    @property
    def unfinished(self) -> list[int]:
        """How many first events can be kept without the answer being finished by them."""
        kept = []
        for count, event in enumerate(self._events):
            kept.append(count)
            if event.finish_reason or event.block_reason:
                break
        return kept

    def upto(self, at: int, offsets: Iterable[int], end: End) -> Interaction:
        return replace(_with_chunks(self._interaction, _cut(self._body[:at], offsets)), end=end)

    def with_error(self, kept: int) -> Interaction:
        error = encode_error(503, "The model is overloaded. Please try again later.", "UNAVAILABLE")
        head = self._body[: self.ends[kept - 1]] if kept else b""
        if self._array:
            error = (b",\r\n" if kept else b"[") + error + b"]"
        return replace(_with_chunks(self._interaction, [*_cut(head, self.ends[:kept]), error]), end=End())

    def honest(self, kept: int) -> Interaction:
        """The answer of the first `kept` events, the last of which says that the model has finished."""
        if kept:
            last: Any = _finished(self._events[kept - 1].json)
            head = self._body[: self._start(kept - 1)]
        else:
            last, head = _finished({"candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}}]}), b""
        if self._array and not head:
            head = b"["
        end = pretty(last).encode() + b"\n]" if self._array else encode_sse(dumps(last))
        return replace(_with_chunks(self._interaction, [chunk for chunk in (head, end) if chunk]), end=End())

    def _start(self, index: int) -> int:
        frame = self._events[index].frame
        assert frame is not None  # the parser made the event
        return frame.offset


def _finished(event: Any) -> Any:
    if not isinstance(event, dict):
        return event
    candidates = event.get("candidates") or [{}]
    return {**event, "candidates": [{**candidates[0], "finishReason": "STOP"}, *candidates[1:]]}


def _spread(places: list[int]) -> list[int]:
    """At most `_PLACES` of them, the first and the last among these."""
    if len(places) <= _PLACES:
        return places
    step = (len(places) - 1) / (_PLACES - 1)
    return [places[round(n * step)] for n in range(_PLACES)]


def _cut(body: bytes, offsets: Iterable[int]) -> tuple[bytes, ...]:
    return cuts.split(body, tuple(sorted({at for at in offsets if 0 < at < len(body)}))) if body else ()


def _with_chunks(interaction: Interaction, chunks: Iterable[bytes]) -> Interaction:
    return replace(interaction, chunks=tuple(Chunk(0.0, data) for data in chunks))
