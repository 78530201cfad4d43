"""Streams for the tests that every transport must pass."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from gemini_replay.server.upstream.scenarios import Scenario

from .clients import Seen
from .measuring import least
from .streams import gaps_of

GAP = 0.05
"""Seconds between two chunks, in tests that look at times."""


def scripted(chunks: list[bytes], *, gap: float = 0.0, **options: Any) -> Scenario:
    """These chunks with the same gap before each."""
    return Scenario.from_chunks(chunks, gaps=gaps_of(chunks, gap), **options)


def assert_in_rhythm(fetch: Callable[[], Seen], after: float = 0.0) -> None:
    """No chunk comes early, and most come long before the next one is due. The head is due `after` so many seconds.

    A busy machine takes long to connect, so a delay that all chunks share does not count. In a stream of eight chunks
    that comes in one piece at its end, half of the chunks are 3.5 gaps later than the last one.
    """

    def spread() -> float:
        seen = fetch()
        assert seen.error is None
        late = [at - seen.began - after - GAP * n for n, at in enumerate(seen.times, 1)]
        assert min(late) > -0.002
        return statistics.median(late) - min(late)

    assert least(spread, 2 * GAP) < 2 * GAP
