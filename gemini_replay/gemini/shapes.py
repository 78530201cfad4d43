"""Reads JSON of unknown shape and never fails: unexpected values read as empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

EMPTY: Mapping[str, Any] = {}
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def get(mapping: Mapping[str, Any], name: str) -> Any:
    """The value of a key in camelCase, or else of the same key in snake_case; None if there is neither."""
    value = mapping.get(name)
    return mapping.get(_snake(name)) if value is None else value


def dict_of(value: Any) -> Mapping[str, Any]:
    """``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else EMPTY


def dicts_of(value: Any) -> tuple[Mapping[str, Any], ...]:
    """The objects in an array; a single object counts as an array of one."""
    if isinstance(value, dict):
        return (value,)
    return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def str_of(value: Any) -> str | None:
    """``value`` if it is a string and not empty, else None."""
    return value if isinstance(value, str) and value else None


@lru_cache(maxsize=256)
def _snake(name: str) -> str:
    return _HUMP.sub("_", name).lower()
