"""Parsers with one planted bug each: what people write."""

from . import arrays, events, lines, state
from .registry import PLANTED, Planted

__all__ = ["PLANTED", "Planted", "arrays", "events", "lines", "state"]
