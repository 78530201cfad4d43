"""Frames to bytes, as Google or a gateway would write them: for tests, scenarios and the fuzz kit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import UsageError

_LINE_END = re.compile(rb"\r\n|\r|\n")
_UNENCODABLE = re.compile("[\ud800-\udfff]")


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
        newline: "\r\n" as Google writes it, "\n" or "\r".
        event: the event type, where there is to be an ``event`` field.
        id: the event id, where there is to be an ``id`` field.
        retry: milliseconds, where there is to be a ``retry`` field.
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


def encode_array(elements: Sequence[str]) -> list[bytes]:
    r"""A JSON array in the chunks in which Google writes it: one for each element, and one for the end.

    The separators are Google's: ``[{…}\n``, then ``,\r\n{…}\n`` and so on, then ``]`` without a line end. Elements
    are JSON texts, see :func:`pretty`. Of no elements ``[]`` is made, in one chunk.
    """
    if not elements:
        return [b"[]"]
    chunks = [f",\r\n{element}\n".encode() for element in elements]
    chunks[0] = f"[{elements[0]}\n".encode()
    return [*chunks, b"]"]


def encode_error(code: int, message: str, status: str, details: Iterable[Mapping[str, Any]] = ()) -> bytes:
    """Google's error object as it stands in a body, before or in mid-stream: raw, pretty-printed, LF at its end."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details := list(details):
        error["details"] = details
    return (pretty({"error": error}) + "\n").encode()


def dumps(obj: Any) -> str:
    """JSON on one line in Google's style: ``"k": v,"k2": v``, raw UTF-8, ``<`` and ``>`` escaped."""
    return _google(json.dumps(obj, ensure_ascii=False, allow_nan=False, separators=(",", ": ")))


def pretty(obj: Any) -> str:
    """JSON over several lines in Google's style: indented by 2, raw UTF-8, ``<`` and ``>`` escaped."""
    return _google(json.dumps(obj, ensure_ascii=False, allow_nan=False, indent=2))


def _field(name: str, value: bytes, space: bool) -> bytes:
    return name.encode() + (b": " if space or value.startswith(b" ") else b":") + value


def _google(text: str) -> str:
    # A lone surrogate has no UTF-8; its escape is the only way to write it.
    text = text.replace("<", "\\u003c").replace(">", "\\u003e")
    return _UNENCODABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
