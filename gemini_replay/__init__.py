"""gemini-replay: record live Gemini streams once, replay them with the same bytes, chunk boundaries and rhythm.

Nothing is imported before it is used: the pytest plugin loads this package in every test run. `dir` lists the public
names. A tool that reads all of them, such as freezegun, imports the modules that they come from, but no client
library. Only the real clocks are taken at once, before a test can replace them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import clocks as clocks
from ._version import __version__

if TYPE_CHECKING:
    from . import faults, fuzz
    from .cassette.model import Interaction, Request
    from .errors import (
        AmbiguousSessionError,
        CassetteError,
        CassetteNotFoundError,
        ClientBug,
        DriftError,
        FaultUnusedError,
        GeminiReplayError,
        HookError,
        MissError,
        NetworkBlockedError,
        ParserBug,
        RecordingError,
        RefusedError,
        UnusedRecordingsError,
        UsageError,
    )
    from .gemini import Event, StreamParser, aparse_stream, parse_stream
    from .interception import record, replay
    from .rhythm.cassette import Cassette
    from .session import Session
    from .session.settings import CassetteConfig
    from .virtual_clock import virtual_time
else:  # hidden from type checkers, which would take any name to exist

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _MODULES:
            return import_module(f".{name}", __name__)
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = next((module for module, names in _HOMES.items() if name in names), "errors")
        return getattr(import_module(f".{home}", __name__), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


_MODULES = ("faults", "fuzz")
_HOMES = {
    "cassette.model": ("Interaction", "Request"),
    "gemini": ("Event", "StreamParser", "aparse_stream", "parse_stream"),
    "interception": ("record", "replay"),
    "rhythm.cassette": ("Cassette",),
    "session": ("Session",),
    "session.settings": ("CassetteConfig",),
    "virtual_clock": ("virtual_time",),
}
"""The public names by their modules; an error is in `errors`."""

__all__ = [
    "AmbiguousSessionError",
    "Cassette",
    "CassetteConfig",
    "CassetteError",
    "CassetteNotFoundError",
    "ClientBug",
    "DriftError",
    "Event",
    "FaultUnusedError",
    "GeminiReplayError",
    "HookError",
    "Interaction",
    "MissError",
    "NetworkBlockedError",
    "ParserBug",
    "RecordingError",
    "RefusedError",
    "Request",
    "Session",
    "StreamParser",
    "UnusedRecordingsError",
    "UsageError",
    "__version__",
    "aparse_stream",
    "faults",
    "fuzz",
    "parse_stream",
    "record",
    "replay",
    "virtual_time",
]
