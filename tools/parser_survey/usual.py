"""What the adapters of Python's parsers share, and what users write after such a parser."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from gemini_replay.fuzz import adapters as adapters  # noqa: E402  # from the source, after the line that finds it
from gemini_replay.fuzz.responses import URL as URL  # noqa: E402


class End(Exception):
    """A client that reconnects for ever is at the end of its stream."""


def from_data(data: Iterable[str]) -> Iterator[Any]:
    """What users write after a library that gives them the data of each event.

    An event with empty data comes out as null: users' code would fail on it, and it must not be hidden here.
    """
    for one in data:
        if one == "[DONE]":
            break
        yield json.loads(one) if one else None


def usual_loop(lines: Iterable[str | bytes]) -> Iterator[Any]:
    """What users write over lines."""
    for line in lines:
        text = line.decode() if isinstance(line, bytes) else line
        if text.startswith("data: "):
            data = text[len("data: ") :]
            if data == "[DONE]":
                break
            yield json.loads(data)
