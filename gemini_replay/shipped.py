"""The provider that ships. Whatever takes a provider as an argument falls back to it here, and nowhere else."""

from __future__ import annotations

from .gemini import GEMINI
from .provider import Writer


def shipped() -> Writer:
    """Gemini."""
    return GEMINI
