"""The profiles of rhythm as a table."""

from __future__ import annotations

from ..rhythm.profiles import PROFILES, Profile
from .terminal import table

COLUMNS = ("profile", "first byte, ms (p5 / p50 / p95)", "tokens per event", "ms per token", "ms between thoughts")


def cells(profile: Profile) -> tuple[str, ...]:
    """The row of one profile. A star marks a figure that comes from another model."""

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


def profile_table() -> str:
    """The whole table, and what the star means."""
    return f"{table(COLUMNS, map(cells, PROFILES.values()))}\n* from another model: this one was not measured"
