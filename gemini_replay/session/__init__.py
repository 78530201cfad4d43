"""Sessions: one cassette with a record mode, matching and speed; which of them owns a request, and which hosts."""

from .current import Suspended, activated, candidates, replays_only
from .expected import Expectation, Expected, expect, expect_no_longer
from .forward import Forward
from .handing_on import handing_on
from .hosts import Hosts, Pattern, address, base_url, normal_host, parse_patterns
from .owner import check_host, check_url, grpc_hosts, owner_of
from .refusing import blocked
from .session import Decision, Session
from .settings import MODES, Faults, Mode

__all__ = [
    "MODES",
    "Decision",
    "Expectation",
    "Expected",
    "Faults",
    "Forward",
    "Hosts",
    "Mode",
    "Pattern",
    "Session",
    "Suspended",
    "activated",
    "address",
    "base_url",
    "blocked",
    "candidates",
    "check_host",
    "check_url",
    "expect",
    "expect_no_longer",
    "grpc_hosts",
    "handing_on",
    "normal_host",
    "owner_of",
    "parse_patterns",
    "replays_only",
]
