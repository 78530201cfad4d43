"""Gives an interaction that was imported or written by hand the rhythm of a model.

Only times are drawn. Bytes stay, and so do chunk boundaries unless others are asked for. The wait for an event comes
before the chunk in which it begins, since no part of it can be sent before it exists.
"""

from __future__ import annotations

import hashlib
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, pairwise

from ..cassette.encoding import Rounding
from ..cassette.model import Interaction
from ..engine.rechunking import parse_rechunk
from ..engine.script import check_events
from ..provider import Event
from .rhythms import Rhythm, Waits, find_rhythm, rhythm_for

TIMES_UNKNOWN = "# Times unknown:"
"""The beginning of the comment that marks an interaction whose times were not recorded."""

_NOTE = "# Times drawn, not recorded:"
_BYTES_PER_TOKEN = 10  # in an event with its frame: 48 tokens of text are about 460 bytes of SSE


def retime(
    interaction: Interaction, rhythm: str | Rhythm | None = None, *, seed: int = 0, rechunk: str | int | None = None
) -> Interaction:
    """The interaction with times drawn from a rhythm; everything else in it stays.

    The head comes by the rhythm's time to the first byte, the first event with it, each text event after its
    tokens, each thought summary after its gap, further chunks of one event within a millisecond. An answer in one
    JSON object comes at the time when a stream of it would have ended. HTTP errors come soon. Bytes without events
    (malformed, or compressed as on the wire) count by their length. All times are whole milliseconds, so that
    saving keeps them. An end other than "eof" keeps its time, which depends on the connection or the client.

    Different answers get different times from one seed. Without a response, the interaction is returned unchanged.
    Otherwise it gets a comment that says where its times come from. For the arguments, see `Cassette.retime`.

    Raises:
        UsageError: an unknown rhythm or rechunk; or `rechunk` needs the events of a body that is stored compressed.
    """
    response = interaction.response
    how = parse_rechunk(rechunk)
    known = None if rhythm is None else find_rhythm(rhythm)
    if response is None:
        return interaction
    check_events((), how, interaction)
    interaction = replace(interaction, chunks=how.apply(interaction))
    body = _Body(interaction)
    if known is None:
        known = rhythm_for(interaction.request.model, thinking=body.thinks)
    waits = Waits(known, _chance(interaction, seed))
    if not 200 <= response.status < 300 or body.is_data:
        head = waits.refusal()
    else:
        head = waits.first_byte() + (waits.tokens(body.tokens(known)) if body.unary else 0.0)
    streams = 200 <= response.status < 300 and not body.unary
    before = body.before_each(waits) if streams else [waits.further() for _ in interaction.chunks]
    after, *afters = map(Rounding(), [head, *before, waits.further()])
    end = interaction.end
    note = f"{_NOTE} {known.name}, seed {seed}"
    return replace(
        interaction,
        response=replace(response, after=after),
        chunks=tuple(replace(chunk, after=wait) for wait, chunk in zip(afters, interaction.chunks, strict=False)),
        end=replace(end, after=afters[-1]) if end.kind == "eof" else end,
        comments=(*(line for line in interaction.comments if not line.startswith((_NOTE, TIMES_UNKNOWN))), note),
    )


def _chance(interaction: Interaction, seed: int) -> random.Random:
    """A random source for each answer. The request's body does not count, since its spelling is not kept."""
    digest = hashlib.sha256(interaction.request.url.encode("utf-8", "surrogatepass"))
    for chunk in interaction.chunks:
        digest.update(chunk.data)
    return random.Random(f"{seed}/{digest.hexdigest()}")


class _Body:
    """What the waits depend on: which events start in which chunk, and whether it is one JSON object (`unary`)."""

    def __init__(self, interaction: Interaction) -> None:
        self._count = interaction.request.provider.tokens
        self._sizes = [len(chunk.data) for chunk in interaction.chunks]
        self._ends = list(accumulate(self._sizes))
        self._starts = interaction.layout.starts
        self.unary = interaction.layout.framing == "json-object" and len(self._starts) == 1

    @property
    def thinks(self) -> bool:
        """Whether there are thought summaries."""
        return any(event and event.thoughts for _, event in self._starts)

    @property
    def is_data(self) -> bool:
        """Whether it is one object that no model generated, such as a count of tokens or a model's description."""
        return self.unary and not any(event is None or event.is_answer for _, event in self._starts)

    def tokens(self, rhythm: Rhythm) -> int:
        """All tokens, including those of thought summaries."""
        return sum(
            _tokens(event, size, rhythm) + (self._count(event.thoughts) if event and event.thoughts else 0)
            for event, _, size in self._spans()
        )

    def before_each(self, waits: Waits) -> list[float]:
        """The wait before each chunk, in seconds."""
        if not self._starts:
            return [waits.text(_by_bytes(size, waits.rhythm)) for size in self._sizes]
        drawn: dict[int, float] = {}
        for event, offset, size in self._spans():
            chunk = bisect_right(self._ends, offset)
            drawn[chunk] = drawn.get(chunk, 0.0) + self._wait(event, size, waits)
        return [drawn[chunk] if chunk in drawn else waits.further() for chunk in range(len(self._sizes))]

    def _spans(self) -> Iterator[tuple[Event | None, int, int]]:
        """Each event with its start and its number of bytes until the next one."""
        bounds = [*(offset for offset, _ in self._starts), sum(self._sizes)]
        for (offset, event), (_, following) in zip(self._starts, pairwise(bounds), strict=True):
            yield event, offset, following - offset

    def _wait(self, event: Event | None, size: int, waits: Waits) -> float:
        if event is None or not event.thoughts:
            return waits.text(_tokens(event, size, waits.rhythm))
        thought = waits.thought()
        return thought + waits.text(self._count(event.text)) if event.text else thought


def _tokens(event: Event | None, size: int, rhythm: Rhythm) -> int:
    """The tokens of an event without thoughts; if there is no text to count, an estimate from its bytes."""
    known = event.tokens if event else None
    return _by_bytes(size, rhythm) if known is None else known


def _by_bytes(size: int, rhythm: Rhythm) -> int:
    """At most the tokens of a text event, since unknown bytes may be anything."""
    return min(rhythm.event_tokens, 1 + size // _BYTES_PER_TOKEN)
