"""Faults for tests: all faults that fit a cassette, and a user's call under each of them.

`gemini_replay.engine.faults` describes how a fault is written.
"""

from ..engine.faults import KINDS, Fault, parse_faults
from .client_check import RECHUNKINGS, ClientReport, ClientResult, Outcome, check_client
from .sweeps import SWEPT, faults_of, sweep

__all__ = [
    "KINDS",
    "RECHUNKINGS",
    "SWEPT",
    "ClientReport",
    "ClientResult",
    "Fault",
    "Outcome",
    "check_client",
    "faults_of",
    "parse_faults",
    "sweep",
]
