"""Sessions: a cassette with a record mode, matching and speed; which of them owns a request; which hosts are theirs."""

from .hosts import GEMINI_HOSTS, base_url, blocked, is_gemini_host
from .owner import activated, current
from .session import MODES, Faults, Mode, Plan, Recording, Session, describe

__all__ = [
    "GEMINI_HOSTS",
    "MODES",
    "Faults",
    "Mode",
    "Plan",
    "Recording",
    "Session",
    "activated",
    "base_url",
    "blocked",
    "current",
    "describe",
    "is_gemini_host",
]
