"""The fuzz kit: any stream parser against any chunking, framing and damage.

    from gemini_replay import fuzz

    def test_my_parser():
        fuzz.check_parser(my_parse, profile="gemini")

Nothing is imported before it is used; Hypothesis not at all by the fixed cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..errors import ParserBug as ParserBug
    from ..faults import check_client as check_client
    from .budget import IncompleteSearchWarning as IncompleteSearchWarning
    from .case import Case as Case
    from .classes import CLASSES as CLASSES
    from .classes import PROFILES as PROFILES
    from .documents import Document as Document
    from .parser_check import check_parser as check_parser
    from .parser_check import survey as survey
    from .results import Result as Result
    from .results import Survey as Survey
    from .strategies import chunkings as chunkings
    from .strategies import corruptions as corruptions
    from .strategies import cut_streams as cut_streams
    from .strategies import event_streams as event_streams
    from .strategies import from_cassette as from_cassette
    from .strategies import gemini_events as gemini_events
    from .stream_check import check_bytes as check_bytes
    from .stream_check import check_stream as check_stream
    from .testing import cases as cases

_HOMES = {
    "..errors": ("ParserBug",),
    "..faults": ("check_client",),
    ".budget": ("IncompleteSearchWarning",),
    ".case": ("Case",),
    ".classes": ("CLASSES", "PROFILES"),
    ".documents": ("Document",),
    ".parser_check": ("check_parser", "survey"),
    ".results": ("Result", "Survey"),
    ".strategies": ("chunkings", "corruptions", "cut_streams", "event_streams", "from_cassette", "gemini_events"),
    ".stream_check": ("check_bytes", "check_stream"),
    ".testing": ("cases",),
}

__all__ = [name for names in _HOMES.values() for name in names]


if not TYPE_CHECKING:  # hidden from type checkers, which would take any name to exist

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = next(module for module, names in _HOMES.items() if name in names)
        return getattr(import_module(home, __name__), name)
