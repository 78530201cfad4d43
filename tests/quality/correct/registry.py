"""The list of correct parsers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Parse = Callable[[Any], Any]


@dataclass(frozen=True)
class Correct:
    """A parser and the profiles that it is made for."""

    name: str
    profiles: tuple[str, ...]
    parse: Parse


CORRECT: list[Correct] = []


def correct(*profiles: str) -> Callable[[Parse], Parse]:
    """Register a parser."""

    def register(parse: Parse) -> Parse:
        CORRECT.append(Correct(parse.__name__, profiles, parse))
        return parse

    return register


def found(text: str) -> list[Any]:
    """The JSON value of a text, if it is one."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return []
