"""The list of correct parsers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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


def register(name: str, parse: Parse, *profiles: str) -> None:
    """Register a parser under a name."""
    CORRECT.append(Correct(name, profiles, parse))


def correct(*profiles: str) -> Callable[[Parse], Parse]:
    """Register a parser under its own name."""

    def decorate(parse: Parse) -> Parse:
        register(parse.__name__, parse, *profiles)
        return parse

    return decorate


def found(text: str) -> list[Any]:
    """The JSON value of a text, if it is one."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return []


def block_values(lines: Sequence[str]) -> list[Any]:
    """The event of the lines of one block, if it has one: of its data, or a raw error object."""
    data = [line[5:].removeprefix(" ") for line in lines if line.startswith("data:")]
    if data:
        return found("\n".join(data))
    return found("\n".join(lines)) if lines[:1] == ["{"] else []
