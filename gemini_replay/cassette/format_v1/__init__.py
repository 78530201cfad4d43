"""Cassette format v1: lines ⇄ model, without I/O. Only this folder and `cassette.encoding`, which encodes bytes and
times, define v1.

A file is lines of UTF-8, each ended by one LF byte:

    header      {"cassette": 1, "recorder": …, "recorded": …, "test": …}
    request     {"request": {"method", "url", "headers", "json" | "body", "client", "test"}}
    response    {"response": {"status", "headers", "body"}, "after": seconds}     absent if none came
    chunk       [after, part, …]     a part is a string, or an object for other bytes, see `cassette.encoding`
    end         {"end": "eof" | "reset" | "cancelled" | "timeout", "after": seconds, "how": "closed" | "unfinished"}
    comment     a line that starts with #, or an empty line

In a chunk of a response that is stored decoded, ``{"member": "next"}`` between two parts marks where a new member of
the content coding begins, and ``{"coded": "base64"}`` at the end holds bytes that could not be decoded.

Unknown keys are kept in ``extra``. An unknown key of the object around a request or a response is kept as
``"../name"``.

`writing` makes lines, `reading` reads them, and `structures` reads the objects in them.
"""

from .lines import Comment, Header, Line
from .reading import decode_line, kind_shown
from .writing import (
    encode_chunk,
    encode_comments,
    encode_end,
    encode_header,
    encode_interaction,
    encode_request,
    encode_response,
)

__all__ = [
    "Comment",
    "Header",
    "Line",
    "decode_line",
    "encode_chunk",
    "encode_comments",
    "encode_end",
    "encode_header",
    "encode_interaction",
    "encode_request",
    "encode_response",
    "kind_shown",
]
