"""Sessions: one cassette with a record mode, matching and speed; who owns a request; whose hosts are whose."""

from .describing import describe
from .hosts import GEMINI_HOSTS, base_url, blocked, is_gemini_host
from .owner import activated, current
from .session import MODES, Faults, Mode, Plan, Recording, Session

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
