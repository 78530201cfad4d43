"""gemini-replay: record live Gemini streams once, replay them with the same bytes, chunk boundaries and rhythm.

Nothing is imported before it is used: the pytest plugin loads this package in every test run. `dir` does not list
what is still to be imported: some tools, freezegun among them, read every name of every module that it lists. Only
the real clocks are taken at once, before a test can replace them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import clocks as clocks
from ._version import __version__

if TYPE_CHECKING:
    from . import faults as faults
    from . import fuzz as fuzz
    from .cassette.files import Cassette as Cassette
    from .cassette.model import Interaction as Interaction
    from .gemini import Event as Event
    from .gemini import StreamParser as StreamParser
    from .gemini import parse_stream as parse_stream
    from .interception import record as record
    from .interception import replay as replay
    from .rhythm.retiming import retime as retime
    from .session import Session as Session
    from .virtual_clock import virtual_time as virtual_time
    from .writing import from_events as from_events
    from .writing import from_text as from_text

_HOMES = {
    "Cassette": "cassette.files",
    "Interaction": "cassette.model",
    "Event": "gemini",
    "StreamParser": "gemini",
    "parse_stream": "gemini",
    "virtual_time": "virtual_clock",
    "record": "interception",
    "replay": "interception",
    "Session": "session",
    "from_events": "writing",
    "from_text": "writing",
    "retime": "rhythm.retiming",
}

_MODULES = ("faults", "fuzz")

__all__ = [
    "Cassette",
    "Event",
    "Interaction",
    "Session",
    "StreamParser",
    "__version__",
    "faults",
    "from_events",
    "from_text",
    "fuzz",
    "parse_stream",
    "record",
    "replay",
    "retime",
    "virtual_time",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES and name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    if name in _MODULES:
        return import_module(f".{name}", __name__)
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
