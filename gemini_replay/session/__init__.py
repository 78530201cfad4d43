"""Sessions: one cassette with a record mode, matching and speed; who owns a request; whose hosts are whose."""

from .arguments import MODES, Mode
from .describing import describe
from .hosts import Hosts, base_url
from .owner import (
    Expected,
    Suspended,
    activated,
    candidates,
    check_host,
    check_url,
    expect,
    expect_no_longer,
    handing_on,
    owner_of,
)
from .refusing import blocked
from .session import Faults, Plan, Recording, Session

__all__ = [
    "MODES",
    "Expected",
    "Faults",
    "Hosts",
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
    "check_url",
    "describe",
    "expect",
    "expect_no_longer",
    "handing_on",
    "owner_of",
]
