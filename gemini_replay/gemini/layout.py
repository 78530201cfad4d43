"""Where the events of a body are, for cutting it between or inside them."""

from __future__ import annotations

import re

from ..errors import FrameTooLargeError
from ..provider import Event, Layout
from .parser import StreamParser

_BLANK_LINE = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_ARRAY_END = re.compile(rb"[ \t\r\n]*\][ \t\r\n]*\Z")


def lay_out(body: bytes) -> Layout:
    """The layout of any body, also a malformed one. ``[DONE]`` is not an event.

    In SSE an event ends after its blank line, in a JSON array after the line end of its element, before the comma or
    bracket that follows.
    """
    parser = StreamParser()
    events, too_large = [], 0
    try:
        events += parser.feed(body)
        events += parser.close()
    except FrameTooLargeError:
        too_large = 1
    bounds = [*(event.offset for event in events[1:]), len(body)]
    ends = []
    for event, bound in zip(events, bounds, strict=False):
        if event.kind == "array":
            found = _ARRAY_END.search(body, event.offset, bound) if bound == len(body) else None
            stop = found.start() if found else len(body[:bound].rstrip(b" \t\r\n,"))
            line_end = body.find(b"\n", stop, bound)
            whole = line_end >= 0 and not body[stop:line_end].strip()
            ends.append(line_end + 1 if whole else stop)
        elif event.kind == "sse" and (blank := _BLANK_LINE.search(body, event.offset, bound)):
            ends.append(blank.end())
        else:
            ends.append(bound)
    starts: list[tuple[int, Event | None]] = [(event.offset, event) for event in events]
    starts += [(malformed.offset, None) for malformed in parser.malformed]
    starts.sort(key=lambda start: start[0])
    return Layout(parser.framing, tuple(events), tuple(ends), tuple(starts), parser.skipped + too_large)
