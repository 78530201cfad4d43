"""Frames to bytes: for written cassettes, scenarios, tests and the fuzz kit."""

from __future__ import annotations

import re

from ..errors import UsageError

_LINE_END = re.compile(rb"\r\n|\r|\n")


def encode_sse(
    payload: str | bytes,
    *,
    newline: str = "\r\n",
    event: str | None = None,
    id: str | None = None,
    retry: int | None = None,
    space: bool = True,
) -> bytes:
    r"""One SSE block, its blank line included.

    Args:
        payload: the data; each of its lines (ended by CR, LF or CRLF) becomes a data line. Bytes are taken as
            they are, valid UTF-8 or not.
        newline: "\r\n", "\n" or "\r".
        event: the event type; None for no ``event`` field.
        id: the event id; None for no ``id`` field.
        retry: milliseconds; None for no ``retry`` field.
        space: whether a space follows the colons. A value that itself starts with a space gets one anyway.

    Raises:
        UsageError: a value that SSE cannot carry.
    """
    if newline not in ("\r\n", "\n", "\r"):
        raise UsageError(f"newline is {newline!r}.", hint=r"Use '\r\n', '\n' or '\r'.")
    if retry is not None and retry < 0:
        raise UsageError(f"retry is {retry}.", hint="Give milliseconds, 0 or more.")
    end = newline.encode()
    lines: list[bytes] = []
    for name, text in (("event", event), ("id", id), ("retry", retry)):
        if text is None:
            continue
        value = str(text).encode()
        if _LINE_END.search(value) or (name == "id" and b"\0" in value):
            raise UsageError(
                f"{name} is {text!r}: SSE cannot carry that.",
                hint="Leave out line ends, and NUL from an id.",
            )
        lines.append(_field(name, value, space))
    data = payload.encode() if isinstance(payload, str) else payload
    lines.extend(_field("data", value, space) for value in _LINE_END.split(data))
    return end.join(lines) + end + end


def _field(name: str, value: bytes, space: bool) -> bytes:
    return name.encode() + (b": " if space or value.startswith(b" ") else b":") + value
