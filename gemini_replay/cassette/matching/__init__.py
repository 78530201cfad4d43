"""Which recording answers a request: `matcher` compares requests, `pool` has the recordings of a session."""

from .matcher import DEFAULT_KEYS, Matcher
from .pool import Nearest, Pool

__all__ = ["DEFAULT_KEYS", "Matcher", "Nearest", "Pool"]
