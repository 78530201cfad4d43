"""Parsers that are right but for one bug each."""

from . import arrays, bodies, content, delivery, events, lines, sizes, state, uses
from .registry import PLANTED, Planted

__all__ = [
    "PLANTED",
    "Planted",
    "arrays",
    "bodies",
    "content",
    "delivery",
    "events",
    "lines",
    "sizes",
    "state",
    "uses",
]
