"""Frames to events: what a Gemini stream says, whatever its framing and however it was cut."""

from .answer import Answer, collect
from .event import ApiError, Event, InlineData
from .function_calls import FunctionCall
from .layout import Layout, lay_out
from .parser import Malformed, StreamParser, aparse_stream, parse_stream

__all__ = [
    "Answer",
    "ApiError",
    "Event",
    "FunctionCall",
    "InlineData",
    "Layout",
    "Malformed",
    "StreamParser",
    "aparse_stream",
    "collect",
    "lay_out",
    "parse_stream",
]
