"""Reduces JSON values: what may be left out is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def reduced(tree: Any, fails: Callable[[Any], bool]) -> Any:
    """The tree without the members, at any depth, that are not needed for it to fail."""
    if not isinstance(tree, list | dict):
        return tree
    for at in [*tree] if isinstance(tree, dict) else reversed(range(len(tree))):
        fewer = tree.copy()
        del fewer[at]
        if fails(fewer):
            tree = fewer
    for at in [*tree] if isinstance(tree, dict) else range(len(tree)):
        tree = _with(tree, at, reduced(tree[at], lambda member: fails(_with(tree, at, member))))  # noqa: B023
    return tree


def _with(tree: Any, at: Any, member: Any) -> Any:
    changed = tree.copy()
    changed[at] = member
    return changed
