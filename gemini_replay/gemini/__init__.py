"""Everything that is specific to Gemini. The rest of the package knows `GEMINI` only as a `provider.Provider`."""

from .answer import Answer, collect
from .api import GEMINI
from .event import Event, InlineData
from .layout import lay_out
from .parser import Malformed, StreamParser, aparse_stream, parse_stream

__all__ = [
    "GEMINI",
    "Answer",
    "Event",
    "InlineData",
    "Malformed",
    "StreamParser",
    "aparse_stream",
    "collect",
    "lay_out",
    "parse_stream",
]
