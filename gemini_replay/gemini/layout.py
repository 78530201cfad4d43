"""Where the events of a body lie: for cutting it at them, between them, and inside them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..frames import Framing
from .event import Event
from .parser import StreamParser

_BLANK_LINE = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_ARRAY_END = re.compile(rb"[ \t\r\n]*\][ \t\r\n]*\Z")


@dataclass(frozen=True)
class Layout:
    """A body's events and where they end.

    Attributes:
        framing: the body's framing; None for an empty body.
        events: the decoded events; malformed frames and ``[DONE]`` are passed over.
        ends: for each event, the offset behind its last byte: behind the blank line in SSE, behind the line end of
            an element in a JSON array, before the comma or bracket that follows.
    """

    framing: Framing | None
    events: tuple[Event, ...]
    ends: tuple[int, ...]


def lay_out(body: bytes) -> Layout:
    """The layout of a body, whatever is wrong with it."""
    parser = StreamParser()
    events = (*parser.feed(body), *parser.close())
    frames = [event.frame for event in events if event.frame is not None]
    bounds = [*(frame.offset for frame in frames[1:]), len(body)]
    ends = []
    for frame, bound in zip(frames, bounds, strict=False):
        if frame.kind == "array":
            found = _ARRAY_END.search(body, frame.offset, bound) if bound == len(body) else None
            stop = found.start() if found else len(body[:bound].rstrip(b" \t\r\n,"))
            line_end = body.find(b"\n", stop, bound)
            whole = line_end >= 0 and not body[stop:line_end].strip()
            ends.append(line_end + 1 if whole else stop)
        elif frame.kind == "sse" and (blank := _BLANK_LINE.search(body, frame.offset, bound)):
            ends.append(blank.end())
        else:
            ends.append(bound)
    return Layout(parser.framing, events, tuple(ends))
