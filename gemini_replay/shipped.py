"""The default provider. Every argument `provider` gets its default from here."""

from __future__ import annotations

from .gemini import GEMINI
from .provider import Writer


def shipped() -> Writer:
    """Gemini."""
    return GEMINI
