"""What a page shows of a stream, and when."""

from __future__ import annotations

import statistics
from itertools import accumulate

from gemini_replay import Interaction

Pieces = list[tuple[float, str]]
"""Texts, each with its moment in seconds since the request."""


def moments(interaction: Interaction) -> list[float]:
    """When each chunk came, in seconds since the request; here each is one event."""
    assert interaction.response is not None
    return list(accumulate((chunk.after for chunk in interaction.chunks), initial=interaction.response.after))[1:]


def assert_as_recorded(seen: Pieces, recorded: Interaction) -> None:
    """The page saw every event, none early, and in the recorded rhythm.

    A busy machine is late, by much at times, so it is not bounded how late the pieces are. What is bounded is how
    much that varies, by the median distance from the median. A stream that comes in one lump, at double or at half
    speed has pieces that are early, or late by very different times, or it ends too soon after its beginning.
    """
    due = moments(recorded)
    took = due[-1] - due[0]
    assert "".join(text for _, text in seen) == recorded.text
    assert len(seen) == len(due) > 5
    assert took > 1
    late = [at - wanted for (at, _), wanted in zip(seen, due, strict=True)]
    assert min(late) > -0.02
    assert statistics.median(abs(one - statistics.median(late)) for one in late) < min(0.3, took / 6)
    assert seen[-1][0] - seen[0][0] > 0.6 * took
