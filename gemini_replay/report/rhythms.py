"""The rhythms of models as a table."""

from __future__ import annotations

from ..rhythm.rhythms import RHYTHMS, Rhythm
from .terminal import table

COLUMNS = ("rhythm", "first byte, ms (p5 / p50 / p95)", "tokens per event", "ms per token", "ms between thoughts")


def cells(rhythm: Rhythm) -> tuple[str, ...]:
    """The row of one rhythm. A star marks a figure that comes from another model."""

    def figure(name: str, *values: float, sep: str = "-") -> str:
        return sep.join(f"{value:.2g}" if value < 10 else f"{value:.0f}" for value in values) + (
            "*" if name in rhythm.borrowed else ""
        )

    return (
        rhythm.name,
        figure("first_byte_ms", *rhythm.first_byte_ms, sep=" / "),
        figure("event_tokens", rhythm.event_tokens),
        figure("token_ms", *rhythm.token_ms),
        figure("thought_ms", *rhythm.thought_ms),
    )


def rhythm_table() -> str:
    """The whole table, and what the star means."""
    return f"{table(COLUMNS, map(cells, RHYTHMS.values()))}\n* from another model: this one was not measured"
