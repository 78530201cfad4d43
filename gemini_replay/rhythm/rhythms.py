"""The rhythm of Gemini's answers, as measured: time to the first byte, gaps between events.

All randomness comes from a given source, so that a seed gives the same times on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import UsageError, did_you_mean

_THINKING = "-thinking"


@dataclass(frozen=True)
class Rhythm:
    """The rhythm of one kind of model.

    Attributes:
        name: the rhythm's name.
        first_byte_ms: time to the first byte, percentiles 5, 50 and 95.
        event_tokens: tokens per text event, after the first one.
        token_ms: milliseconds per token, least and most.
        thought_ms: milliseconds between thought summaries, least and most.
        borrowed: which of these were not measured for this model, but for the most similar one.
    """

    name: str
    first_byte_ms: tuple[float, float, float]
    event_tokens: int = 48
    token_ms: tuple[float, float] = (76 / 48, 207 / 48)
    thought_ms: tuple[float, float] = (440.0, 520.0)
    borrowed: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The model's name, without the suffix for thinking, which depends on the request."""
        return self.name.removesuffix(_THINKING)


_GAPS = ("token_ms", "thought_ms")

# Public recordings give the first byte of all of these. Gaps between chunks were found for 2.0-flash (5-7 ms per
# token) and 2.5-flash (76-207 ms per text event of about 48 tokens, about 480 ms between thought summaries) only.
# The others borrow those of 2.5-flash; 3-pro borrows the size of its events from 3.1-pro.
RHYTHMS: dict[str, Rhythm] = {
    rhythm.name: rhythm
    for rhythm in (
        Rhythm("gemini-2.0-flash", (298, 393, 1446), token_ms=(5.0, 7.0), borrowed=("thought_ms",)),
        Rhythm("gemini-2.5-flash", (312, 415, 920)),
        Rhythm("gemini-2.5-flash-thinking", (578, 1067, 3881)),
        Rhythm("gemini-2.5-flash-lite", (234, 315, 503), borrowed=("event_tokens", *_GAPS)),
        Rhythm("gemini-2.5-pro", (2115, 2938, 8007), event_tokens=25, borrowed=_GAPS),
        Rhythm("gemini-3-flash", (817, 1324, 7494), event_tokens=25, borrowed=_GAPS),
        Rhythm("gemini-3-pro", (2829, 4148, 4931), event_tokens=17, borrowed=("event_tokens", *_GAPS)),
        Rhythm("gemini-3.1-pro", (1982, 2570, 3944), event_tokens=17, borrowed=_GAPS),
        Rhythm("gemini-3.5-flash", (862, 1375, 3649), event_tokens=25, borrowed=_GAPS),
    )
}
DEFAULT_RHYTHM = RHYTHMS["gemini-2.5-flash"]

_LONGEST_FIRST = sorted(RHYTHMS, key=len, reverse=True)


def find_rhythm(rhythm: str | Rhythm) -> Rhythm:
    """The rhythm of that name; a `Rhythm` is returned as it is. An unknown name is a `UsageError`."""
    if isinstance(rhythm, Rhythm):
        return rhythm
    if isinstance(rhythm, str) and rhythm in RHYTHMS:
        return RHYTHMS[rhythm]
    longer = [name for name in _LONGEST_FIRST if str(rhythm).startswith(name)]
    raise UsageError(
        f"Unknown rhythm {rhythm!r}.",
        suggestion=did_you_mean(next(iter(longer), rhythm), RHYTHMS),
        hint=f"Choose one of: {', '.join(RHYTHMS)}.",
    )


def rhythm_for(model: str | None, *, thinking: bool = False) -> Rhythm:
    """The rhythm with the longest name that the model's name starts with; that of 2.5-flash for unknown models.

    Some models have a separate rhythm for answers with thoughts.
    """
    name = next((name for name in _LONGEST_FIRST if (model or "").startswith(name)), DEFAULT_RHYTHM.name)
    return RHYTHMS.get(f"{name}{_THINKING}", RHYTHMS[name]) if thinking else RHYTHMS[name]


class Waits:
    """The waits of one answer, in seconds."""

    def __init__(self, rhythm: Rhythm, rng: random.Random) -> None:
        self.rhythm = rhythm
        self._rng = rng
        self._opening = self._openings()

    def first_byte(self) -> float:
        """The wait for the response's head. The percentiles 5, 50 and 95 of many draws are the rhythm's.

        Nothing was measured beyond the outer two, so no draw lies beyond them.
        """
        low, middle, high = self.rhythm.first_byte_ms
        share = min(max(self._rng.random(), 0.05), 0.95)
        if share < 0.5:
            ms = low + (middle - low) * (share - 0.05) / 0.45
        else:
            # The upper half of every measured distribution is a long tail: most draws stay near the
            # median.
            ms = middle + (high - middle) * ((share - 0.5) / 0.45) ** 3
        return ms / 1000

    def text(self, tokens: int) -> float:
        """The wait before a text event of ``tokens``. The first comes with the head, the second soon after it."""
        opening = next(self._opening, None)
        return self.tokens(tokens) if opening is None else opening

    def tokens(self, count: int) -> float:
        """The time that ``count`` tokens take, at any place."""
        return count * self._rng.uniform(*self.rhythm.token_ms) / 1000

    def thought(self) -> float:
        """The wait before a thought summary. The first comes with the head."""
        first = next(self._opening, None)
        if first is not None:
            self._opening = iter(())  # after a thought, the first text event waits for its tokens
            return first
        return self._rng.uniform(*self.rhythm.thought_ms) / 1000

    def further(self) -> float:
        """The wait before a further chunk of the same event, and before the end of the body."""
        return self._rng.uniform(0, 0.001)

    def refusal(self) -> float:
        """The wait for the head of an answer that no model generates: an error, a description, a count."""
        return self._rng.uniform(0.015, 0.075)

    def _openings(self) -> Iterator[float]:
        yield self._rng.uniform(0, 0.001)
        yield self._rng.uniform(0, 0.010)
