"""The rhythm of Gemini's answers, as measured: time to the first byte, gaps between events.

All jitter comes from a given random source, so that a seed makes it reproducible.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """How one kind of model streams.

    Attributes:
        first_byte_ms: time to the first byte, percentiles 5, 50 and 95.
        event_tokens: tokens per text event, once the stream is going.
        token_ms: milliseconds per token, least and most.
        thought_ms: milliseconds between thought summaries, least and most.
    """

    first_byte_ms: tuple[float, float, float]
    event_tokens: int = 48
    token_ms: tuple[float, float] = (76 / 48, 207 / 48)
    thought_ms: tuple[float, float] = (440.0, 520.0)


# Public recordings give the first byte of all of these. Gaps between chunks were found for
# 2.0-flash (5-7 ms per token) and 2.5-flash (76-207 ms per text event of 48 tokens) only; the
# others borrow those of 2.5-flash.
PROFILES = {
    "gemini-2.0-flash": Profile((298, 393, 1446), token_ms=(5.0, 7.0)),
    "gemini-2.5-flash": Profile((312, 415, 920)),
    "gemini-2.5-flash-thinking": Profile((578, 1067, 3881)),
    "gemini-2.5-flash-lite": Profile((234, 315, 503)),
    "gemini-2.5-pro": Profile((2115, 2938, 8007), event_tokens=25),
    "gemini-3-flash": Profile((817, 1324, 7494), event_tokens=25),
    "gemini-3-pro": Profile((2829, 4148, 4931), event_tokens=17),
    "gemini-3.1-pro": Profile((1982, 2570, 3944), event_tokens=17),
    "gemini-3.5-flash": Profile((862, 1375, 3649), event_tokens=25),
}


class Rhythm:
    """The waits of one answer, in seconds."""

    def __init__(self, profile: Profile, rng: random.Random) -> None:
        self.profile = profile
        self._rng = rng
        self._opening = self._openings()

    def first_byte(self) -> float:
        """Until the response's head: a draw between the percentiles 5 and 95."""
        low, middle, high = self.profile.first_byte_ms
        share = self._rng.uniform(0.05, 0.95)
        if share < 0.5:
            ms = low + (middle - low) * (share - 0.05) / 0.45
        else:
            # The upper half of every measured distribution is a long tail: most draws stay near the
            # median.
            ms = middle + (high - middle) * ((share - 0.5) / 0.45) ** 3
        return ms / 1000

    def text(self, tokens: int) -> float:
        """Before a text event of ``tokens``: the first comes with the head, the second soon."""
        opening = next(self._opening, None)
        if opening is not None:
            return opening
        return tokens * self._rng.uniform(*self.profile.token_ms) / 1000

    def thought(self) -> float:
        """Before a thought summary. The first comes with the head."""
        first = next(self._opening, None)
        if first is not None:
            self._opening = iter(())  # after a thought, text keeps to its tokens
            return first
        return self._rng.uniform(*self.profile.thought_ms) / 1000

    def _openings(self) -> Iterator[float]:
        yield self._rng.uniform(0, 0.001)
        yield self._rng.uniform(0, 0.010)
