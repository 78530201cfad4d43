"""Sessions: one cassette with a record mode, matching and speed; who owns a request; whose hosts are whose."""

from .arguments import MODES, Mode
from .describing import describe
from .hosts import GEMINI_HOSTS, base_url, blocked, is_gemini_host
from .owner import Suspended, activated, candidates, check_host, handing_on, owner_of
from .session import Faults, Plan, Recording, Session

__all__ = [
    "GEMINI_HOSTS",
    "MODES",
    "Faults",
    "Mode",
    "Plan",
    "Recording",
    "Session",
    "Suspended",
    "activated",
    "base_url",
    "blocked",
    "candidates",
    "check_host",
    "describe",
    "handing_on",
    "is_gemini_host",
    "owner_of",
]
