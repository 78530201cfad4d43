"""Correct parsers, each written in another way; the kit must never accuse one of them in its profiles."""

from . import arrays, asynchronous, libraries, node, our_own, sse, styles
from .registry import CORRECT, Correct

__all__ = ["CORRECT", "Correct", "arrays", "asynchronous", "libraries", "node", "our_own", "sse", "styles"]
