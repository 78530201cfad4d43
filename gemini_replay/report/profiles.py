"""The profiles of rhythm as a plain table."""

from __future__ import annotations

from collections.abc import Sequence

from ..rhythm.profiles import PROFILES, Profile

COLUMNS = ("profile", "first byte, ms (p5 / p50 / p95)", "tokens per event", "ms per token", "ms between thoughts")


def cells(profile: Profile) -> tuple[str, ...]:
    """One profile's row; a figure that is borrowed from another model has a star."""

    def figure(name: str, *values: float, sep: str = "-") -> str:
        return sep.join(f"{value:.2g}" if value < 10 else f"{value:.0f}" for value in values) + (
            "*" if name in profile.borrowed else ""
        )

    return (
        profile.name,
        figure("first_byte_ms", *profile.first_byte_ms, sep=" / "),
        figure("event_tokens", profile.event_tokens),
        figure("token_ms", *profile.token_ms),
        figure("thought_ms", *profile.thought_ms),
    )


def lines() -> list[str]:
    """The whole table, in columns, and what the star means."""
    rows = [COLUMNS, *map(cells, PROFILES.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return [*(_aligned(row, widths) for row in rows), "* borrowed: measured nowhere for this model"]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
