"""Which recording answers a request: `matcher` compares requests, `pool` has the recordings of a session."""

from .ignoring import Ignored, IgnoredDrift
from .lookup import Recording
from .matcher import DEFAULT_KEYS, Key, Matcher, Normalize, lines
from .pool import Nearest, Pool

__all__ = [
    "DEFAULT_KEYS",
    "Ignored",
    "IgnoredDrift",
    "Key",
    "Matcher",
    "Nearest",
    "Normalize",
    "Pool",
    "Recording",
    "lines",
]
