"""JSON as Google spells it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_UNENCODABLE = re.compile("[\ud800-\udfff]")


def dumps(obj: Any) -> str:
    """JSON on one line in Google's style: ``"k": v,"k2": v`` in raw UTF-8, with ``<`` and ``>`` escaped."""
    return _escaped(json.dumps(obj, ensure_ascii=False, allow_nan=False, separators=(",", ": ")))


def pretty(obj: Any) -> str:
    """JSON on several lines in Google's style: indented by 2, in raw UTF-8, with ``<`` and ``>`` escaped."""
    return _escaped(json.dumps(obj, ensure_ascii=False, allow_nan=False, indent=2))


def encode_array(elements: Sequence[str]) -> list[bytes]:
    r"""A JSON array in the chunks in which Google writes it: one for each element, and one for the end.

    The separators are Google's: ``[{…}\n``, then ``,\r\n{…}\n`` and so on, then ``]`` without a line end. Elements
    are JSON texts, see :func:`pretty`. An empty array is one chunk, ``[]``.
    """
    if not elements:
        return [b"[]"]
    chunks = [f",\r\n{element}\n".encode() for element in elements]
    chunks[0] = f"[{elements[0]}\n".encode()
    return [*chunks, b"]"]


def _escaped(text: str) -> str:
    # UTF-8 cannot encode a lone surrogate; its escape is the only way to write it.
    text = text.replace("<", "\\u003c").replace(">", "\\u003e")
    return _UNENCODABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
