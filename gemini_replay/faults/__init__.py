"""Faults for tests: every one that a cassette has a place for, and what a client comes to under each.

How a fault is spelled is told in `gemini_replay.engine.faults`.
"""

from ..engine.faults import KINDS, Fault, parse_faults
from .calling import Outcome
from .places import SWEPT, faults_of, sweep
from .trying import FaultResult, Trial, try_all

__all__ = [
    "KINDS",
    "SWEPT",
    "Fault",
    "FaultResult",
    "Outcome",
    "Trial",
    "faults_of",
    "parse_faults",
    "sweep",
    "try_all",
]
